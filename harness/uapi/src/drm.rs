//! DRM calls that the `drm` crate leaves out: `include/uapi/drm/drm.h`, `drm_mode.h`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use drm_ffi::drm_sys::{drm_gem_close, drm_prime_handle};
use nix::errno::Errno;
use std::os::fd::{AsRawFd, FromRawFd};

use crate::retry::retry;

mod ioctl {
    #![allow(missing_docs)]
    use drm_ffi::drm_sys;
    nix::ioctl_readwrite!(prime_handle_to_fd, b'd', 0x2d, drm_sys::drm_prime_handle);
    nix::ioctl_readwrite!(prime_fd_to_handle, b'd', 0x2e, drm_sys::drm_prime_handle);
    nix::ioctl_write_ptr!(gem_close, b'd', 0x09, drm_sys::drm_gem_close);
}

/// `DRM_CLOEXEC`.
pub const CLOEXEC: u32 = drm_ffi::drm_sys::DRM_CLOEXEC;
/// `DRM_RDWR`: without it the dma-buf's file is read-only.
pub const RDWR: u32 = drm_ffi::drm_sys::DRM_RDWR;

/// Exports a GEM handle with any flags: `DRM_IOCTL_PRIME_HANDLE_TO_FD`.
///
/// # Errors
/// EINVAL for unknown flags, ENOENT for an unknown handle, ENOSYS or EOPNOTSUPP where the driver does not export.
pub fn handle_to_fd(device: BorrowedFd<'_>, handle: u32, flags: u32) -> Result<OwnedFd, Errno> {
    let mut argument = drm_prime_handle { handle, flags, fd: -1 };
    // SAFETY: the number carries the size of `drm_prime_handle`, which outlives the call.
    retry(|| unsafe { ioctl::prime_handle_to_fd(device.as_raw_fd(), &mut argument) })?;
    // SAFETY: on success the kernel has installed a new descriptor that no one else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(argument.fd) })
}

/// Imports a dma-buf by its number, which may be no open file: `DRM_IOCTL_PRIME_FD_TO_HANDLE`.
///
/// # Errors
/// EBADF for a closed number, EINVAL for a file that is not a dma-buf, else what the driver or the exporter's attach returns.
pub fn fd_to_handle(device: BorrowedFd<'_>, number: i32) -> Result<u32, Errno> {
    let mut argument = drm_prime_handle { handle: 0, flags: 0, fd: number };
    // SAFETY: the number carries the size of `drm_prime_handle`, which outlives the call; the kernel takes no ownership.
    retry(|| unsafe { ioctl::prime_fd_to_handle(device.as_raw_fd(), &mut argument) })?;
    Ok(argument.handle)
}

/// Drops this file's handle: `DRM_IOCTL_GEM_CLOSE`.
///
/// # Errors
/// EINVAL for a handle that is not open.
pub fn close_handle(device: BorrowedFd<'_>, handle: u32) -> Result<(), Errno> {
    let argument = drm_gem_close { handle, pad: 0 };
    // SAFETY: the number carries the size of `drm_gem_close`, which outlives the call; the kernel reads it only.
    retry(|| unsafe { ioctl::gem_close(device.as_raw_fd(), &argument) }).map(drop)
}

/// The offset at which a dumb buffer's handle can be mapped on the device's file: `DRM_IOCTL_MODE_MAP_DUMB`.
///
/// # Errors
/// EINVAL for an imported handle (`drm_gem_dumb_map_offset`), ENOENT for an unknown one.
pub fn map_dumb(device: BorrowedFd<'_>, handle: u32) -> Result<u64, Errno> {
    let answer = drm_ffi::mode::dumbbuffer::map(device.as_fd(), handle, 0, 0);
    answer.map(|map| map.offset).map_err(|error| crate::errno_of(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layouts_are_the_header_s() {
        assert_eq!(size_of::<drm_prime_handle>(), 12);
        assert_eq!(size_of::<drm_gem_close>(), 8);
    }

    #[test]
    fn a_file_that_is_no_drm_device_refuses() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        assert_eq!(fd_to_handle(file.as_fd(), 0), Err(Errno::ENOTTY));
        assert_eq!(map_dumb(file.as_fd(), 1), Err(Errno::ENOTTY));
    }
}
