//! Buffers of GPUs that show nothing and so have no dumb buffers. Each driver has calls of its own:
//! `include/uapi/drm/etnaviv_drm.h`, `lima_drm.h`, `msm_drm.h`, `panfrost_drm.h`, `v3d_drm.h`.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

use crate::retry::retry;

/// `struct drm_etnaviv_gem_new`, `struct drm_msm_gem_new`.
#[repr(C)]
#[derive(Debug, Default)]
pub struct New {
    size: u64,
    flags: u32,
    handle: u32,
}

/// `struct drm_lima_gem_create`, `struct drm_v3d_create_bo`.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Create {
    size: u32,
    flags: u32,
    handle: u32,
    rest: u32,
}

/// `struct drm_panfrost_create_bo`.
#[repr(C)]
#[derive(Debug, Default)]
pub struct PanfrostCreate {
    size: u32,
    flags: u32,
    handle: u32,
    pad: u32,
    offset: u64,
}

/// `struct drm_etnaviv_gem_info`, `struct drm_lima_gem_info`, `struct drm_panfrost_mmap_bo`,
/// `struct drm_v3d_mmap_bo`.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Offset {
    handle: u32,
    rest: u32,
    offset: u64,
}

/// `struct drm_msm_gem_info`; `info` 0 is `MSM_INFO_GET_OFFSET`.
#[repr(C)]
#[derive(Debug, Default)]
pub struct MsmInfo {
    handle: u32,
    info: u32,
    value: u64,
    len: u32,
    pad: u32,
}

// Of whatever architecture this is compiled for: an ioctl's number carries the size.
const _: () = assert!(size_of::<New>() == 16);
const _: () = assert!(size_of::<Create>() == 16);
const _: () = assert!(size_of::<PanfrostCreate>() == 24);
const _: () = assert!(size_of::<Offset>() == 16);
const _: () = assert!(size_of::<MsmInfo>() == 24);

/// `DRM_COMMAND_BASE`.
const BASE: u8 = 0x40;

mod ioctl {
    #![allow(missing_docs)]
    nix::ioctl_readwrite!(new, b'd', super::BASE + 2, super::New);
    nix::ioctl_readwrite!(lima_create, b'd', super::BASE + 1, super::Create);
    nix::ioctl_readwrite!(v3d_create, b'd', super::BASE + 2, super::Create);
    nix::ioctl_readwrite!(panfrost_create, b'd', super::BASE + 2, super::PanfrostCreate);
    nix::ioctl_readwrite!(lima_offset, b'd', super::BASE + 2, super::Offset);
    nix::ioctl_readwrite!(offset, b'd', super::BASE + 3, super::Offset);
    nix::ioctl_readwrite!(msm_info, b'd', super::BASE + 3, super::MsmInfo);
}

/// `ETNA_BO_WC`, `MSM_BO_WC`: what their user space asks for.
const WRITE_COMBINED: u32 = 0x0002_0000;

/// A driver's way to make a buffer and to map it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gpu {
    /// Vivante.
    Etnaviv,
    /// Mali of the Utgard family.
    Lima,
    /// Adreno.
    Msm,
    /// Mali of the Midgard and Bifrost families.
    Panfrost,
    /// VideoCore from the VI on.
    V3d,
}

