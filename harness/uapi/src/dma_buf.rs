//! What every dma-buf file can do, whoever exported it: `include/uapi/linux/dma-buf.h`.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::unistd::{Whence, lseek64};

use crate::retry::retry;

/// `struct dma_buf_sync`: 8 bytes on every architecture.
#[repr(C)]
pub struct DmaBufSync {
    flags: u64,
}

/// `DMA_BUF_SYNC_READ`: the CPU reads.
pub const SYNC_READ: u64 = 1;
/// `DMA_BUF_SYNC_WRITE`: the CPU writes.
pub const SYNC_WRITE: u64 = 2;
/// `DMA_BUF_SYNC_END`: the access ends; without it, it begins.
pub const SYNC_END: u64 = 4;

/// `DMA_BUF_MAGIC`, what `fstatfs` says of a dma-buf (`include/uapi/linux/magic.h`).
pub const MAGIC: i64 = 0x444d_4142;

// Of whatever architecture this is compiled for: an ioctl's number carries the size.
const _: () = assert!(size_of::<DmaBufSync>() == 8);

mod ioctl {
    #![allow(missing_docs)]
    nix::ioctl_write_ptr!(dma_buf_sync, b'b', 0, super::DmaBufSync);
    // DMA_BUF_SET_NAME_B: the argument is a pointer to text, sized as a u64.
    nix::ioctl_write_ptr!(dma_buf_set_name, b'b', 1, u64);
}

/// Begins or ends an access of the CPU: `DMA_BUF_IOCTL_SYNC`.
///
/// # Errors
/// EINVAL for flags that the kernel does not know; whatever the exporter's begin_cpu_access or
/// end_cpu_access returns. Reference: `Documentation/driver-api/dma-buf.rst`, "CPU Access to DMA
/// Buffer Objects".
pub fn sync(file: BorrowedFd<'_>, flags: u64) -> Result<(), Errno> {
    let argument = DmaBufSync { flags };
    // SAFETY: the number carries the size of `DmaBufSync`, which outlives the call; the kernel reads it only.
    retry(|| unsafe { ioctl::dma_buf_sync(file.as_raw_fd(), &argument) }).map(drop)
}

/// Names a dma-buf in `/proc/*/maps`, fdinfo and bufinfo: `DMA_BUF_SET_NAME`, 31 bytes at most.
///
/// # Errors
/// EINVAL for a longer name; ENOTTY for a file that is not a dma-buf or a kernel before 5.3.
pub fn set_name(file: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    // SAFETY: the kernel reads at most 32 bytes of a NUL-terminated text (strndup_user) that outlives the call.
    unsafe { ioctl::dma_buf_set_name(file.as_raw_fd(), name.as_ptr().cast()) }.map(drop)
}

/// Returns the buffer's size in bytes, as `lseek(fd, 0, SEEK_END)` reports it (`dma_buf_llseek`).
///
/// # Errors
/// EBADF, or ESPIPE for a file that has no position.
pub fn size(file: BorrowedFd<'_>) -> Result<u64, Errno> {
    seek(file, 0, Whence::SeekEnd)
}

/// Any other seek; the kernel allows offset 0 from the start or the end only.
///
/// # Errors
/// EINVAL for an offset other than 0 or a whence other than SEEK_SET and SEEK_END.
pub fn seek(file: BorrowedFd<'_>, offset: i64, whence: Whence) -> Result<u64, Errno> {
    lseek64(file, offset, whence).map(|at| at as u64)
}

/// Returns the inode number: unique to a dma-buf since kernel 5.10 or so, the same for every file of it.
///
/// # Errors
/// EBADF.
pub fn inode(file: BorrowedFd<'_>) -> Result<u64, Errno> {
    nix::sys::stat::fstat(file).map(|stat| stat.st_ino as u64)
}

/// Returns whether the file is a dma-buf, by the magic of its file system.
///
/// # Errors
/// EBADF.
pub fn is_dma_buf(file: BorrowedFd<'_>) -> Result<bool, Errno> {
    nix::sys::statfs::fstatfs(file).map(|fs| fs.filesystem_type().0 as i64 == MAGIC)
}

/// The flags of a file: its access mode and whether exec closes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFlags {
    /// O_RDWR, or O_RDONLY.
    pub writable: bool,
    /// FD_CLOEXEC.
    pub close_on_exec: bool,
}

