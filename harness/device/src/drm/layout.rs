//! Where the bytes of an image lie: its size in pixels, and for each of its planes the buffer, the offset and the pitch.
//! Reference: `include/uapi/drm/drm_mode.h`, `struct drm_mode_fb_cmd2`.

use spec::step::{DisplayPlane, Stream};
use uapi::memory::page_size;

use super::formats::Format;
use crate::work::place;

/// Images in pixels, from large to small: so small that a display in software shows them at once. Most end within the
/// last page of a buffer that they just fit into.
const SIZES: &[(u32, u32)] = &[(256, 128), (128, 128), (160, 90), (112, 100), (64, 60), (64, 40), (64, 20)];

/// Images of an odd width and height. The smaller ones use a few bytes of their last page, with 2, 4 and 8 bytes a pixel.
const ODD: &[(u32, u32)] = &[(151, 101), (101, 75), (65, 33), (65, 17)];

/// The most half pages of an image of which there is one for each format: it reaches over the end of a page or two, and a
/// display in software needs a microsecond for each pixel. The whole of a buffer is shown in one format.
const HALVES: u64 = 5;

/// As large as the pointer of any display, and so is the usual pointer.
pub const POINTER: (u32, u32) = (64, 64);

/// The bytes from line to line beyond those of a line: displays want lines at multiples of 64.
const PADDING: u32 = 64;

/// A plane of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plane {
    /// In which buffer.
    pub buffer: usize,
    /// From the start of the buffer, in bytes.
    pub offset: u32,
    /// From line to line, in bytes.
    pub pitch: u32,
}

/// An image's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Their pixel format.
    pub format: &'static Format,
    /// In pixels.
    pub width: u32,
    /// In lines.
    pub height: u32,
    /// One for each plane of the format.
    pub planes: Vec<Plane>,
    /// The bytes used of each buffer, from the first on.
    pub bytes: Vec<u64>,
    /// Where in the one buffer those begin that had been apart.
    starts: Vec<u64>,
}

impl Layout {
    /// An image whose planes lie one after the other in one buffer, or each in a buffer of its own.
    pub fn new(format: &'static Format, (width, height): (u32, u32), padding: u32, apart: bool) -> Self {
        let (mut planes, mut bytes) = (Vec::new(), Vec::new());
        for shape in format.planes {
            let pitch = width.div_ceil(shape.across) * shape.bytes + padding;
            let length = u64::from(pitch) * u64::from(height.div_ceil(shape.down));
            if apart || bytes.is_empty() {
                planes.push(Plane { buffer: bytes.len(), offset: 0, pitch });
                bytes.push(length);
            } else {
                planes.push(Plane { buffer: 0, offset: bytes[0] as u32, pitch });
                bytes[0] += length;
            }
        }
        Self { format, width, height, planes, bytes, starts: Vec::new() }
    }

    /// The largest image of a format that is as a case asks, and for which there is room in each buffer: in all of it where
    /// there is one format, else in a few pages.
    pub fn fitting(format: &'static Format, asked: &Stream, files: usize, room: u64) -> Option<Self> {
        let few = HALVES * page_size() as u64 / 2;
        let room = if asked.pixels.is_some() || asked.plane == DisplayPlane::Overlay { room.min(few) } else { room };
        let sizes = if asked.odd { ODD } else { SIZES };
        let padding = if asked.padded { PADDING } else { 0 };
        let layouts = sizes.iter().map(|&size| Self::new(format, size, padding, files > 1));
        layouts.into_iter().find(|layout| layout.fits(files, room))
    }

    /// Returns whether there are enough buffers, each with room for its part of the image.
    pub fn fits(&self, files: usize, room: u64) -> bool {
        self.bytes.len() == files && self.bytes.iter().all(|&bytes| bytes <= room)
    }

    /// The same image, this many bytes after the start of each buffer.
    pub fn moved(&self, by: u64) -> Self {
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        let planes = self.planes.iter().map(|plane| Plane { offset: plane.offset.saturating_add(by), ..*plane });
        let bytes = self.bytes.iter().map(|bytes| bytes + u64::from(by));
        Self { planes: planes.collect(), bytes: bytes.collect(), ..self.clone() }
    }

    /// The same image in one buffer. A display that takes two planes out of one buffer where they lie in two does so
    /// with its own as well; compared with this, it shows.
    pub fn together(&self) -> Self {
        if self.bytes.len() == 1 {
            return self.clone();
        }
        let (mut starts, mut end) = (Vec::new(), 0);
        for bytes in &self.bytes {
            starts.push(end);
            end += bytes.next_multiple_of(8);
        }
        let planes = self.planes.iter().map(|plane| Plane {
            buffer: 0,
            offset: plane.offset + starts[plane.buffer] as u32,
            ..*plane
        });
        Self { planes: planes.collect(), bytes: vec![end], starts, ..self.clone() }
    }

