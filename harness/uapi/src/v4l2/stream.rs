//! Frames that a device works on: queues are started, and what is done comes back.

use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::*;

mod ioctl {
    #![allow(missing_docs)]
    use v4l::v4l_sys as sys;
    nix::ioctl_readwrite!(dqbuf, b'V', 17, sys::v4l2_buffer);
    nix::ioctl_write_ptr!(streamon, b'V', 18, std::ffi::c_int);
    nix::ioctl_write_ptr!(streamoff, b'V', 19, std::ffi::c_int);
    nix::ioctl_readwrite!(create_bufs, b'V', 92, sys::v4l2_create_buffers);
    nix::ioctl_readwrite!(prepare_buf, b'V', 93, sys::v4l2_buffer);
}

/// `V4L2_BUF_FLAG_ERROR`: the device could not do its work on the frame.
const FLAG_ERROR: u32 = 0x40;

/// Starts a queue: VIDIOC_STREAMON.
///
/// # Errors
/// EINVAL for a queue without buffers, else what the driver returns.
pub fn stream_on(device: BorrowedFd<'_>, queue: QueueType) -> Result<(), Errno> {
    let queue = queue as i32;
    // SAFETY: the kernel reads one int, which outlives the call.
    retry(|| unsafe { ioctl::streamon(device.as_raw_fd(), &queue) }).map(drop)
}

/// Stops a queue and takes back every buffer that was handed to it: VIDIOC_STREAMOFF. A queue that never ran releases
/// what was queued too.
///
/// # Errors
/// What the driver returns.
pub fn stream_off(device: BorrowedFd<'_>, queue: QueueType) -> Result<(), Errno> {
    let queue = queue as i32;
    // SAFETY: the kernel reads one int, which outlives the call.
    retry(|| unsafe { ioctl::streamoff(device.as_raw_fd(), &queue) }).map(drop)
}

/// Hands the driver's own frame `index` to the device, this many bytes of each of its planes: VIDIOC_QBUF with memory
/// Mmap.
///
/// # Errors
/// EINVAL for an index that was not requested or is queued already.
pub fn queue_own(device: BorrowedFd<'_>, queue: QueueType, index: u32, used: &[u32]) -> Result<(), Errno> {
    let mut planes = [zeroed::<sys::v4l2_plane>(); 8];
    let mut raw = own(queue, index, used, &mut planes);
    // SAFETY: the number carries the size of the struct; for multi-planar queues it points at 8 planes, of which it
    // announces as many as were filled in.
    retry(|| unsafe { super::ioctl::qbuf(device.as_raw_fd(), &mut raw) }).map(drop)
}

/// Lets a queue make the driver's own frame `index` ready before it is queued: VIDIOC_PREPARE_BUF.
///
/// # Errors
/// As [`queue_own`]; ENOTTY where the driver has no such call.
pub fn prepare_own(device: BorrowedFd<'_>, queue: QueueType, index: u32, used: &[u32]) -> Result<(), Errno> {
    let mut planes = [zeroed::<sys::v4l2_plane>(); 8];
    let mut raw = own(queue, index, used, &mut planes);
    // SAFETY: as in `queue_own`.
    retry(|| unsafe { ioctl::prepare_buf(device.as_raw_fd(), &mut raw) }).map(drop)
}

fn own(queue: QueueType, index: u32, used: &[u32], planes: &mut [sys::v4l2_plane; 8]) -> sys::v4l2_buffer {
    for (plane, &used) in planes.iter_mut().zip(used) {
        plane.bytesused = used;
    }
    let mut raw = buffer(queue, Memory::Mmap, index, planes, used.len() as u32);
    raw.bytesused = used.first().copied().unwrap_or(0);
    raw.field = 1;
    raw
}

/// Waits for the next frame that the device is done with, and takes it back: VIDIOC_DQBUF on a file that blocks. Tells
/// how many bytes of its first plane hold data.
///
/// # Errors
/// EIO for a frame that the device could not work on; EINVAL for a queue that does not run.
pub fn dequeue(device: BorrowedFd<'_>, queue: QueueType, memory: Memory) -> Result<u32, Errno> {
    let mut planes = [zeroed::<sys::v4l2_plane>(); 8];
    let mut raw = buffer(queue, memory, 0, &mut planes, 8);
    // SAFETY: the number carries the size of the struct; for multi-planar queues it points at 8 planes and says so.
    retry(|| unsafe { ioctl::dqbuf(device.as_raw_fd(), &mut raw) })?;
    if raw.flags & FLAG_ERROR != 0 {
        return Err(Errno::EIO);
    }
    Ok(if queue.multi_planar() { planes[0].bytesused } else { raw.bytesused })
}

