//! Buffer queues of V4L2 devices: `include/uapi/linux/videodev2.h`. The `v4l` crate opens nodes and gives the structs;
//! what it lacks (EXPBUF, DMABUF, multi-planar) is here.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use v4l::v4l_sys as sys;

use crate::retry::retry;

mod control;
mod format;
mod state;
mod stream;

pub use control::{Control, Interval, control, controls, input, interval, set_control, set_input, set_interval};
pub use format::{Format, Offered, format, formats, formats_of_code, set_format, try_format};
pub use state::with_device;
pub use stream::{
    Done, create_buffers, dequeue, prepare_dma_buf, prepare_own, queue_own, stream_off, stream_on, take_done, wait_done,
};

mod ioctl {
    #![allow(missing_docs)]
    use v4l::v4l_sys as sys;
    nix::ioctl_read!(querycap, b'V', 0, sys::v4l2_capability);
    nix::ioctl_readwrite!(reqbufs, b'V', 8, sys::v4l2_requestbuffers);
    nix::ioctl_readwrite!(querybuf, b'V', 9, sys::v4l2_buffer);
    nix::ioctl_readwrite!(qbuf, b'V', 15, sys::v4l2_buffer);
    nix::ioctl_readwrite!(expbuf, b'V', 16, sys::v4l2_exportbuffer);
}

const _: () = assert!(size_of::<sys::v4l2_exportbuffer>() == 64);
const _: () = assert!(size_of::<sys::v4l2_buffer>() == if cfg!(target_pointer_width = "64") { 88 } else { 68 });

/// Which way a queue carries frames, and whether a frame may lie in several buffers (`enum v4l2_buf_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum QueueType {
    /// The device writes, one buffer a frame.
    Capture = 1,
    /// The device reads, one buffer a frame.
    Output = 2,
    /// The device writes, up to 8 buffers a frame.
    CaptureMultiPlanar = 9,
    /// The device reads, up to 8 buffers a frame.
    OutputMultiPlanar = 10,
}

impl QueueType {
    /// Returns whether the multi-planar calls are used.
    pub fn multi_planar(self) -> bool {
        matches!(self, Self::CaptureMultiPlanar | Self::OutputMultiPlanar)
    }

    /// Returns whether the device reads the frames.
    pub fn output(self) -> bool {
        matches!(self, Self::Output | Self::OutputMultiPlanar)
    }

    /// The queue on the other side of a mem2mem device.
    pub fn other_side(self) -> Self {
        match self {
            Self::Capture => Self::Output,
            Self::Output => Self::Capture,
            Self::CaptureMultiPlanar => Self::OutputMultiPlanar,
            Self::OutputMultiPlanar => Self::CaptureMultiPlanar,
        }
    }
}

/// Whose memory a queue uses (`enum v4l2_memory`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Memory {
    /// The driver's, mapped or exported by the user.
    Mmap = 1,
    /// A dma-buf's.
    DmaBuf = 4,
}

/// The answer of VIDIOC_QUERYCAP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// The driver's name.
    pub driver: String,
    /// Where the device sits, `platform:vivid-000`.
    pub bus: String,
    /// `V4L2_CAP_*` of this node (device_caps).
    pub capabilities: u32,
}

/// The descriptor of an opened node, which the `v4l` crate hands out as a number only.
pub fn descriptor(device: &v4l::Device) -> BorrowedFd<'_> {
    let number = device.handle().fd();
    // SAFETY: the handle keeps the descriptor open as long as the device, whose borrow bounds the result's.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Asks a node what it is: VIDIOC_QUERYCAP.
///
/// # Errors
/// ENOTTY for a file that is not a V4L2 node.
pub fn capability(device: BorrowedFd<'_>) -> Result<Capability, Errno> {
    let mut answer = zeroed::<sys::v4l2_capability>();
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::querycap(device.as_raw_fd(), &mut answer) })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.split(|&b| b == 0).next().unwrap_or(&[])).into_owned();
    Ok(Capability { driver: text(&answer.driver), bus: text(&answer.bus_info), capabilities: answer.device_caps })
}

/// The answer of VIDIOC_REQBUFS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requested {
    /// The number of buffers that the queue has now.
    pub count: u32,
    /// `V4L2_BUF_CAP_*`; 0 from kernels before 4.20.
    pub capabilities: u32,
}

/// `V4L2_BUF_CAP_SUPPORTS_MMAP`.
pub const SUPPORTS_MMAP: u32 = 1;
/// `V4L2_BUF_CAP_SUPPORTS_DMABUF`.
pub const SUPPORTS_DMABUF: u32 = 4;

/// Gives a queue `count` buffers, 0 to free them: VIDIOC_REQBUFS.
///
/// # Errors
/// EINVAL for a memory that the queue does not support, EBUSY for a queue that another file owns, ENOMEM.
pub fn request_buffers(
    device: BorrowedFd<'_>,
    queue: QueueType,
    memory: Memory,
    count: u32,
) -> Result<Requested, Errno> {
    let mut raw = sys::v4l2_requestbuffers { count, type_: queue as u32, memory: memory as u32, ..zeroed() };
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::reqbufs(device.as_raw_fd(), &mut raw) })?;
    Ok(Requested { count: raw.count, capabilities: raw.capabilities })
}

/// One buffer of a frame in the driver's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneBuffer {
    /// In bytes.
    pub length: u32,
    /// Where it is mapped on the device's file.
    pub offset: u32,
}