    /// The place in the original buffer of the byte that lies here.
    pub fn place(&self, at: u64) -> u64 {
        let buffer = self.starts.iter().rposition(|&start| start <= at);
        buffer.map_or(at, |buffer| place(buffer, at - self.starts[buffer]))
    }

    /// In words.
    pub fn words(&self) -> String {
        format!("{}x{} {}", self.width, self.height, self.format.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drm::formats::{USUAL, named};
    use spec::case::Pixels;

    fn nv12() -> &'static Format {
        named(u32::from_le_bytes(*b"NV12")).unwrap()
    }

    #[test]
    fn planes_lie_one_after_the_other_or_each_in_a_buffer_of_its_own() {
        let one = Layout::new(nv12(), (100, 10), 0, false);
        let plane = |buffer, offset, pitch| Plane { buffer, offset, pitch };
        assert_eq!((one.planes, one.bytes), (vec![plane(0, 0, 100), plane(0, 1000, 100)], vec![1500]));
        let apart = Layout::new(nv12(), (100, 10), 8, true);
        assert_eq!((apart.planes, apart.bytes), (vec![plane(0, 0, 108), plane(1, 0, 108)], vec![1080, 540]));
    }

    #[test]
    fn planes_that_were_apart_keep_their_bytes_together() {
        let together = Layout::new(nv12(), (100, 10), 0, true).together();
        let plane = |offset| Plane { buffer: 0, offset, pitch: 100 };
        assert_eq!((&together.planes, &together.bytes), (&vec![plane(0), plane(1000)], &vec![1504]));
        assert_eq!([0, 992, 1000, 1008].map(|at| together.place(at)), [0, 992, place(1, 0), place(1, 8)]);
        let one = Layout::new(nv12(), (100, 10), 0, false);
        assert_eq!((one.together(), one.place(1000)), (one.clone(), 1000));
    }

    #[test]
    fn half_a_pixel_of_chroma_is_a_whole_one() {
        assert_eq!(Layout::new(nv12(), (53, 37), 0, false).bytes, [53 * 37 + 54 * 19]);
    }

    #[test]
    fn the_largest_that_fits_is_taken() {
        let fitting = |asked: &Stream, files, room| {
            let format = if files > 1 { nv12() } else { &USUAL };
            Layout::fitting(format, asked, files, room).map(|layout| layout.words())
        };
        let (plain, odd) = (Stream::default(), Stream { odd: true, ..Stream::default() });
        assert_eq!(fitting(&plain, 1, 64 << 10).as_deref(), Some("128x128 XR24"));
        assert_eq!(fitting(&plain, 1, (64 << 10) - 1).as_deref(), Some("160x90 XR24"));
        assert_eq!(fitting(&odd, 1, 64 << 10).as_deref(), Some("151x101 XR24"));
        assert_eq!(fitting(&plain, 2, 64 << 10).as_deref(), Some("256x128 NV12"));
        assert_eq!(fitting(&plain, 3, 64 << 10), None, "NV12 has two planes");
        assert_eq!(fitting(&plain, 1, 4096), None);
    }

    #[test]
    fn an_image_for_each_format_reaches_over_the_ends_of_pages() {
        let page = page_size() as u64;
        let odd = |odd| Stream { pixels: Some(Pixels::Rgb), odd, ..Stream::default() };
        for (name, odd) in
            [*b"XR24", *b"RG16", *b"XR48"].into_iter().flat_map(|name| [(name, odd(false)), (name, odd(true))])
        {
            let format = named(u32::from_le_bytes(name)).unwrap();
            let image = Layout::fitting(format, &odd, 1, 16 * page).unwrap();
            let bytes = image.bytes[0];
            assert!(bytes > page && bytes <= HALVES * page / 2, "{}: {bytes} bytes", image.words());
        }
        let planes = Stream { pixels: Some(Pixels::SemiPlanar), ..Stream::default() };
        let image = Layout::fitting(nv12(), &planes, 1, 16 * page).unwrap();
        assert!(!image.planes[1].offset.is_multiple_of(page as u32), "the second plane begins within a page");
    }

    #[test]
    fn what_is_moved_needs_more_room() {
        let moved = Layout::new(nv12(), (100, 10), 0, false).moved(64);
        assert_eq!((moved.planes[1].offset, moved.bytes), (1064, vec![1564]));
    }
}
