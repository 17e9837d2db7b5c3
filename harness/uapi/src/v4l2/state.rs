//! Whose an imported buffer is now: the device's, or the program's again.

use super::*;

/// `V4L2_BUF_FLAG_QUEUED` and `V4L2_BUF_FLAG_DONE`: the driver has it, or has not been asked to hand it out.
const FLAGS_WITH_DEVICE: u32 = 0x2 | 0x4;

/// Returns whether the frame at an index of a queue of imported buffers is with the device: VIDIOC_QUERYBUF. After
/// VIDIOC_STREAMOFF none may be.
///
/// # Errors
/// EINVAL for an index that was not requested, ENOTTY for a file that is not a V4L2 node.
pub fn with_device(device: BorrowedFd<'_>, queue: QueueType, index: u32) -> Result<bool, Errno> {
    let mut planes = [zeroed::<sys::v4l2_plane>(); 8];
    let mut raw = buffer(queue, Memory::DmaBuf, index, &mut planes, 8);
    // SAFETY: the number carries the size of the struct; for multi-planar queues it points at 8 planes and says so.
    retry(|| unsafe { ioctl::querybuf(device.as_raw_fd(), &mut raw) })?;
    Ok(raw.flags & FLAGS_WITH_DEVICE != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_file_that_is_no_v4l2_node_refuses() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        assert_eq!(with_device(file.as_fd(), QueueType::Capture, 0), Err(Errno::ENOTTY));
    }
}
