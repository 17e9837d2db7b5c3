//! udmabuf: `include/uapi/linux/udmabuf.h`, `drivers/dma-buf/udmabuf.c`.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::CallError;
use crate::retry::retry;

/// `struct udmabuf_create`: 24 bytes on every architecture.
#[repr(C)]
pub struct UdmabufCreate {
    memfd: u32,
    flags: u32,
    offset: u64,
    size: u64,
}

/// `UDMABUF_FLAGS_CLOEXEC`.
const FLAGS_CLOEXEC: u32 = 1;

// Of whatever architecture this is compiled for: an ioctl's number carries the size.
const _: () = assert!(size_of::<UdmabufCreate>() == 24);

mod ioctl {
    #![allow(missing_docs)]
    nix::ioctl_write_ptr!(udmabuf_create, b'u', 0x42, super::UdmabufCreate);
}

/// A memfd of `size` bytes that udmabuf takes: sealable, sealed against shrinking, not against writing.
///
/// # Errors
/// EMFILE, ENOMEM, EFBIG; `NotAsked` for a size that ftruncate has no number for.
pub fn memory_file(size: u64) -> Result<OwnedFd, CallError> {
    sealed_file(size, SealFlag::F_SEAL_SHRINK)
}

/// A memfd of `size` bytes with any seals.
///
/// # Errors
/// As [`memory_file`]; EINVAL for seals that the kernel does not know.
pub fn sealed_file(size: u64, seals: SealFlag) -> Result<OwnedFd, CallError> {
    let file = memfd_create(c"prime-cts-udmabuf", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    let too_large = |_| CallError::NotAsked("ftruncate has no number for so large a file");
    nix::unistd::ftruncate(file.as_fd(), nix::libc::off_t::try_from(size).map_err(too_large)?)?;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file)
}

/// Makes a dma-buf of `size` bytes of a memfd from `offset` on: `UDMABUF_CREATE`.
///
/// # Errors
/// EINVAL for an offset or size that is not a multiple of the page size, or missing seals; ENOMEM
/// above the module's size_limit_mb.
pub fn create(
    device: BorrowedFd<'_>,
    memory: BorrowedFd<'_>,
    offset: u64,
    size: u64,
    close_on_exec: bool,
) -> Result<OwnedFd, Errno> {
    let flags = if close_on_exec { FLAGS_CLOEXEC } else { 0 };
    let argument = UdmabufCreate { memfd: memory.as_raw_fd() as u32, flags, offset, size };
    // SAFETY: the number carries the size of `UdmabufCreate`, which outlives the call; the kernel reads it only.
    let fd = retry(|| unsafe { ioctl::udmabuf_create(device.as_raw_fd(), &argument) })?;
    // SAFETY: the call returns a new descriptor that no one else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_the_header_s() {
        assert_eq!(size_of::<UdmabufCreate>(), 24);
    }

    #[test]
    fn a_memory_file_cannot_shrink() {
        let file = memory_file(8192).unwrap();
        assert_eq!(nix::unistd::ftruncate(file.as_fd(), 4096), Err(Errno::EPERM));
        assert_eq!(crate::dma_buf::size(file.as_fd()), Ok(8192));
    }
}
