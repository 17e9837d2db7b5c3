//! What is done to a dma-buf's file. The kernel does it; a mock may stand in to plant faults.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use spec::step::FileMisuse;
use uapi::dma_buf::{self, FileFlags};
use uapi::memory::{Access, Mapping, Sharing, Window};
use uapi::sync_file::{self, Readiness};
use uapi::{CallError, Errno};

use crate::system::System;

mod misuse;
mod pending;

pub use pending::Pending;

/// The arguments of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapRequest {
    /// Which part.
    pub window: Window,
    /// The access of the CPU.
    pub access: Access,
    /// Shared or private.
    pub sharing: Sharing,
}

/// The operations on a dma-buf's file. The defaults are the kernel's.
pub trait Files {
    /// `mmap(2)`.
    ///
    /// # Errors
    /// See [`Mapping::of_file`].
    fn map(&self, file: BorrowedFd<'_>, request: MapRequest) -> Result<Mapping, CallError> {
        Mapping::of_file(file, request.window, request.access, request.sharing)
    }

    /// DMA_BUF_IOCTL_SYNC.
    ///
    /// # Errors
    /// See [`dma_buf::sync`].
    fn sync(&self, file: BorrowedFd<'_>, flags: u64) -> Result<(), Errno> {
        dma_buf::sync(file, flags)
    }

    /// Returns whether it can be read or written without waiting for a device: `poll(2)`. Works for sync files as well.
    ///
    /// # Errors
    /// See [`sync_file::readiness`].
    fn readiness(&self, file: BorrowedFd<'_>, read: bool, write: bool) -> Result<Readiness, Errno> {
        sync_file::readiness(file, read, write)
    }

    /// DMA_BUF_IOCTL_EXPORT_SYNC_FILE.
    ///
    /// # Errors
    /// See [`sync_file::export`].
    fn export_sync_file(&self, file: BorrowedFd<'_>, flags: u32) -> Result<OwnedFd, Errno> {
        sync_file::export(file, flags)
    }

    /// DMA_BUF_IOCTL_IMPORT_SYNC_FILE.
    ///
    /// # Errors
    /// See [`sync_file::import`].
    fn import_sync_file(&self, file: BorrowedFd<'_>, flags: u32, sync_file: i32) -> Result<(), Errno> {
        sync_file::import(file, flags, sync_file)
    }

    /// A fence that no device has, and that is signalled when it is asked for.
    ///
    /// # Errors
    /// The reason why there is none, with the remedy.
    fn make_fence(&self) -> Result<Pending, &'static str> {
        pending::make(&System::default())
    }

    /// DMA_BUF_SET_NAME.
    ///
    /// # Errors
    /// See [`dma_buf::set_name`].
    fn set_name(&self, file: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        dma_buf::set_name(file, name)
    }

    /// Makes a call that is wrong, on purpose.
    ///
    /// # Errors
    /// The errno of the call.
    fn misuse(&self, file: BorrowedFd<'_>, how: FileMisuse) -> Result<(), Errno> {
        misuse::make(file, how)
    }

    /// `lseek(2)`.
    ///
    /// # Errors
    /// See [`dma_buf::seek`].
    fn seek(&self, file: BorrowedFd<'_>, offset: i64, whence: nix::unistd::Whence) -> Result<u64, Errno> {
        dma_buf::seek(file, offset, whence)
    }

    /// The inode number.
    ///
    /// # Errors
    /// EBADF.
    fn inode(&self, file: BorrowedFd<'_>) -> Result<u64, Errno> {
        dma_buf::inode(file)
    }

    /// The access mode and FD_CLOEXEC.
    ///
    /// # Errors
    /// EBADF.
    fn flags(&self, file: BorrowedFd<'_>) -> Result<FileFlags, Errno> {
        dma_buf::file_flags(file)
    }

    /// Returns whether the file's system is that of dma-bufs.
    ///
    /// # Errors
    /// EBADF.
    fn is_dma_buf(&self, file: BorrowedFd<'_>) -> Result<bool, Errno> {
        dma_buf::is_dma_buf(file)
    }

    /// Makes a mapping of it longer.
    ///
    /// # Errors
    /// See [`Mapping::grow`].
    fn grow(&self, mapping: &mut Mapping, by: usize) -> Result<(), CallError> {
        mapping.grow(by)
    }

    /// Opens it again for reading and writing, by its name in procfs.
    ///
    /// # Errors
    /// ENXIO for a dma-buf: its inode cannot be opened (`no_open` in fs/inode.c).
    fn reopen(&self, file: BorrowedFd<'_>) -> Result<std::fs::File, Errno> {
        dma_buf::reopen(file)
    }

    /// The text of `/proc/self/fdinfo/FD`.
    ///
    /// # Errors
    /// ENOENT without procfs.
    fn fdinfo(&self, file: BorrowedFd<'_>) -> std::io::Result<String> {
        std::fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd()))
    }

    /// The text of debugfs's `dma_buf/bufinfo`.
    ///
    /// # Errors
    /// ENOENT without debugfs or CONFIG_DEBUG_FS, EACCES without root.
    fn bufinfo(&self) -> std::io::Result<String> {
        std::fs::read_to_string(Path::new("/sys/kernel/debug/dma_buf/bufinfo"))
    }
}

/// The kernel's own.
pub struct KernelFiles;

impl Files for KernelFiles {}
