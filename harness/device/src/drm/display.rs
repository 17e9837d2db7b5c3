//! What a display is to show in a work: in which formats and which mode, and how the images lie.

use std::path::Path;

use drm::control::Mode;
use spec::case::{Ability, Pixels};
use spec::step::{DisplayPlane, Stream};

use super::formats::{self, Format, USUAL};
use super::layout::{Layout, POINTER};
use super::mode::mode;
use super::pipe::{Pipe, PlanePart};
use super::{Card, crc};
use crate::refusal::Refusal;
use crate::work::{Work, WorkError};

/// The image below another plane's, which ends before it.
const BELOW: (u32, u32) = (112, 108);

/// The abilities of a card's displays and the pixel formats that they show.
pub fn abilities(card: &Card, node: &Path) -> (Vec<Ability>, Vec<Pixels>) {
    let Ok(Some(pipe)) = Pipe::find(card) else { return (Vec::new(), Vec::new()) };
    let tells = pipe.writes_back() || crc::folder(node, pipe.number).is_some();
    let abilities = [
        (Ability::Display, true),
        (Ability::ScanOut, tells),
        (Ability::WriteBack, pipe.writes_back()),
        (Ability::Overlay, tells && pipe.plane(DisplayPlane::Overlay).is_some()),
        (Ability::Cursor, tells && pipe.plane(DisplayPlane::Cursor).is_some()),
    ];
    let able = abilities.into_iter().filter_map(|(ability, can)| can.then_some(ability)).collect();
    let primary = pipe.plane(DisplayPlane::Primary).map_or(&[][..], |plane| &plane.formats);
    (able, formats::sorts(primary))
}

/// A refusal of what no call was made for.
pub fn not_asked(why: &'static str) -> WorkError {
    WorkError::Call(Refusal::NotAsked(why))
}

/// The plane that a case is about.
pub fn plane<'a>(pipe: &'a Pipe, asked: &Stream) -> Result<&'a PlanePart, WorkError> {
    pipe.plane(asked.plane).ok_or(not_asked("this display has no such plane"))
}

/// The formats that both ends of a work name.
pub fn formats(card: &Card, pipe: &Pipe, asked: &Stream) -> Result<Vec<u32>, WorkError> {
    let plane = plane(pipe, asked)?;
    let mut offered = plane.formats.clone();
    if asked.modifier {
        offered = plane.linear(card);
    }
    if !asked.capture.is_empty() {
        let written = pipe.writeback_formats(card);
        offered = if asked.output.is_empty() && !asked.modifier { written } else { both(&offered, &written) };
    }
    let files = asked.output.len().max(asked.capture.len());
    let chosen = chosen(asked, &offered).into_iter().filter(|format| files < 2 || format.planes.len() == files);
    let chosen: Vec<u32> = chosen.map(Format::fourcc).collect();
    if chosen.is_empty() { Err(not_asked("the display names no such format")) } else { Ok(chosen) }
}

fn both(some: &[u32], others: &[u32]) -> Vec<u32> {
    some.iter().copied().filter(|format| others.contains(format)).collect()
}

/// Returns those of the offered formats that a case asks for. A pointer is transparent around it.
fn chosen(asked: &Stream, offered: &[u32]) -> Vec<&'static Format> {
    let transparent = u32::from_le_bytes(*b"AR24");
    if asked.pixels.is_none() && asked.plane != DisplayPlane::Primary && offered.contains(&transparent) {
        return formats::named(transparent).into_iter().collect();
    }
    formats::of(asked.pixels, offered)
}

/// The images of a work.
#[derive(Debug)]
pub struct Plan {
    /// The image that is read: on the plane that the case is about.
    pub shown: Layout,
    /// The image below it.
    pub below: Option<Layout>,
    /// The image that is written.
    pub target: Layout,
    /// The size of what is written.
    pub mode: Mode,
}