/// A call of the driver's: its name, and what it answers.
pub type Answer<T> = (&'static str, Result<T, Errno>);

impl Gpu {
    /// Returns the calls of a driver, by its name in `DRM_IOCTL_VERSION`.
    pub fn of(driver: &str) -> Option<Self> {
        Some(match driver {
            "etnaviv" => Self::Etnaviv,
            "lima" => Self::Lima,
            "msm" => Self::Msm,
            "panfrost" => Self::Panfrost,
            "v3d" => Self::V3d,
            _ => return None,
        })
    }

    /// Makes a buffer of `size` bytes and gives its handle. A size beyond the call's 32 bits becomes their largest.
    pub fn create(self, device: BorrowedFd<'_>, size: u64) -> Answer<u32> {
        let number = device.as_raw_fd();
        let small = u32::try_from(size).unwrap_or(u32::MAX);
        match self {
            Self::Etnaviv | Self::Msm => {
                let mut argument = New { size, flags: WRITE_COMBINED, handle: 0 };
                // SAFETY: the number carries the size of the argument, which outlives the call.
                let made = retry(|| unsafe { ioctl::new(number, &mut argument) });
                let name = if self == Self::Msm { "DRM_IOCTL_MSM_GEM_NEW" } else { "DRM_IOCTL_ETNAVIV_GEM_NEW" };
                (name, made.map(|_| argument.handle))
            }
            Self::Lima => {
                let mut argument = Create { size: small, ..Create::default() };
                // SAFETY: the number carries the size of the argument, which outlives the call.
                let made = retry(|| unsafe { ioctl::lima_create(number, &mut argument) });
                ("DRM_IOCTL_LIMA_GEM_CREATE", made.map(|_| argument.handle))
            }
            Self::V3d => {
                let mut argument = Create { size: small, ..Create::default() };
                // SAFETY: the number carries the size of the argument, which outlives the call.
                let made = retry(|| unsafe { ioctl::v3d_create(number, &mut argument) });
                ("DRM_IOCTL_V3D_CREATE_BO", made.map(|_| argument.handle))
            }
            Self::Panfrost => {
                let mut argument = PanfrostCreate { size: small, ..PanfrostCreate::default() };
                // SAFETY: the number carries the size of the argument, which outlives the call.
                let made = retry(|| unsafe { ioctl::panfrost_create(number, &mut argument) });
                ("DRM_IOCTL_PANFROST_CREATE_BO", made.map(|_| argument.handle))
            }
        }
    }

    /// The offset at which a buffer can be mapped on the device's file.
    pub fn offset(self, device: BorrowedFd<'_>, handle: u32) -> Answer<u64> {
        let number = device.as_raw_fd();
        let mut argument = Offset { handle, ..Offset::default() };
        let (name, answer) = match self {
            Self::Msm => {
                let mut argument = MsmInfo { handle, ..MsmInfo::default() };
                // SAFETY: the number carries the size of the argument, which outlives the call.
                let answer = retry(|| unsafe { ioctl::msm_info(number, &mut argument) });
                return ("DRM_IOCTL_MSM_GEM_INFO", answer.map(|_| argument.value));
            }
            // SAFETY: the number carries the size of the argument, which outlives the call.
            Self::Lima => ("DRM_IOCTL_LIMA_GEM_INFO", retry(|| unsafe { ioctl::lima_offset(number, &mut argument) })),
            Self::Etnaviv | Self::Panfrost | Self::V3d => {
                // SAFETY: the number carries the size of the argument, which outlives the call.
                let answer = retry(|| unsafe { ioctl::offset(number, &mut argument) });
                let name = match self {
                    Self::Etnaviv => "DRM_IOCTL_ETNAVIV_GEM_INFO",
                    Self::Panfrost => "DRM_IOCTL_PANFROST_MMAP_BO",
                    _ => "DRM_IOCTL_V3D_MMAP_BO",
                };
                (name, answer)
            }
        };
        (name, answer.map(|_| argument.offset))
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_file_that_is_no_drm_device_refuses() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        for name in ["etnaviv", "lima", "msm", "panfrost", "v3d"] {
            let gpu = Gpu::of(name).unwrap();
            let (made, offset) = (gpu.create(file.as_fd(), 4096), gpu.offset(file.as_fd(), 1));
            assert_eq!((made.1, offset.1), (Err(Errno::ENOTTY), Err(Errno::ENOTTY)));
            assert!([made.0, offset.0].iter().all(|call| call.to_lowercase().contains(name)), "{name}");
        }
        assert_eq!(Gpu::of("vgem"), None);
    }
}
