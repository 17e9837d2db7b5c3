//! The pixel formats of displays by what they are made of: `include/uapi/drm/drm_fourcc.h`,
//! `drivers/gpu/drm/drm_fourcc.c`.

use spec::case::Pixels;

/// A plane of a format: bytes for each block, and pixels of a block across and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of a block.
    pub bytes: u32,
    /// Pixels from block to block.
    pub across: u32,
    /// Lines from block to block.
    pub down: u32,
}

/// A format of known shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Its name in the header, of four letters.
    pub name: &'static [u8; 4],
    /// Its planes.
    pub sort: Pixels,
    /// Its planes.
    pub planes: &'static [Shape],
}

const fn shape(bytes: u32, across: u32, down: u32) -> Shape {
    Shape { bytes, across, down }
}

const TWO: &[Shape] = &[shape(2, 1, 1)];
const THREE: &[Shape] = &[shape(3, 1, 1)];
const FOUR: &[Shape] = &[shape(4, 1, 1)];
const EIGHT: &[Shape] = &[shape(8, 1, 1)];
const PAIRS: &[Shape] = &[shape(4, 2, 1)];
const SEMI_420: &[Shape] = &[shape(1, 1, 1), shape(2, 2, 2)];
const SEMI_422: &[Shape] = &[shape(1, 1, 1), shape(2, 2, 1)];
const SEMI_444: &[Shape] = &[shape(1, 1, 1), shape(2, 1, 1)];
const DEEP_420: &[Shape] = &[shape(2, 1, 1), shape(4, 2, 2)];
const PLANAR_420: &[Shape] = &[shape(1, 1, 1), shape(1, 2, 2), shape(1, 2, 2)];
const PLANAR_422: &[Shape] = &[shape(1, 1, 1), shape(1, 2, 1), shape(1, 2, 1)];
const PLANAR_444: &[Shape] = &[shape(1, 1, 1), shape(1, 1, 1), shape(1, 1, 1)];

/// The format that every display has.
pub const USUAL: Format = format(b"XR24", Pixels::Rgb, FOUR);

const fn format(name: &'static [u8; 4], sort: Pixels, planes: &'static [Shape]) -> Format {
    Format { name, sort, planes }
}

/// The formats that are known here, the usual one first.
const FORMATS: &[Format] = &[
    USUAL,
    format(b"AR24", Pixels::Rgb, FOUR),
    format(b"XB24", Pixels::Rgb, FOUR),
    format(b"AB24", Pixels::Rgb, FOUR),
    format(b"RX24", Pixels::Rgb, FOUR),
    format(b"BX24", Pixels::Rgb, FOUR),
    format(b"XR30", Pixels::Rgb, FOUR),
    format(b"AR30", Pixels::Rgb, FOUR),
    format(b"RG24", Pixels::Rgb, THREE),
    format(b"BG24", Pixels::Rgb, THREE),
    format(b"RG16", Pixels::Rgb, TWO),
    format(b"BG16", Pixels::Rgb, TWO),
    format(b"XR48", Pixels::Rgb, EIGHT),
    format(b"AR48", Pixels::Rgb, EIGHT),
    format(b"XB48", Pixels::Rgb, EIGHT),
    format(b"AB48", Pixels::Rgb, EIGHT),
    format(b"YUYV", Pixels::PackedYuv, PAIRS),
    format(b"UYVY", Pixels::PackedYuv, PAIRS),
    format(b"YVYU", Pixels::PackedYuv, PAIRS),
    format(b"VYUY", Pixels::PackedYuv, PAIRS),
    format(b"NV12", Pixels::SemiPlanar, SEMI_420),
    format(b"NV21", Pixels::SemiPlanar, SEMI_420),
    format(b"NV16", Pixels::SemiPlanar, SEMI_422),
    format(b"NV61", Pixels::SemiPlanar, SEMI_422),
    format(b"NV24", Pixels::SemiPlanar, SEMI_444),
    format(b"NV42", Pixels::SemiPlanar, SEMI_444),
    format(b"P010", Pixels::SemiPlanar, DEEP_420),
    format(b"YU12", Pixels::Planar, PLANAR_420),
    format(b"YV12", Pixels::Planar, PLANAR_420),
    format(b"YU16", Pixels::Planar, PLANAR_422),
    format(b"YV16", Pixels::Planar, PLANAR_422),
    format(b"YU24", Pixels::Planar, PLANAR_444),
    format(b"YV24", Pixels::Planar, PLANAR_444),
];

