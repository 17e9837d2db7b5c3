//! `mmap(2)` without the C library. glibc and musl refuse an offset within a page themselves (`MMAP_CHECK_PAGE_UNIT`,
//! `OFF_MASK`), and musl a length over half of the addresses: their EINVAL and ENOMEM say nothing of the kernel.

use std::ffi::c_void;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

use nix::errno::Errno;
use nix::libc::{self, c_long};
use nix::sys::mman::{MapFlags, ProtFlags};

use super::{Access, Sharing, Window};
use crate::CallError;

#[cfg(target_pointer_width = "64")]
const MMAP: c_long = libc::SYS_mmap;
#[cfg(not(target_pointer_width = "64"))]
const MMAP: c_long = libc::SYS_mmap2;

/// Maps a part of a file, at an address that the kernel chooses. The caller unmaps it.
///
/// # Errors
/// As [`super::Mapping::of_file`].
pub(super) fn mmap(
    file: BorrowedFd<'_>,
    window: Window,
    access: Access,
    sharing: Sharing,
) -> Result<NonNull<c_void>, CallError> {
    let protection = match access {
        Access::ReadOnly => ProtFlags::PROT_READ,
        Access::ReadWrite => ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
    };
    let flags = match sharing {
        Sharing::Shared => MapFlags::MAP_SHARED,
        Sharing::Private => MapFlags::MAP_PRIVATE,
    };
    let offset = offset(window.offset)?;
    let number = c_long::from;
    // SAFETY: no address is asked for, so no existing mapping is replaced; the new one is handed out as a raw pointer. Each
    // argument is as wide as a register.
    let answer = unsafe {
        libc::syscall(
            MMAP,
            std::ptr::null_mut::<c_void>(),
            window.len,
            number(protection.bits()),
            number(flags.bits()),
            number(file.as_raw_fd()),
            offset,
        )
    };
    let start = Errno::result(answer)? as usize as *mut c_void;
    Ok(NonNull::new(start).expect("no mapping lies at address 0"))
}

/// The offset as the call takes it: in bytes.
#[cfg(target_pointer_width = "64")]
pub(super) fn offset(bytes: u64) -> Result<u64, CallError> {
    Ok(bytes)
}

/// The offset as the call takes it.
#[cfg(not(target_pointer_width = "64"))]
pub(super) fn offset(bytes: u64) -> Result<u32, CallError> {
    in_pages(bytes)
}

/// The offset as mmap2 takes it: in units of 4096 bytes, so that it has no number for an offset within a page.
#[cfg(any(test, not(target_pointer_width = "64")))]
fn in_pages(bytes: u64) -> Result<u32, CallError> {
    const UNIT: u64 = 4096;
    if !bytes.is_multiple_of(UNIT) {
        return Err(CallError::NotAsked("mmap2 of 32 bits counts in pages: it has no number for an offset within one"));
    }
    u32::try_from(bytes / UNIT).map_err(|_| CallError::NotAsked("mmap2 of 32 bits has no number for such an offset"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mmap2_has_numbers_for_whole_pages_up_to_its_last() {
        assert_eq!(in_pages(8192), Ok(2));
        assert_eq!(in_pages((1 << 44) - 4096), Ok(u32::MAX));
        assert!(in_pages(100).is_err() && in_pages(1 << 44).is_err());
    }
}