impl Plan {
    /// The largest images that there is room for. The imported ones are in the format of the work, the others in the
    /// usual one.
    pub fn of(work: &Work<'_>, modes: &[Mode]) -> Option<Self> {
        let asked = work.asked;
        let format = work.format.map_or(Some(&USUAL), formats::named)?;
        // The same amount stays free after the image: where vkms adds the offset twice, the result is a wrong picture, not a
        // read past the buffer's end (fixtures/findings/vkms-offset-twice.md).
        let room = |room: u64| room.saturating_sub(asked.offset.0 * 2);
        let usual = |size| Layout::new(&USUAL, size, 0, false);
        if asked.test_only {
            let real = modes.iter().filter_map(|mode| {
                let (width, height) = mode.size();
                let shown = Layout::new(format, (width.into(), height.into()), 0, false);
                shown.fits(1, work.output_room).then_some((shown, *mode))
            });
            if let Some((shown, mode)) = real.max_by_key(|(shown, _)| shown.bytes[0]) {
                let target = usual((shown.width, shown.height));
                return Some(Self { shown, below: None, target, mode });
            }
        }
        let files = asked.output.len().max(1);
        if asked.plane != DisplayPlane::Primary {
            let padding = if asked.padded { POINTER.0 } else { 0 };
            let shown = match asked.plane {
                DisplayPlane::Cursor => Layout::new(format, POINTER, padding, files > 1),
                _ => Layout::fitting(format, asked, files, room(work.output_room))?,
            };
            let fits = shown.fits(files, room(work.output_room)) && asked.capture.is_empty() && !asked.odd;
            let (below, target, mode) = (Some(usual(BELOW)), usual(BELOW), mode(BELOW));
            return fits.then_some(Self { shown, below, target, mode });
        }
        let (shown, target) = match (asked.output.is_empty(), asked.capture.is_empty()) {
            (true, false) => {
                let target = Layout::fitting(format, asked, 1, work.capture_room)?;
                (usual((target.width, target.height)), target)
            }
            (false, false) => {
                let both = Layout::fitting(format, asked, 1, work.capture_room.min(room(work.output_room)))?;
                (both.clone(), both)
            }
            (_, true) => {
                let shown = Layout::fitting(format, asked, files, room(work.output_room))?;
                let target = usual((shown.width, shown.height));
                (shown, target)
            }
        };
        let mode = mode((target.width, target.height));
        Some(Self { shown, below: None, target, mode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Buffers;
    use spec::quantity::Bytes;

    fn plan(asked: Stream, format: &[u8; 4], room: u64, modes: &[Mode]) -> Option<Plan> {
        let own = |_| 0;
        let format = Some(u32::from_le_bytes(*format));
        let work = Work { format, ..Work::new(&asked, 1, room, Buffers::Own(&own), Buffers::Own(&own)) };
        Plan::of(&work, modes)
    }

    fn asked(output: &[&str], capture: &[&str]) -> Stream {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Stream { output: names(output), capture: names(capture), ..Stream::default() }
    }

    #[test]
    fn what_is_imported_is_in_the_format_of_the_work() {
        let words = |plan: Option<Plan>| plan.map(|plan| (plan.shown.words(), plan.target.words()));
        let of = |output: &[&str], capture: &[&str]| words(plan(asked(output, capture), b"RG16", 64 << 10, &[]));
        let said = |shown: &str, target: &str| Some((shown.to_owned(), target.to_owned()));
        assert_eq!(of(&["a"], &[]), said("256x128 RG16", "256x128 XR24"));
        assert_eq!(of(&[], &["a"]), said("256x128 XR24", "256x128 RG16"));
        assert_eq!(of(&["a"], &["b"]), said("256x128 RG16", "256x128 RG16"));
        assert_eq!(words(plan(asked(&["a"], &[]), b"XR24", 1000, &[])), None);
    }

    #[test]
    fn what_begins_later_leaves_room_behind_it() {
        let moved = Stream { offset: Bytes(4160), ..asked(&["a"], &[]) };
        let words = |room| plan(moved.clone(), b"XR24", room, &[]).map(|plan| plan.shown.words());
        assert_eq!(words(65536 + 8320).as_deref(), Some("128x128 XR24"));
        assert_eq!(words(65536 + 8319).as_deref(), Some("160x90 XR24"));
    }

    #[test]
    fn an_image_above_is_smaller_than_the_display() {
        let above = Stream { plane: DisplayPlane::Overlay, ..asked(&["a"], &[]) };
        let plan = plan(above, b"AR24", 64 << 10, &[]).unwrap();
        assert_eq!((plan.shown.words(), plan.mode.size()), ("64x40 AR24".to_owned(), (112, 108)));
    }

    #[test]
    fn a_mode_of_the_display_s_own_is_tested_where_there_is_room() {
        let modes = [(640, 480), (1024, 768), (320, 200)].map(mode);
        let tested = |room| {
            let asked = Stream { test_only: true, ..asked(&["a"], &[]) };
            plan(asked, b"XR24", room, &modes).map(|plan| plan.shown.words())
        };
        assert_eq!(tested(2 << 20).as_deref(), Some("640x480 XR24"));
        assert_eq!(tested(64 << 10).as_deref(), Some("128x128 XR24"));
    }

    #[test]
    fn a_pointer_is_transparent_where_it_can_be() {
        let offered = [*b"XR24", *b"AR24", *b"RG16"].map(u32::from_le_bytes);
        let words = |asked: &Stream| chosen(asked, &offered).iter().map(|format| format.word()).collect::<Vec<_>>();
        let pointer = Stream { plane: DisplayPlane::Cursor, ..Stream::default() };
        assert_eq!(words(&pointer), ["AR24"]);
        assert_eq!(words(&Stream { pixels: Some(Pixels::Rgb), ..pointer }), ["XR24", "AR24", "RG16"]);
        assert_eq!(words(&Stream::default()), ["XR24"]);
        assert_eq!(both(&offered, &offered[1..]), &offered[1..]);
    }
}
