//! Fences, seen from user space: readiness of a file, sync files of a dma-buf, the fences that vgem makes.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::retry::retry;

/// `struct dma_buf_export_sync_file` and `struct dma_buf_import_sync_file`: 8 bytes on every architecture.
#[repr(C)]
pub struct SyncFile {
    flags: u32,
    fd: i32,
}

/// `struct drm_vgem_fence_attach` of `include/uapi/drm/vgem_drm.h`: 16 bytes on every architecture.
#[repr(C)]
pub struct VgemAttach {
    handle: u32,
    flags: u32,
    out_fence: u32,
    pad: u32,
}

/// `struct drm_vgem_fence_signal`: 8 bytes on every architecture.
#[repr(C)]
pub struct VgemSignal {
    fence: u32,
    flags: u32,
}

/// `struct sw_sync_create_fence_data` of `drivers/dma-buf/sw_sync.c`: 40 bytes on every architecture.
#[repr(C)]
pub struct SwSyncFence {
    value: u32,
    name: [u8; 32],
    fence: i32,
}

// Of whatever architecture this is compiled for: an ioctl's number carries the size.
const _: () = assert!(size_of::<SyncFile>() == 8);
const _: () = assert!(size_of::<VgemAttach>() == 16);
const _: () = assert!(size_of::<VgemSignal>() == 8);
const _: () = assert!(size_of::<SwSyncFence>() == 40);

mod ioctl {
    #![allow(missing_docs)]
    nix::ioctl_readwrite!(export_sync_file, b'b', 2, super::SyncFile);
    nix::ioctl_write_ptr!(import_sync_file, b'b', 3, super::SyncFile);
    // DRM_COMMAND_BASE is 0x40.
    nix::ioctl_readwrite!(vgem_fence_attach, b'd', 0x41, super::VgemAttach);
    nix::ioctl_write_ptr!(vgem_fence_signal, b'd', 0x42, super::VgemSignal);
    nix::ioctl_readwrite!(sw_sync_create_fence, b'W', 0, super::SwSyncFence);
    nix::ioctl_write_ptr!(sw_sync_inc, b'W', 1, u32);
}

/// Where the kernel puts the fence of what a commit writes (the property `WRITEBACK_OUT_FENCE_PTR`).
#[derive(Debug)]
pub struct OutFence {
    number: std::sync::atomic::AtomicI32,
}

impl Default for OutFence {
    fn default() -> Self {
        Self { number: std::sync::atomic::AtomicI32::new(-1) }
    }
}

impl OutFence {
    /// The property's value. The kernel writes there while a commit lasts that this value is part of.
    pub fn value(&self) -> u64 {
        self.number.as_ptr() as usize as u64
    }

    /// The sync file, if the kernel has made one.
    pub fn take(self) -> Option<OwnedFd> {
        let number = self.number.into_inner();
        // SAFETY: a number that is not negative was put here by the kernel, which installed the descriptor for this
        // process; `self` is gone afterwards, so that it is taken once.
        (number >= 0).then(|| unsafe { OwnedFd::from_raw_fd(number) })
    }
}

/// Waits until a file can be read without waiting, not longer than `time`: a sync file is, when its fences are signalled.
///
/// # Errors
/// ENOMEM.
pub fn wait_readable(file: BorrowedFd<'_>, time: std::time::Duration) -> Result<bool, Errno> {
    let timeout = PollTimeout::try_from(time.as_millis()).unwrap_or(PollTimeout::MAX);
    let mut asked = [PollFd::new(file, PollFlags::POLLIN)];
    Ok(retry(|| poll(&mut asked, timeout))? > 0)
}

/// The answer of `poll(2)` for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// POLLIN: of a dma-buf, no one is writing it; of a sync file, its fences are signalled.
    pub read: bool,
    /// POLLOUT: of a dma-buf, no one is reading or writing it.
    pub write: bool,
    /// POLLERR or POLLNVAL.
    pub error: bool,
}

/// Asks a file for POLLIN, POLLOUT or both, without waiting.
///
/// # Errors
/// ENOMEM. Reference: `Documentation/driver-api/dma-buf.rst`, "Implicit Fence Poll Support".
pub fn readiness(file: BorrowedFd<'_>, read: bool, write: bool) -> Result<Readiness, Errno> {
    let mut asked = PollFlags::empty();
    asked.set(PollFlags::POLLIN, read);
    asked.set(PollFlags::POLLOUT, write);
    let mut files = [PollFd::new(file, asked)];
    retry(|| poll(&mut files, PollTimeout::ZERO))?;
    let answer = files[0].revents().unwrap_or(PollFlags::empty());
    Ok(Readiness {
        read: answer.contains(PollFlags::POLLIN),
        write: answer.contains(PollFlags::POLLOUT),
        error: answer.intersects(PollFlags::POLLERR | PollFlags::POLLNVAL),
    })
}

/// A sync file of a dma-buf's fences as they are now: `DMA_BUF_IOCTL_EXPORT_SYNC_FILE`, flags SYNC_READ, SYNC_WRITE or
/// both. For reading it waits for writers, for writing for readers too.
///
/// # Errors
/// EINVAL for no flags or unknown ones; ENOTTY for a kernel before 6.0 or a file that is not a dma-buf; EMFILE.
pub fn export(file: BorrowedFd<'_>, flags: u32) -> Result<OwnedFd, Errno> {
    let mut argument = SyncFile { flags, fd: -1 };
    // SAFETY: the number carries the size of `SyncFile`, which outlives the call.
    retry(|| unsafe { ioctl::export_sync_file(file.as_raw_fd(), &mut argument) })?;
    // SAFETY: on success the kernel has installed a new descriptor that no one else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(argument.fd) })
}

