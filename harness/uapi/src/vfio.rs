//! Devices handed to user space: `include/uapi/linux/vfio.h`, `drivers/vfio/`.
//!
//! The numbers of these ioctls carry no size: the structs do, in `argsz`.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc::c_int;

use crate::retry::retry;

/// `struct vfio_region_info`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegionInfo {
    argsz: u32,
    /// Of [`REGION_READ`], [`REGION_WRITE`], [`REGION_MMAP`].
    pub flags: u32,
    index: u32,
    cap_offset: u32,
    /// In bytes; 0 for a region that the device has not.
    pub size: u64,
    /// Where it begins in the device's file.
    pub offset: u64,
}

/// `struct vfio_device_gfx_plane_info`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GfxPlaneInfo {
    argsz: u32,
    flags: u32,
    drm_plane_type: u32,
    /// A fourcc; 0 where the plane shows nothing.
    pub drm_format: u32,
    drm_format_mod: u64,
    /// In pixels.
    pub width: u32,
    /// In lines.
    pub height: u32,
    /// In bytes.
    pub stride: u32,
    /// In bytes.
    pub size: u32,
    x_pos: u32,
    y_pos: u32,
    x_hot: u32,
    y_hot: u32,
    /// The argument of VFIO_DEVICE_GET_GFX_DMABUF.
    pub dmabuf_id: u32,
    reserved: u32,
}

/// `struct vfio_device_feature`.
#[repr(C)]
pub struct Feature {
    argsz: u32,
    flags: u32,
}

/// A feature with `struct vfio_device_feature_dma_buf` and one `struct vfio_region_dma_range`.
#[repr(C)]
pub struct FeatureDmaBuf {
    feature: Feature,
    region_index: u32,
    open_flags: u32,
    flags: u32,
    nr_ranges: u32,
    offset: u64,
    length: u64,
}

// Of whatever architecture this is compiled for.
const _: () = assert!(size_of::<RegionInfo>() == 32);
const _: () = assert!(size_of::<GfxPlaneInfo>() == 64);
const _: () = assert!(size_of::<Feature>() == 8);
const _: () = assert!(size_of::<FeatureDmaBuf>() == 40);

/// `VFIO_REGION_INFO_FLAG_READ`.
pub const REGION_READ: u32 = 1;
/// `VFIO_REGION_INFO_FLAG_WRITE`.
pub const REGION_WRITE: u32 = 1 << 1;
/// `VFIO_REGION_INFO_FLAG_MMAP`.
pub const REGION_MMAP: u32 = 1 << 2;

/// `VFIO_PCI_BAR0_REGION_INDEX`; the BARs' indices are their numbers.
pub const PCI_BAR0: u32 = 0;

/// `VFIO_PCI_CONFIG_REGION_INDEX`.
pub const PCI_CONFIG: u32 = 7;

const VFIO_DEVICE_FEATURE_GET: u32 = 1 << 16;
/// Since 6.19; the headers of most systems do not have it yet.
const VFIO_DEVICE_FEATURE_DMA_BUF: u32 = 11;
const VFIO_TYPE1_IOMMU: c_int = 1;
const VFIO_GFX_PLANE_TYPE_DMABUF: u32 = 1 << 1;
const DRM_PLANE_TYPE_PRIMARY: u32 = 1;

mod ioctl {
    #![allow(missing_docs)]
    use nix::libc::{c_char, c_int};
    use nix::request_code_none;

    nix::ioctl_write_int_bad!(set_iommu, request_code_none!(b';', 102));
    nix::ioctl_write_ptr_bad!(group_set_container, request_code_none!(b';', 104), c_int);
    nix::ioctl_write_ptr_bad!(group_get_device_fd, request_code_none!(b';', 106), c_char);
    nix::ioctl_readwrite_bad!(device_get_region_info, request_code_none!(b';', 108), super::RegionInfo);
    nix::ioctl_readwrite_bad!(device_query_gfx_plane, request_code_none!(b';', 114), super::GfxPlaneInfo);
    nix::ioctl_write_ptr_bad!(device_get_gfx_dmabuf, request_code_none!(b';', 115), u32);
    nix::ioctl_write_ptr_bad!(device_feature_dma_buf, request_code_none!(b';', 117), super::FeatureDmaBuf);
}

/// Puts a group into a container: `VFIO_GROUP_SET_CONTAINER`.
///
/// # Errors
/// EINVAL for a group in another container; EPERM for one with a device that a driver of the kernel's holds; ENOTTY for
/// files that are none of VFIO's.
pub fn set_container(group: BorrowedFd<'_>, container: BorrowedFd<'_>) -> Result<(), Errno> {
    let number = container.as_raw_fd();
    // SAFETY: the argument is a number of the size that the kernel reads, and outlives the call.
    retry(|| unsafe { ioctl::group_set_container(group.as_raw_fd(), &number) }).map(drop)
}

