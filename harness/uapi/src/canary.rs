//! `/dev/prime_canary`: `fixtures/kmod/include/uapi/prime_canary.h`, a module of our own.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::retry::retry;

/// Ordinary pages.
pub const PAGES: u32 = 0;
/// Coherent DMA memory.
pub const COHERENT: u32 = 1;
/// Coherent DMA memory whose sg_table has no struct page.
pub const PAGELESS: u32 = 2;
/// Coherent DMA memory whose sg_table has decoys for pages.
pub const DECOY: u32 = 3;
/// Coherent DMA memory whose sg_table has page pointers that fault.
pub const POISON: u32 = 4;

/// Among the forms: there is a PCI device that imports as a peer.
pub const HAS_PEER: u32 = 1 << 31;

/// The number of importing devices that are counted separately.
pub const IMPORTERS: usize = 8;

/// `struct prime_canary_allocate`.
#[repr(C)]
pub struct Allocate {
    size: u64,
    form: u32,
    flags: u32,
    handle: u32,
    reserved: u32,
}

/// `struct prime_canary_export`.
#[repr(C)]
pub struct Export {
    handle: u32,
    flags: u32,
    fd: i32,
    reserved: u32,
}

/// `struct prime_canary_import`.
#[repr(C)]
pub struct Import {
    fd: i32,
    handle: u32,
    size: u64,
}

/// `struct prime_canary_close`.
#[repr(C)]
pub struct Close {
    handle: u32,
    reserved: u32,
}

/// `struct prime_canary_info`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Info {
    handle: u32,
    /// One of the forms; 5 for an import.
    pub form: u32,
    /// In bytes.
    pub size: u64,
    /// Where to map it in the device's file.
    pub offset: u64,
}

/// `struct prime_canary_transfer`.
#[repr(C)]
pub struct Transfer {
    handle: u32,
    write: u32,
    offset: u64,
    size: u64,
    bytes: u64,
}

/// `struct prime_canary_importer`: what one importing device has done with a buffer.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Importer {
    name: [u8; 32],
    /// dma_buf_attach.
    pub attach: u32,
    /// dma_buf_detach.
    pub detach: u32,
    /// dma_buf_map_attachment that succeeded.
    pub map: u32,
    /// dma_buf_unmap_attachment.
    pub unmap: u32,
    /// dma_buf_pin.
    pub pin: u32,
    /// dma_buf_unpin.
    pub unpin: u32,
    /// dma_buf_map_attachment that failed.
    pub map_failed: u32,
    reserved: u32,
}

/// `struct prime_canary_counts`: what has been done with a buffer.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    handle: u32,
    fd: i32,
    /// dma_buf_vmap that reached the exporter.
    pub vmap: u32,
    /// dma_buf_vunmap that reached it.
    pub vunmap: u32,
    /// dma_buf_begin_cpu_access.
    pub begin_cpu_access: u32,
    /// dma_buf_end_cpu_access.
    pub end_cpu_access: u32,
    /// Mappings into user space.
    pub mmap: u32,
    /// Decoy pages of its sg_tables.
    pub decoys: u32,
    /// Decoy pages whose bytes were changed.
    pub decoys_changed: u32,
    /// Decoy pages that someone took a reference on, or mapped.
    pub decoys_referenced: u32,
    /// Distinct importing devices.
    pub importers: u32,
    reserved: u32,
    importer: [Importer; IMPORTERS],
}

/// `struct prime_canary_about`.
#[repr(C)]
pub struct About {
    version: u32,
    forms: u32,
}

// Of whatever architecture this is compiled for: an ioctl's number carries the size.
const _: () = assert!(size_of::<Allocate>() == 24);
const _: () = assert!(size_of::<Export>() == 16);
const _: () = assert!(size_of::<Import>() == 16);
const _: () = assert!(size_of::<Close>() == 8);
const _: () = assert!(size_of::<Info>() == 24);
const _: () = assert!(size_of::<Transfer>() == 32);
const _: () = assert!(size_of::<Importer>() == 64);
const _: () = assert!(size_of::<Counts>() == 560);
const _: () = assert!(size_of::<About>() == 8);

