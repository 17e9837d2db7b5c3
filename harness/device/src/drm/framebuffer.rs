//! Framebuffers with numbers that do not fit. Reference: `framebuffer_check` of `drivers/gpu/drm/drm_framebuffer.c`,
//! `drm_gem_fb_init_with_funcs` of `drivers/gpu/drm/drm_gem_framebuffer_helper.c`.

use std::os::fd::AsFd;

use drm::buffer::DrmFourcc;
use drm::control::{Device, framebuffer};
use spec::step::Misfit;

use super::{Card, misuse};
use crate::refusal::Refusal;

/// The widths in pixels: a page has a whole number of such lines.
const WIDTHS: [u32; 5] = [64, 128, 256, 512, 1024];

/// Every display takes as many.
const LINES: u32 = 1024;

const NO_FORMAT: Refusal = Refusal::NotAsked("the display takes no framebuffer of this format that fits the buffer");

/// The arguments of `DRM_IOCTL_MODE_ADDFB2`, of two planes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    format: DrmFourcc,
    width: u32,
    height: u32,
    handles: [u32; 4],
    pitches: [u32; 4],
    offsets: [u32; 4],
}

/// Makes a framebuffer that does not fit, and removes it again.
pub(super) fn make(card: &Card, handle: u32, bytes: u64, how: Misfit) -> Result<(), Refusal> {
    let fitting = fitting(handle, bytes, how).ok_or(NO_FORMAT)?;
    // Refused for another reason, it would say nothing.
    add(card, &fitting).map_err(|_| NO_FORMAT)?;
    add(card, &misfit(fitting, bytes, how)).map_err(Refusal::of("DRM_IOCTL_MODE_ADDFB2"))
}

/// All of the buffer, whose memory is whole pages.
fn fitting(handle: u32, bytes: u64, how: Misfit) -> Option<Shape> {
    let bytes = u32::try_from(pages(bytes)).ok()?;
    let width = WIDTHS.into_iter().find(|width| bytes / (width * 4) <= LINES)?;
    Some(match how {
        Misfit::PlaneLater | Misfit::PlaneNoHandle => {
            let height = bytes / (width * 3 / 2) / 2 * 2;
            Shape {
                format: DrmFourcc::Nv12,
                width,
                height,
                handles: [handle, handle, 0, 0],
                pitches: [width, width, 0, 0],
                offsets: [0, width * height, 0, 0],
            }
        }
        _ => Shape {
            format: DrmFourcc::Xrgb8888,
            width,
            height: bytes / (width * 4),
            handles: [handle, 0, 0, 0],
            pitches: [width * 4, 0, 0, 0],
            offsets: [0; 4],
        },
    })
}

fn misfit(fitting: Shape, bytes: u64, how: Misfit) -> Shape {
    let mut shape = fitting;
    let bytes = pages(bytes) as u32;
    match how {
        Misfit::LineMore => shape.height += 1,
        Misfit::PageLater => shape.offsets[0] = uapi::memory::page_size() as u32,
        Misfit::ShortPitch => shape.pitches[0] -= 1,
        Misfit::Overflow => shape.pitches[0] = 1 << 31,
        Misfit::NoWidth => shape.width = 0,
        Misfit::NoHandle => shape.handles[0] = misuse::NO_HANDLE,
        Misfit::PlaneLater => shape.offsets[1] = bytes - shape.width * shape.height / 2 + 1,
        Misfit::PlaneNoHandle => shape.handles[1] = misuse::NO_HANDLE,
    }
    shape
}

fn pages(bytes: u64) -> u64 {
    bytes.next_multiple_of(uapi::memory::page_size() as u64)
}

fn add(card: &Card, shape: &Shape) -> std::io::Result<()> {
    let Shape { format, width, height, handles, pitches, offsets } = shape;
    let (device, format) = (card.as_fd(), *format as u32);
    let made = drm_ffi::mode::add_fb2(device, *width, *height, format, handles, pitches, offsets, &[0; 4], 0)?;
    if let Some(number) = std::num::NonZeroU32::new(made.fb_id) {
        let _ = card.destroy_framebuffer(framebuffer::Handle::from(number));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The byte behind the last one that a display reads: `drm_gem_fb_init_with_funcs`.
    fn end(shape: &Shape, plane: usize) -> u64 {
        let (height, pixel) = match (shape.format, plane) {
            (DrmFourcc::Nv12, 1) => (shape.height / 2, 1),
            (DrmFourcc::Nv12, _) => (shape.height, 1),
            _ => (shape.height, 4),
        };
        u64::from(shape.offsets[plane])
            + u64::from(height - 1) * u64::from(shape.pitches[plane])
            + u64::from(shape.width) * pixel
    }

    #[test]
    fn what_fits_ends_with_the_buffer_and_what_does_not_ends_behind_it() {
        for bytes in [4096, 65536, 65537, 460_800, 1 << 20] {
            let size = pages(bytes);
            for how in [Misfit::LineMore, Misfit::PageLater, Misfit::PlaneLater] {
                let fitting = fitting(7, bytes, how).unwrap();
                let plane = usize::from(how == Misfit::PlaneLater);
                assert!(end(&fitting, plane) <= size && end(&fitting, plane) + 192 * 16 > size, "{how:?} {bytes}");
                assert!(end(&misfit(fitting, bytes, how), plane) > size, "{how:?} {bytes}");
            }
            let later = misfit(fitting(7, bytes, Misfit::PlaneLater).unwrap(), bytes, Misfit::PlaneLater);
            assert_eq!(end(&later, 1), size + 1);
        }
    }

    #[test]
    fn each_changes_one_number() {
        for how in [Misfit::ShortPitch, Misfit::Overflow, Misfit::NoWidth, Misfit::NoHandle, Misfit::PlaneNoHandle] {
            let fitting = fitting(7, 65536, how).unwrap();
            assert_ne!(misfit(fitting, 65536, how), fitting, "{how:?}");
        }
        let long = misfit(fitting(7, 65536, Misfit::Overflow).unwrap(), 65536, Misfit::Overflow);
        assert!(u64::from(long.pitches[0]) * u64::from(long.height) > u64::from(u32::MAX));
        assert!(fitting(7, 1 << 40, Misfit::LineMore).is_none());
    }
}
