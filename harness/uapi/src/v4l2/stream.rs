//! Frames that a device works on: queues are started, and what is done comes back.

use super::*;

mod ioctl {
    #![allow(missing_docs)]
    use v4l::v4l_sys as sys;
    nix::ioctl_readwrite!(dqbuf, b'V', 17, sys::v4l2_buffer);
    nix::ioctl_write_ptr!(streamon, b'V', 18, std::ffi::c_int);
    nix::ioctl_write_ptr!(streamoff, b'V', 19, std::ffi::c_int);
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

/// Stops a queue and takes back every buffer that was handed to it: VIDIOC_STREAMOFF. A queue that never ran gives back
/// what was queued too.
///
/// # Errors
/// What the driver returns.
pub fn stream_off(device: BorrowedFd<'_>, queue: QueueType) -> Result<(), Errno> {
    let queue = queue as i32;
    // SAFETY: the kernel reads one int, which outlives the call.
    retry(|| unsafe { ioctl::streamoff(device.as_raw_fd(), &queue) }).map(drop)
}

/// Hands the driver's own frame `index` to the device, `used` bytes of it: VIDIOC_QBUF with memory Mmap.
///
/// # Errors
/// EINVAL for an index that was not requested or is queued already.
pub fn queue_own(device: BorrowedFd<'_>, queue: QueueType, index: u32, used: u32) -> Result<(), Errno> {
    let mut planes = [zeroed::<sys::v4l2_plane>(); 8];
    planes[0].bytesused = used;
    let mut raw = buffer(queue, Memory::Mmap, index, &mut planes, 1);
    raw.bytesused = used;
    raw.field = 1;
    // SAFETY: the number carries the size of the struct; for multi-planar queues it points at 8 planes and announces 1.
    retry(|| unsafe { super::ioctl::qbuf(device.as_raw_fd(), &mut raw) }).map(drop)
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