/// Makes a dma-buf wait for a sync file's fences: `DMA_BUF_IOCTL_IMPORT_SYNC_FILE`. The sync file is given by number,
/// which may be no open file.
///
/// # Errors
/// EINVAL for no flags or unknown ones, and for a number that is not a sync file; ENOTTY for a kernel before 6.0.
pub fn import(file: BorrowedFd<'_>, flags: u32, sync_file: i32) -> Result<(), Errno> {
    let argument = SyncFile { flags, fd: sync_file };
    // SAFETY: the number carries the size of `SyncFile`, which outlives the call; the kernel reads it only.
    retry(|| unsafe { ioctl::import_sync_file(file.as_raw_fd(), &argument) }).map(drop)
}

/// Puts a fence on a vgem handle's buffer, for writing or for reading: `DRM_IOCTL_VGEM_FENCE_ATTACH`. It expires after
/// 10 seconds (`vgem_fence_create`).
///
/// # Errors
/// EBUSY while a fence that conflicts is pending, ENOENT for an unknown handle, EINVAL or EACCES from another driver.
pub fn vgem_attach(device: BorrowedFd<'_>, handle: u32, write: bool) -> Result<u32, Errno> {
    let mut argument = VgemAttach { handle, flags: u32::from(write), out_fence: 0, pad: 0 };
    // SAFETY: the number carries the size of `VgemAttach`, which outlives the call.
    retry(|| unsafe { ioctl::vgem_fence_attach(device.as_raw_fd(), &mut argument) })?;
    Ok(argument.out_fence)
}

/// Signals a fence that this file attached: `DRM_IOCTL_VGEM_FENCE_SIGNAL`.
///
/// # Errors
/// ENOENT for one that was signalled before, ETIMEDOUT for one that had expired.
pub fn vgem_signal(device: BorrowedFd<'_>, fence: u32) -> Result<(), Errno> {
    let argument = VgemSignal { fence, flags: 0 };
    // SAFETY: the number carries the size of `VgemSignal`, which outlives the call; the kernel reads it only.
    retry(|| unsafe { ioctl::vgem_fence_signal(device.as_raw_fd(), &argument) }).map(drop)
}

/// A sync file that is signalled when a timeline has come to a value: `SW_SYNC_IOC_CREATE_FENCE` on a file of debugfs,
/// `sync/sw_sync`, each of which is a timeline that begins at 0.
///
/// # Errors
/// ENOMEM; ENOTTY from a file that is not a timeline.
pub fn sw_sync_fence(timeline: BorrowedFd<'_>, value: u32) -> Result<OwnedFd, Errno> {
    let mut argument = SwSyncFence { value, name: [0; 32], fence: -1 };
    argument.name[..9].copy_from_slice(b"prime-cts");
    // SAFETY: the number carries the size of `SwSyncFence`, which outlives the call.
    retry(|| unsafe { ioctl::sw_sync_create_fence(timeline.as_raw_fd(), &mut argument) })?;
    // SAFETY: on success the kernel has installed a new descriptor that no one else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(argument.fence) })
}

/// Advances a timeline: `SW_SYNC_IOC_INC`.
///
/// # Errors
/// ENOTTY from a file that is not a timeline.
pub fn sw_sync_advance(timeline: BorrowedFd<'_>, by: u32) -> Result<(), Errno> {
    // SAFETY: the number carries the size of a `u32`, which outlives the call; the kernel reads it only.
    retry(|| unsafe { ioctl::sw_sync_inc(timeline.as_raw_fd(), &by) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn the_layouts_are_the_headers() {
        assert_eq!((size_of::<SyncFile>(), size_of::<VgemAttach>(), size_of::<VgemSignal>()), (8, 16, 8));
    }

    #[test]
    fn a_file_without_fences_has_no_such_calls() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        assert_eq!(export(file.as_fd(), 1).map(drop), Err(Errno::ENOTTY));
        assert_eq!(import(file.as_fd(), 1, -1), Err(Errno::ENOTTY));
        assert_eq!(vgem_attach(file.as_fd(), 1, true), Err(Errno::ENOTTY));
        assert_eq!(vgem_signal(file.as_fd(), 1), Err(Errno::ENOTTY));
        assert_eq!(sw_sync_fence(file.as_fd(), 1).map(drop), Err(Errno::ENOTTY));
        assert_eq!(sw_sync_advance(file.as_fd(), 1), Err(Errno::ENOTTY));
    }

    #[test]
    fn only_what_was_asked_for_is_told() {
        let (read, write) = nix::unistd::pipe().unwrap();
        assert!(!readiness(read.as_fd(), true, true).unwrap().read, "nothing was written");
        nix::unistd::write(&write, b"x").unwrap();
        assert_eq!(readiness(read.as_fd(), true, false), Ok(Readiness { read: true, write: false, error: false }));
        assert_eq!(readiness(read.as_fd(), false, false).map(|ready| ready.read), Ok(false));
    }
}
