//! dma-heaps: `include/uapi/linux/dma-heap.h`.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::retry::retry;

/// `struct dma_heap_allocation_data`: 24 bytes on every architecture.
#[repr(C)]
pub struct HeapAllocation {
    len: u64,
    fd: u32,
    fd_flags: u32,
    heap_flags: u64,
}

// Of whatever architecture this is compiled for: an ioctl's number carries the size.
const _: () = assert!(size_of::<HeapAllocation>() == 24);

mod ioctl {
    #![allow(missing_docs)]
    nix::ioctl_readwrite!(dma_heap_alloc, b'H', 0, super::HeapAllocation);
}

/// Allocates `len` bytes, rounded up to pages, and returns the dma-buf: `DMA_HEAP_IOCTL_ALLOC`.
///
/// # Errors
/// EINVAL for file flags other than O_CLOEXEC and an access mode, or a length of 0; ENOMEM.
pub fn allocate(heap: BorrowedFd<'_>, len: u64, flags: OFlag) -> Result<OwnedFd, Errno> {
    let mut argument = HeapAllocation { len, fd: 0, fd_flags: flags.bits() as u32, heap_flags: 0 };
    // SAFETY: the number carries the size of `HeapAllocation`, which outlives the call.
    retry(|| unsafe { ioctl::dma_heap_alloc(heap.as_raw_fd(), &mut argument) })?;
    // SAFETY: on success the kernel has installed a new descriptor that no one else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(argument.fd as i32) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn the_layout_is_the_header_s() {
        assert_eq!(size_of::<HeapAllocation>(), 24);
    }

    #[test]
    fn a_file_that_is_no_heap_refuses() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        assert_eq!(allocate(file.as_fd(), 4096, OFlag::O_RDWR).map(drop), Err(Errno::ENOTTY));
    }
}