/// Asks with F_GETFL and F_GETFD.
///
/// # Errors
/// EBADF.
pub fn file_flags(file: BorrowedFd<'_>) -> Result<FileFlags, Errno> {
    let status = OFlag::from_bits_truncate(fcntl(file, FcntlArg::F_GETFL)?);
    let descriptor = FdFlag::from_bits_truncate(fcntl(file, FcntlArg::F_GETFD)?);
    Ok(FileFlags {
        writable: status & OFlag::O_ACCMODE == OFlag::O_RDWR,
        close_on_exec: descriptor.contains(FdFlag::FD_CLOEXEC),
    })
}

/// Lets exec close a descriptor: `F_SETFD`.
///
/// # Errors
/// EBADF.
pub fn close_on_exec(file: BorrowedFd<'_>) -> Result<(), Errno> {
    fcntl(file, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map(drop)
}

/// A second descriptor of the same file.
///
/// # Errors
/// EMFILE.
pub fn duplicate(file: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let copy = file.try_clone_to_owned();
    copy.map_err(|error| crate::errno_of(&error))
}

/// Returns a second descriptor of the file of a number, which may not be open.
///
/// # Errors
/// EBADF for a number that is not open, EMFILE.
pub fn duplicate_number(number: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: takes integers and returns a new descriptor or -1.
    let copy = Errno::result(unsafe { nix::libc::fcntl(number, nix::libc::F_DUPFD_CLOEXEC, 0) })?;
    // SAFETY: the descriptor is new and no one else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Opens a file again for reading and writing, by its name in procfs.
///
/// # Errors
/// ENXIO for a dma-buf: its inode cannot be opened (`no_open`, fs/inode.c).
pub fn reopen(file: BorrowedFd<'_>) -> Result<std::fs::File, Errno> {
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    let opened = std::fs::File::options().read(true).write(true).open(path);
    opened.map_err(|error| crate::errno_of(&error))
}

/// A file that is not a dma-buf, for imports that must be refused.
///
/// # Errors
/// EMFILE, ENOMEM.
pub fn ordinary_file() -> Result<OwnedFd, Errno> {
    let file = nix::sys::memfd::memfd_create(c"prime-cts-ordinary", nix::sys::memfd::MFdFlags::MFD_CLOEXEC)?;
    nix::unistd::ftruncate(file.as_fd(), 1 << 20)?;
    Ok(file)
}

/// Makes a descriptor one of another file, as dup2(2) does: its number stays, and what it was a descriptor of is
/// closed.
///
/// # Errors
/// EBUSY, EINTR.
pub fn refer_to(file: BorrowedFd<'_>, other: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: the number is that of an open descriptor, and is one before and after: whoever owns it closes it as ever.
    let made = retry(|| unsafe { nix::unistd::dup2_raw(other, file.as_raw_fd()) })?;
    // It is the owner's, who has it already.
    std::mem::forget(made);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_the_header_s() {
        assert_eq!(size_of::<DmaBufSync>(), 8);
    }

    #[test]
    fn an_ordinary_file_is_no_dma_buf() {
        let file = ordinary_file().unwrap();
        assert_eq!(is_dma_buf(file.as_fd()), Ok(false));
        assert_eq!(sync(file.as_fd(), SYNC_READ), Err(Errno::ENOTTY));
        assert_eq!(size(file.as_fd()), Ok(1 << 20));
    }

    #[test]
    fn a_duplicate_is_the_same_file() {
        let file = ordinary_file().unwrap();
        let copy = duplicate(file.as_fd()).unwrap();
        assert_eq!(inode(copy.as_fd()), inode(file.as_fd()));
        assert!(file_flags(copy.as_fd()).unwrap().close_on_exec);
    }

    #[test]
    fn a_number_is_duplicated_if_it_is_open() {
        let file = ordinary_file().unwrap();
        let copy = duplicate_number(file.as_raw_fd()).unwrap();
        assert_eq!(inode(copy.as_fd()), inode(file.as_fd()));
        assert!(file_flags(copy.as_fd()).unwrap().close_on_exec);
        assert_eq!(duplicate_number(-1).unwrap_err(), Errno::EBADF);
    }
}