/// The buffers of frame `index`: VIDIOC_QUERYBUF, for memory Mmap.
///
/// # Errors
/// EINVAL for an index that was not requested.
pub fn query_buffer(device: BorrowedFd<'_>, queue: QueueType, index: u32) -> Result<Vec<PlaneBuffer>, Errno> {
    let mut planes = [zeroed::<sys::v4l2_plane>(); 8];
    let mut raw = buffer(queue, Memory::Mmap, index, &mut planes, 8);
    // SAFETY: the number carries the size of the struct; for multi-planar queues it points at 8 planes and says so.
    retry(|| unsafe { ioctl::querybuf(device.as_raw_fd(), &mut raw) })?;
    if !queue.multi_planar() {
        // SAFETY: for a single-planar buffer of memory Mmap the kernel has filled in the union's offset.
        return Ok(vec![PlaneBuffer { length: raw.length, offset: unsafe { raw.m.offset } }]);
    }
    let filled = planes.iter().take(raw.length as usize);
    // SAFETY: for a plane of memory Mmap the kernel has filled in the union's mem_offset.
    Ok(filled.map(|plane| PlaneBuffer { length: plane.length, offset: unsafe { plane.m.mem_offset } }).collect())
}

/// Exports one buffer of frame `index` as a dma-buf: VIDIOC_EXPBUF, flags O_CLOEXEC and an access mode.
///
/// # Errors
/// EINVAL for a wrong index or plane or a queue whose memory is not Mmap, ENOTTY where the driver does not export.
pub fn export_buffer(
    device: BorrowedFd<'_>,
    queue: QueueType,
    index: u32,
    plane: u32,
    flags: nix::fcntl::OFlag,
) -> Result<OwnedFd, Errno> {
    let flags = flags.bits() as u32;
    let mut raw = sys::v4l2_exportbuffer { type_: queue as u32, index, plane, flags, ..zeroed() };
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::expbuf(device.as_raw_fd(), &mut raw) })?;
    // SAFETY: on success the kernel has installed a new descriptor that no one else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(raw.fd) })
}

/// One imported buffer of a frame: a number that should be a dma-buf's, and how many bytes of it are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneFile {
    /// The dma-buf's file descriptor, by number, since it may be no open file.
    pub number: i32,
    /// The buffer's length in bytes; 0 for all of it.
    pub length: u32,
    /// Bytes that hold data, from the buffer's start, for queues that the device reads.
    pub used: u32,
    /// Where among them the data begins; multi-planar queues know that.
    pub offset: u32,
}

/// Hands imported buffers to the device: VIDIOC_QBUF with memory DmaBuf. The queue attaches and maps them here
/// (`__prepare_dmabuf` in `videobuf2-core.c`).
///
/// # Errors
/// EINVAL for a number that is not a dma-buf or a buffer that is too small, EFAULT where the memory is not contiguous
/// enough, else what the exporter's attach and map return.
pub fn queue_dma_buf(device: BorrowedFd<'_>, queue: QueueType, index: u32, files: &[PlaneFile]) -> Result<(), Errno> {
    let mut planes = [zeroed::<sys::v4l2_plane>(); 8];
    let mut raw = imported(queue, index, files, &mut planes);
    // SAFETY: the number carries the size of the struct; for multi-planar queues it points at 8 planes, of which it
    // announces as many as were filled in. The kernel takes no ownership of the descriptors.
    retry(|| unsafe { ioctl::qbuf(device.as_raw_fd(), &mut raw) }).map(drop)
}

fn imported(queue: QueueType, index: u32, files: &[PlaneFile], planes: &mut [sys::v4l2_plane; 8]) -> sys::v4l2_buffer {
    for (plane, file) in planes.iter_mut().zip(files) {
        plane.m.fd = file.number;
        plane.length = file.length;
        plane.bytesused = file.used;
        plane.data_offset = file.offset;
    }
    let mut raw = buffer(queue, Memory::DmaBuf, index, planes, files.len() as u32);
    if let (false, [file, ..]) = (queue.multi_planar(), files) {
        raw.m.fd = file.number;
        raw.length = file.length;
        raw.bytesused = file.used;
    }
    // V4L2_FIELD_NONE: output queues want to know; the kernel overwrites it for capture.
    raw.field = 1;
    raw
}

fn buffer(
    queue: QueueType,
    memory: Memory,
    index: u32,
    planes: &mut [sys::v4l2_plane; 8],
    count: u32,
) -> sys::v4l2_buffer {
    let mut raw = sys::v4l2_buffer { index, type_: queue as u32, memory: memory as u32, ..zeroed() };
    if queue.multi_planar() {
        raw.length = count;
        raw.m.planes = planes.as_mut_ptr();
    }
    raw
}

/// A struct of videodev2.h with every byte 0, as the kernel wants reserved fields.
fn zeroed<T: Plain>() -> T {
    // SAFETY: `Plain` is implemented for C structs of integers, byte arrays and raw pointers only.
    unsafe { std::mem::zeroed() }
}

/// C structs for which all bytes 0 are a value.
trait Plain {}
impl Plain for sys::v4l2_capability {}
impl Plain for sys::v4l2_fmtdesc {}
impl Plain for sys::v4l2_format {}
impl Plain for sys::v4l2_requestbuffers {}
impl Plain for sys::v4l2_buffer {}
impl Plain for sys::v4l2_plane {}
impl Plain for sys::v4l2_create_buffers {}
impl Plain for sys::v4l2_queryctrl {}
impl Plain for sys::v4l2_streamparm {}
impl Plain for sys::v4l2_exportbuffer {}
impl Plain for sys::v4l2_pix_format {}
impl Plain for sys::v4l2_pix_format_mplane {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_file_that_is_no_v4l2_node_refuses() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        assert_eq!(capability(file.as_fd()), Err(Errno::ENOTTY));
        assert_eq!(formats(file.as_fd(), QueueType::Capture), Vec::new());
    }
}