mod ioctl {
    #![allow(missing_docs)]
    nix::ioctl_read!(about, b'P', 0xc0, super::About);
    nix::ioctl_readwrite!(allocate, b'P', 0xc1, super::Allocate);
    nix::ioctl_readwrite!(export, b'P', 0xc2, super::Export);
    nix::ioctl_readwrite!(import, b'P', 0xc3, super::Import);
    nix::ioctl_write_ptr!(close, b'P', 0xc4, super::Close);
    nix::ioctl_readwrite!(info, b'P', 0xc5, super::Info);
    nix::ioctl_write_ptr!(transfer, b'P', 0xc6, super::Transfer);
    nix::ioctl_readwrite!(counts, b'P', 0xc7, super::Counts);
}

/// The forms that the module allocates now, one bit each: `PRIME_CANARY_IOC_ABOUT`.
///
/// # Errors
/// ENOTTY for another device; EPROTO for a module of another version.
pub fn forms(device: BorrowedFd<'_>) -> Result<u32, Errno> {
    let mut argument = About { version: 0, forms: 0 };
    // SAFETY: the number carries the size of `About`, which outlives the call.
    retry(|| unsafe { ioctl::about(device.as_raw_fd(), &mut argument) })?;
    if argument.version == 1 { Ok(argument.forms) } else { Err(Errno::EPROTO) }
}

/// Allocates at least `size` bytes and gives the handle and the size: `PRIME_CANARY_IOC_ALLOCATE`.
///
/// # Errors
/// EINVAL for a size of 0 or above 64 MiB, EPERM for poison without the module's parameter, ENOMEM.
pub fn allocate(device: BorrowedFd<'_>, size: u64, form: u32) -> Result<(u32, u64), Errno> {
    let mut argument = Allocate { size, form, flags: 0, handle: 0, reserved: 0 };
    // SAFETY: the number carries the size of `Allocate`, which outlives the call.
    retry(|| unsafe { ioctl::allocate(device.as_raw_fd(), &mut argument) })?;
    Ok((argument.handle, argument.size))
}

/// Makes a dma-buf file of a handle: `PRIME_CANARY_IOC_EXPORT`. An imported handle gives the dma-buf that it came from.
///
/// # Errors
/// EINVAL for flags other than O_CLOEXEC, O_RDONLY and O_RDWR; ENOENT; ENOMEM.
pub fn export(device: BorrowedFd<'_>, handle: u32, flags: OFlag) -> Result<OwnedFd, Errno> {
    let mut argument = Export { handle, flags: flags.bits() as u32, fd: -1, reserved: 0 };
    // SAFETY: the number carries the size of `Export`, which outlives the call.
    retry(|| unsafe { ioctl::export(device.as_raw_fd(), &mut argument) })?;
    // SAFETY: on success the kernel has installed a new descriptor that no one else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(argument.fd) })
}

/// Attaches and maps a dma-buf of at least `size` bytes by its number, which may be no open file:
/// `PRIME_CANARY_IOC_IMPORT`. A known one gives its handle again; each import is to be closed. The peer takes what lies
/// in other devices' BARs, and lets it be taken away.
///
/// # Errors
/// EBADF for a closed number; EINVAL for a file that is not a dma-buf, and for one that is too small; ENODEV for a peer that
/// there is not; else what the exporter's attach and map_dma_buf return.
pub fn import(device: BorrowedFd<'_>, number: i32, size: u64, peer: bool) -> Result<u32, Errno> {
    let mut argument = Import { fd: number, handle: u32::from(peer), size };
    // SAFETY: the number carries the size of `Import`, which outlives the call; the kernel takes no ownership.
    retry(|| unsafe { ioctl::import(device.as_raw_fd(), &mut argument) })?;
    Ok(argument.handle)
}

/// Drops one use of a handle: `PRIME_CANARY_IOC_CLOSE`.
///
/// # Errors
/// ENOENT.
pub fn close(device: BorrowedFd<'_>, handle: u32) -> Result<(), Errno> {
    let argument = Close { handle, reserved: 0 };
    // SAFETY: the number carries the size of `Close`, which outlives the call; the kernel reads it only.
    retry(|| unsafe { ioctl::close(device.as_raw_fd(), &argument) }).map(drop)
}