impl Format {
    /// Its number.
    pub fn fourcc(&self) -> u32 {
        u32::from_le_bytes(*self.name)
    }

    /// Its name.
    pub fn word(&self) -> &'static str {
        std::str::from_utf8(self.name).unwrap_or_default()
    }

    /// Returns whether it is of a sort. Planes of any format may lie in buffers of their own.
    fn is(&self, sort: Pixels) -> bool {
        self.sort == sort || sort == Pixels::MultiPlanar && self.planes.len() > 1
    }
}

/// The formats of a sort that a list has; the usual one where no sort is asked for.
pub fn of(sort: Option<Pixels>, offered: &[u32]) -> Vec<&'static Format> {
    let known = FORMATS.iter().filter(|format| offered.contains(&format.fourcc()));
    known.filter(|format| sort.map_or(**format == USUAL, |sort| format.is(sort))).collect()
}

/// The format of a number.
pub fn named(fourcc: u32) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.fourcc() == fourcc)
}

/// The sorts that these formats belong to.
pub fn sorts(offered: &[u32]) -> Vec<Pixels> {
    Pixels::ALL.into_iter().filter(|&sort| !of(Some(sort), offered).is_empty()).collect()
}

/// The formats that a blob of the property IN_FORMATS names together with a modifier: `struct drm_format_modifier_blob`
/// of `include/uapi/drm/drm_mode.h`. A blob that ends too early names none.
pub fn with_modifier(blob: &[u8], modifier: u64) -> Vec<u32> {
    let word = |at: usize| Some(u32::from_ne_bytes(blob.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_ne_bytes(blob.get(at..at + 8)?.try_into().ok()?));
    let place = |at: usize| word(at).map(|number| number as usize);
    let read = || {
        let (count, formats, modifiers, first) = (place(8)?, place(12)?, place(16)?, place(20)?);
        let mut named = Vec::new();
        // Each is a mask of 64 formats, the number of the first of them, padding, and the modifier that they have.
        for entry in (0..modifiers).map(|number| first + number * 24) {
            let (mask, start) = (long(entry)?, place(entry + 8)?);
            if long(entry + 16)? == modifier {
                let bits = (0..64).filter(|bit| mask & 1 << bit != 0).map(|bit| start + bit);
                named.extend(bits.filter(|&index| index < count).filter_map(|index| word(formats + index * 4)));
            }
        }
        Some(named)
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_there_once_and_has_planes() {
        let names: std::collections::BTreeSet<_> = FORMATS.iter().map(|format| format.name).collect();
        assert_eq!(names.len(), FORMATS.len());
        assert!(FORMATS.iter().all(|format| (1..=3).contains(&format.planes.len())));
        assert_eq!(named(0x3432_5258).map(Format::word), Some("XR24"));
    }

    #[test]
    fn only_what_is_offered_and_asked_for_is_used() {
        let offered = [*b"AR24", *b"RG16", *b"NV12", *b"C8  "].map(u32::from_le_bytes);
        let words = |sort| of(sort, &offered).iter().map(|format| format.word()).collect::<Vec<_>>();
        assert_eq!(words(Some(Pixels::Rgb)), ["AR24", "RG16"]);
        assert_eq!(words(Some(Pixels::MultiPlanar)), ["NV12"]);
        assert!(words(None).is_empty(), "the usual format is not offered");
        assert_eq!(sorts(&offered), [Pixels::Rgb, Pixels::SemiPlanar, Pixels::MultiPlanar]);
    }

    #[test]
    fn a_modifier_has_the_formats_of_its_mask() {
        let formats: Vec<u8> = [*b"XR24", *b"AR24", *b"RG16"].concat();
        let head = [1u32, 0, 3, 24, 2, 36].map(u32::to_ne_bytes).concat();
        let entry = |mask: u64, start: u32, modifier: u64| {
            [&mask.to_ne_bytes()[..], &start.to_ne_bytes(), &[0; 4], &modifier.to_ne_bytes()].concat()
        };
        let blob = [head, formats, entry(0b1010, 0, 0), entry(0b11, 1, 7)].concat();
        let words = |modifier| with_modifier(&blob, modifier).iter().map(|f| f.to_le_bytes()).collect::<Vec<_>>();
        assert_eq!(words(0), [*b"AR24"], "bit 3 names no format");
        assert_eq!(words(7), [*b"AR24", *b"RG16"]);
        assert!(with_modifier(&blob[..40], 0).is_empty());
        assert!(with_modifier(&[], 0).is_empty());
    }
}