/// A frame that the device is done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The buffer that it lies in.
    pub index: u32,
    /// The frame's number, with gaps where frames were lost.
    pub sequence: u32,
    /// `enum v4l2_field`: the two fields of a frame may come one by one, and have one number then.
    pub field: u32,
    /// The bytes of each of its planes that hold data, the offset included.
    pub used: Vec<u32>,
    /// True if the device could not do its work on it (`V4L2_BUF_FLAG_ERROR`).
    pub faulty: bool,
}

/// Takes back a frame that the device is done with: VIDIOC_DQBUF on a file that does not block. Nothing where there is
/// none yet.
///
/// # Errors
/// EINVAL for a queue that does not run, EIO, EPIPE after the last frame of a codec.
pub fn take_done(device: BorrowedFd<'_>, queue: QueueType, memory: Memory) -> Result<Option<Done>, Errno> {
    let mut planes = [zeroed::<sys::v4l2_plane>(); 8];
    let mut raw = buffer(queue, memory, 0, &mut planes, 8);
    // SAFETY: the number carries the size of the struct; for multi-planar queues it points at 8 planes and says so.
    let mut answer = unsafe { ioctl::dqbuf(device.as_raw_fd(), &mut raw) };
    while answer == Err(Errno::EINTR) {
        // SAFETY: as above.
        answer = unsafe { ioctl::dqbuf(device.as_raw_fd(), &mut raw) };
    }
    match answer {
        Err(Errno::EAGAIN) => return Ok(None),
        answer => answer?,
    };
    let used = match queue.multi_planar() {
        true => planes.iter().take(raw.length as usize).map(|plane| plane.bytesused).collect(),
        false => vec![raw.bytesused],
    };
    let (index, sequence, field) = (raw.index, raw.sequence, raw.field);
    Ok(Some(Done { index, sequence, field, used, faulty: raw.flags & FLAG_ERROR != 0 }))
}

/// Waits until one of a file's queues may have a frame that is done, or says so at once where that is so: poll(2). Tells
/// whether it has; not within `time` is not an error.
///
/// # Errors
/// ENOMEM.
pub fn wait_done(device: BorrowedFd<'_>, output: bool, time: Duration) -> Result<bool, Errno> {
    let flags = if output { PollFlags::POLLOUT } else { PollFlags::POLLIN };
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now()).as_millis();
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut asked = [PollFd::new(device, flags)];
        match poll(&mut asked, timeout) {
            Err(Errno::EINTR) => {}
            answer => return Ok(answer? > 0),
        }
    }
}

/// Gives a queue `count` more buffers of a format: VIDIOC_CREATE_BUFS. Tells the index of the first.
///
/// # Errors
/// ENOTTY where the driver has no such call, EINVAL for a format whose frames are too small.
pub fn create_buffers(
    device: BorrowedFd<'_>,
    queue: QueueType,
    memory: Memory,
    count: u32,
    format: &Format,
) -> Result<u32, Errno> {
    let format = format::encode(queue, format);
    let mut raw = sys::v4l2_create_buffers { count, memory: memory as u32, format, ..zeroed() };
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::create_bufs(device.as_raw_fd(), &mut raw) })?;
    Ok(raw.index)
}

/// Lets a queue attach and map imported buffers before they are queued: VIDIOC_PREPARE_BUF.
///
/// # Errors
/// As [`queue_dma_buf`]; ENOTTY where the driver has no such call.
pub fn prepare_dma_buf(device: BorrowedFd<'_>, queue: QueueType, index: u32, files: &[PlaneFile]) -> Result<(), Errno> {
    let mut planes = [zeroed::<sys::v4l2_plane>(); 8];
    let mut raw = imported(queue, index, files, &mut planes);
    // SAFETY: the number carries the size of the struct; for multi-planar queues it points at 8 planes, of which it
    // announces as many as were filled in. The kernel takes no ownership of the descriptors.
    retry(|| unsafe { ioctl::prepare_buf(device.as_raw_fd(), &mut raw) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_file_that_is_no_v4l2_node_refuses() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        let (file, queue) = (file.as_fd(), QueueType::CaptureMultiPlanar);
        let wish = Format { width: 16, height: 16, fourcc: 1, sizes: vec![0], strides: vec![0] };
        assert_eq!(take_done(file, queue, Memory::DmaBuf), Err(Errno::ENOTTY));
        assert_eq!(create_buffers(file, queue, Memory::DmaBuf, 1, &wish), Err(Errno::ENOTTY));
        assert_eq!(prepare_dma_buf(file, queue, 0, &[]), Err(Errno::ENOTTY));
    }

    #[test]
    fn nothing_is_waited_for_longer_than_asked() {
        let (reader, _writer) = nix::unistd::pipe().unwrap();
        assert_eq!(wait_done(reader.as_fd(), false, Duration::from_millis(1)), Ok(false));
    }
}
