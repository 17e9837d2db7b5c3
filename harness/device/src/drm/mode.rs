//! Modes made for an image.

use std::ffi::c_long;

use drm::control::Mode;
use drm_ffi::drm_sys::drm_mode_modeinfo;
use nix::unistd::{SysconfVar, sysconf};

/// Frames a second, as many as every display has.
const USUAL: u32 = 60;

/// Frames a second where they can be short: a work waits for half a dozen of them, and vkms makes each when its time has
/// come, however little there is to show.
const FAST: u32 = 500;

/// A mode made for an image.
pub fn mode(size: (u32, u32)) -> Mode {
    made(size, rate(sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten()))
}

/// The frames a second on this many processors. With more than one, vkms hangs the machine where a frame begins while it is
/// switched off (fixtures/findings/vkms-vblank-deadlock.md): the next one has to be far away.
fn rate(processors: Option<c_long>) -> u32 {
    if processors == Some(1) { FAST } else { USUAL }
}

/// Blanking of some pixels and lines. Even the largest image made here needs fewer pixels a second than 640x480 does, the
/// slowest mode of a real display.
fn made((width, height): (u32, u32), vrefresh: u32) -> Mode {
    let (hdisplay, vdisplay) = (width as u16, height as u16);
    let (htotal, vtotal) = (hdisplay + 32, vdisplay + 8);
    Mode::from(drm_mode_modeinfo {
        clock: u32::from(htotal) * u32::from(vtotal) * vrefresh / 1000,
        hdisplay,
        hsync_start: hdisplay + 8,
        hsync_end: hdisplay + 16,
        htotal,
        vdisplay,
        vsync_start: vdisplay + 2,
        vsync_end: vdisplay + 4,
        vtotal,
        vrefresh,
        ..drm_mode_modeinfo::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_short_only_where_no_other_processor_can_begin_one() {
        assert_eq!([Some(1), Some(2), None].map(rate), [FAST, USUAL, USUAL]);
    }

    #[test]
    fn no_mode_is_faster_than_a_real_display_s() {
        for rate in [USUAL, FAST] {
            let mode = made((256, 128), rate);
            assert_eq!((mode.size(), mode.vrefresh()), ((256, 128), rate));
            assert!(mode.clock() < 25_175, "{} kHz", mode.clock());
        }
    }
}
