//! A DRM device used wrongly on purpose. Reference: `drivers/gpu/drm/drm_ioctl.c`, `drm_prime.c`, `drm_dumb_buffers.c`.

use std::os::fd::{AsFd, BorrowedFd};

use spec::step::DeviceMisuse;
use uapi::Errno;
use uapi::misuse::{self, Argument, Call, PRIME_FD_TO_HANDLE, PRIME_HANDLE_TO_FD};

use super::Drm;
use crate::buffer::Device;
use crate::refusal::{NO_SUCH_CALL, Refusal};

/// A handle that no file has: they are counted from 1.
pub(super) const NO_HANDLE: u32 = 0x7fff_fff0;
/// Neither DRM_CLOEXEC nor DRM_RDWR.
const UNKNOWN_FLAG: u32 = 1 << 30;

pub(super) fn make(drm: &Drm, how: DeviceMisuse) -> Result<(), Refusal> {
    let card = drm.card.card.as_fd();
    let exported = Refusal::of("DRM_IOCTL_PRIME_HANDLE_TO_FD");
    match how {
        DeviceMisuse::UnknownCall => {
            let answer = misuse::make(card, PRIME_HANDLE_TO_FD.unknown(), Argument::Bytes(&mut [0; 12]));
            answer.map_err(Refusal::of("an unknown ioctl"))
        }
        DeviceMisuse::ForeignCall => with_handle(drm, |handle| call(card, PRIME_HANDLE_TO_FD.foreign(), handle, 0)),
        DeviceMisuse::ExportNull => misuse::make(card, PRIME_HANDLE_TO_FD, Argument::Null).map_err(exported),
        DeviceMisuse::ExportUnknownFlag => {
            with_handle(drm, |handle| call(card, PRIME_HANDLE_TO_FD, handle, UNKNOWN_FLAG))
        }
        DeviceMisuse::ExportUnwritable => with_handle(drm, |handle| {
            misuse::make(card, PRIME_HANDLE_TO_FD, Argument::ReadOnly(&argument(handle, uapi::drm::CLOEXEC)))
        }),
        DeviceMisuse::ExportNoHandle => call(card, PRIME_HANDLE_TO_FD, NO_HANDLE, 0).map_err(exported),
        DeviceMisuse::ExportFreedHandle => {
            let buffer = drm.allocate(4096)?;
            let handle = buffer.handle().ok_or(NO_SUCH_CALL)?;
            drop(buffer);
            call(card, PRIME_HANDLE_TO_FD, handle, 0).map_err(exported)
        }
        DeviceMisuse::CloseNoHandle => {
            uapi::drm::close_handle(card, NO_HANDLE).map_err(Refusal::of("DRM_IOCTL_GEM_CLOSE"))
        }
        DeviceMisuse::ImportNull => {
            let answer = misuse::make(card, PRIME_FD_TO_HANDLE, Argument::Null);
            answer.map_err(Refusal::of("DRM_IOCTL_PRIME_FD_TO_HANDLE"))
        }
        // What the calls of GPUs make of such sizes is promised nowhere.
        DeviceMisuse::AllocateNothing | DeviceMisuse::AllocateOverflow if drm.card.gpu.is_some() => Err(NO_SUCH_CALL),
        DeviceMisuse::AllocateNothing => dumb(drm, 0, 0),
        DeviceMisuse::AllocateOverflow => dumb(drm, u32::MAX, u32::MAX),
        _ => Err(NO_SUCH_CALL),
    }
}

/// `struct drm_prime_handle`.
fn argument(handle: u32, flags: u32) -> Vec<u8> {
    [handle.to_ne_bytes(), flags.to_ne_bytes(), (-1i32).to_ne_bytes()].concat()
}

fn call(card: BorrowedFd<'_>, call: Call, handle: u32, flags: u32) -> Result<(), Errno> {
    misuse::make(card, call, Argument::Bytes(&mut argument(handle, flags)))
}

fn with_handle(drm: &Drm, make: impl FnOnce(u32) -> Result<(), Errno>) -> Result<(), Refusal> {
    let buffer = drm.allocate(4096)?;
    make(buffer.handle().ok_or(NO_SUCH_CALL)?).map_err(Refusal::of("DRM_IOCTL_PRIME_HANDLE_TO_FD"))
}

/// Asks for a dumb buffer of this many pixels of 4 bytes; one that is made is closed again.
fn dumb(drm: &Drm, width: u32, height: u32) -> Result<(), Refusal> {
    let card = drm.card.card.as_fd();
    let made = drm_ffi::mode::dumbbuffer::create(card, width, height, 32, 0);
    let made = made.map_err(Refusal::of("DRM_IOCTL_MODE_CREATE_DUMB"))?;
    let _ = uapi::drm::close_handle(card, made.handle);
    Ok(())
}