/// Returns what a handle stands for: `PRIME_CANARY_IOC_INFO`.
///
/// # Errors
/// ENOENT.
pub fn info(device: BorrowedFd<'_>, handle: u32) -> Result<Info, Errno> {
    let mut argument = Info { handle, form: 0, size: 0, offset: 0 };
    // SAFETY: the number carries the size of `Info`, which outlives the call.
    retry(|| unsafe { ioctl::info(device.as_raw_fd(), &mut argument) })?;
    Ok(argument)
}

/// The device reads an imported buffer through its DMA addresses: `PRIME_CANARY_IOC_TRANSFER`.
///
/// # Errors
/// EINVAL past the buffer's end or for a handle that was allocated, not imported; EFAULT where the sg_table ends before.
pub fn read(device: BorrowedFd<'_>, handle: u32, offset: u64, bytes: &mut [u8]) -> Result<(), Errno> {
    let (size, bytes) = (bytes.len() as u64, bytes.as_mut_ptr() as usize as u64);
    let argument = Transfer { handle, write: 0, offset, size, bytes };
    // SAFETY: the number carries the size of `Transfer`; the kernel writes `size` bytes to `bytes`, borrowed mutably.
    retry(|| unsafe { ioctl::transfer(device.as_raw_fd(), &argument) }).map(drop)
}

/// The device writes an imported buffer through its DMA addresses: `PRIME_CANARY_IOC_TRANSFER`.
///
/// # Errors
/// As [`read`].
pub fn write(device: BorrowedFd<'_>, handle: u32, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
    let (size, bytes) = (bytes.len() as u64, bytes.as_ptr() as usize as u64);
    let argument = Transfer { handle, write: 1, offset, size, bytes };
    // SAFETY: the number carries the size of `Transfer`; the kernel reads `size` bytes from `bytes`, borrowed.
    retry(|| unsafe { ioctl::transfer(device.as_raw_fd(), &argument) }).map(drop)
}

/// Returns the counts of a dma-buf's buffer: `PRIME_CANARY_IOC_COUNTS`.
///
/// # Errors
/// EINVAL for a dma-buf that the module did not export.
pub fn counts(device: BorrowedFd<'_>, file: BorrowedFd<'_>) -> Result<Counts, Errno> {
    let mut argument = Counts { fd: file.as_raw_fd(), ..Counts::default() };
    // SAFETY: the number carries the size of `Counts`, which outlives the call.
    retry(|| unsafe { ioctl::counts(device.as_raw_fd(), &mut argument) })?;
    Ok(argument)
}

impl Counts {
    /// The importing devices, in the order in which they came.
    pub fn importers(&self) -> impl Iterator<Item = &Importer> {
        self.importer.iter().take_while(|importer| importer.name[0] != 0)
    }
}

impl Importer {
    /// The device's name in sysfs.
    pub fn name(&self) -> String {
        let end = self.name.iter().position(|byte| *byte == 0).unwrap_or(self.name.len());
        String::from_utf8_lossy(&self.name[..end]).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn the_layouts_are_the_header_s() {
        let sizes = [size_of::<Allocate>(), size_of::<Export>(), size_of::<Import>(), size_of::<Close>()];
        assert_eq!(sizes, [24, 16, 16, 8]);
        let sizes = [size_of::<Info>(), size_of::<Transfer>(), size_of::<Importer>(), size_of::<Counts>()];
        assert_eq!(sizes, [24, 32, 64, 48 + 8 * 64]);
    }

    #[test]
    fn a_file_that_is_no_canary_refuses() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        assert_eq!(forms(file.as_fd()), Err(Errno::ENOTTY));
        assert_eq!(import(file.as_fd(), 0, 1, false), Err(Errno::ENOTTY));
    }

    #[test]
    fn importers_are_named() {
        let mut counts = Counts::default();
        counts.importer[0].name[..4].copy_from_slice(b"vgem");
        assert_eq!(counts.importers().map(Importer::name).collect::<Vec<_>>(), ["vgem"]);
    }
}