/// Gives a container with groups its IOMMU, type 1, without which no device of theirs is given: `VFIO_SET_IOMMU`.
///
/// # Errors
/// ENODEV without the module vfio_iommu_type1; EPERM where the machine's IOMMU remaps no interrupts; EINVAL without a
/// group.
pub fn set_iommu(container: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: the argument is a number, not an address.
    retry(|| unsafe { ioctl::set_iommu(container.as_raw_fd(), VFIO_TYPE1_IOMMU) }).map(drop)
}

/// Opens a device of a group by its name in sysfs: `VFIO_GROUP_GET_DEVICE_FD`. It is reset, as far as it can be.
///
/// # Errors
/// ENODEV for a device that is not in the group, EINVAL for a group without a container.
pub fn device(group: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    // SAFETY: the kernel reads the text to its final null byte, and the text outlives the call.
    let fd = retry(|| unsafe { ioctl::group_get_device_fd(group.as_raw_fd(), name.as_ptr()) })?;
    // SAFETY: the call returns a new descriptor that no one else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Where a region of a device lies in its file, and what may be done there: `VFIO_DEVICE_GET_REGION_INFO`.
///
/// # Errors
/// EINVAL for a region that there is not, ENOTTY for a file that is not a device of VFIO's.
pub fn region(device: BorrowedFd<'_>, index: u32) -> Result<RegionInfo, Errno> {
    let mut argument = RegionInfo { argsz: size_of::<RegionInfo>() as u32, index, ..RegionInfo::default() };
    // SAFETY: `argsz` is the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::device_get_region_info(device.as_raw_fd(), &mut argument) })?;
    Ok(argument)
}

/// Returns what the primary plane shows, in a form that can be exported as a dma-buf: `VFIO_DEVICE_QUERY_GFX_PLANE`.
///
/// # Errors
/// EINVAL from a device that shows its planes in another way, ENOTTY from one that has none; ENOMEM.
pub fn query_gfx_plane(device: BorrowedFd<'_>) -> Result<GfxPlaneInfo, Errno> {
    let argsz = size_of::<GfxPlaneInfo>() as u32;
    let (flags, drm_plane_type) = (VFIO_GFX_PLANE_TYPE_DMABUF, DRM_PLANE_TYPE_PRIMARY);
    let mut argument = GfxPlaneInfo { argsz, flags, drm_plane_type, ..GfxPlaneInfo::default() };
    // SAFETY: `argsz` is the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::device_query_gfx_plane(device.as_raw_fd(), &mut argument) })?;
    Ok(argument)
}

/// Exports what a plane showed as a dma-buf: `VFIO_DEVICE_GET_GFX_DMABUF`. There are no flags: its file's are the driver's.
///
/// # Errors
/// ENOENT for an id that no query gave, EINVAL for a frame that does not begin with a page.
pub fn gfx_dma_buf(device: BorrowedFd<'_>, dmabuf_id: u32) -> Result<OwnedFd, Errno> {
    // SAFETY: the argument is a number of the size that the kernel reads, and outlives the call.
    let fd = retry(|| unsafe { ioctl::device_get_gfx_dmabuf(device.as_raw_fd(), &dmabuf_id) })?;
    // SAFETY: the call returns a new descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes a dma-buf of `length` bytes of a region from `offset` on: `VFIO_DEVICE_FEATURE_DMA_BUF`.
///
/// # Errors
/// EINVAL for an offset or length that is not of whole pages, or lies outside; ENODEV for a region that does not exist; ENOTTY
/// from a kernel before 6.19 or without CONFIG_VFIO_PCI_DMABUF; EOPNOTSUPP from a driver that does not have it.
pub fn dma_buf(
    device: BorrowedFd<'_>,
    region_index: u32,
    offset: u64,
    length: u64,
    flags: OFlag,
) -> Result<OwnedFd, Errno> {
    let argsz = size_of::<FeatureDmaBuf>() as u32;
    let feature = Feature { argsz, flags: VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF };
    let open_flags = flags.bits() as u32;
    let argument = FeatureDmaBuf { feature, region_index, open_flags, flags: 0, nr_ranges: 1, offset, length };
    // SAFETY: `argsz` is the size of the struct, which outlives the call; this feature is only read.
    let fd = retry(|| unsafe { ioctl::device_feature_dma_buf(device.as_raw_fd(), &argument) })?;
    // SAFETY: the call returns a new descriptor that no one else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_file_that_is_none_of_vfio_s_refuses() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        let file = file.as_fd();
        assert_eq!(set_container(file, file), Err(Errno::ENOTTY));
        assert_eq!(set_iommu(file), Err(Errno::ENOTTY));
        assert_eq!(device(file, c"0000:00:01.0").map(drop), Err(Errno::ENOTTY));
        assert_eq!(region(file, PCI_BAR0), Err(Errno::ENOTTY));
        assert_eq!(query_gfx_plane(file), Err(Errno::ENOTTY));
        assert_eq!(gfx_dma_buf(file, 1).map(drop), Err(Errno::ENOTTY));
        assert_eq!(dma_buf(file, PCI_BAR0, 0, 4096, OFlag::O_RDWR).map(drop), Err(Errno::ENOTTY));
    }
}
