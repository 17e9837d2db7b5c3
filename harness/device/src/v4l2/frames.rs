//! Which frames a device works on: the largest that its buffers have room for, of the sort that is asked for.

use std::os::fd::BorrowedFd;

use uapi::v4l2::{self, Format, QueueType};

use super::pipeline::Pipeline;
use super::pixels;
use crate::refusal::Refusal;
use crate::work::{Work, WorkError};

/// Frames in pixels, from small to large. With one or two bytes a pixel some of them end within the last page of a buffer
/// of 64 KiB: a page that is missing is as often as not the last.
const SIZES: &[(u32, u32)] = &[
    (16, 16),
    (64, 64),
    (128, 128),
    (256, 127),
    (320, 180),
    (256, 255),
    (320, 240),
    (640, 360),
    (640, 480),
    (1280, 720),
    (1920, 1080),
];

/// Frames of an odd width, in pixels.
const ODD: &[(u32, u32)] = &[(53, 37), (151, 101), (321, 181)];

/// The bytes from line to line beyond those of a line.
const PADDING: u32 = 64;

/// More inputs than any capture device has.
const INPUTS: i32 = 32;

/// The formats of a device's queues.
#[derive(Debug, Clone)]
pub struct Frames {
    /// The format of the queue that the device writes.
    pub capture: Format,
    /// The format of the queue that it reads, if there is one.
    pub output: Option<Format>,
}

impl Frames {
    /// Sets the formats of a device's queues, and of what comes before them.
    pub fn set(
        device: BorrowedFd<'_>,
        (capture, output): (QueueType, Option<QueueType>),
        pipeline: Option<&Pipeline>,
        work: &Work<'_>,
    ) -> Result<Self, WorkError> {
        let search = Search { device, capture, output, pipeline, work };
        let now = v4l2::input(device).ok();
        if let Some(found) = search.run() {
            return Ok(found);
        }
        search.busy()?;
        // A webcam of vivid has frames of a few sizes; its other inputs have any. The last is not a tuner, which shows noise.
        let inputs = (0..INPUTS).rev().filter(|input| now.is_some() && Some(*input) != now);
        let found = inputs.filter(|input| v4l2::set_input(device, *input).is_ok()).find_map(|_| search.run());
        found.ok_or(WorkError::Call(Refusal::NotAsked("the device has no such frames that fit into the buffers")))
    }

    /// In words.
    pub fn words(&self) -> String {
        let one = |format: &Format| format!("{}x{} {}", format.width, format.height, pixels::name(format.fourcc));
        match &self.output {
            Some(output) => format!("{} to {}", one(output), one(&self.capture)),
            None => one(&self.capture),
        }
    }
}

struct Search<'a> {
    device: BorrowedFd<'a>,
    capture: QueueType,
    output: Option<QueueType>,
    pipeline: Option<&'a Pipeline>,
    work: &'a Work<'a>,
}

impl Search<'_> {
    fn run(&self) -> Option<Frames> {
        let lead = self.output.unwrap_or(self.capture);
        let offered: Vec<u32> = v4l2::formats(self.device, lead).iter().map(|offered| offered.fourcc).collect();
        let fourccs: Vec<u32> = match self.work.asked.pixels {
            Some(sort) => pixels::of(sort).filter(|format| offered.contains(format)).collect(),
            None => v4l2::format(self.device, lead).ok().map(|format| format.fourcc).into_iter().collect(),
        };
        let sizes = || if self.work.asked.odd { ODD.iter() } else { SIZES.iter() };
        let wishes = fourccs.iter().flat_map(|&fourcc| sizes().rev().map(move |&size| (fourcc, size)));
        wishes.into_iter().find_map(|(fourcc, (width, height))| {
            let wish = Format { width, height, fourcc, sizes: vec![0], strides: vec![0] };
            self.attempt(lead, wish)
        })
    }

    fn attempt(&self, lead: QueueType, wish: Format) -> Option<Frames> {
        let asked = self.work.asked;
        let wish = self.pipeline.map_or(Some(wish.clone()), |pipeline| self.carried(pipeline, wish))?;
        let fourcc = wish.fourcc;
        let mut set = v4l2::set_format(self.device, lead, &wish).ok()?;
        if asked.padded {
            let strides: Vec<u32> = set.strides.iter().map(|stride| stride + PADDING).collect();
            let padded = Format { strides, sizes: vec![0; set.sizes.len()], ..set.clone() };
            let padded = v4l2::set_format(self.device, lead, &padded).ok()?;
            if padded.strides.first() <= set.strides.first() {
                return None;
            }
            set = padded;
        }
        if set.fourcc != fourcc || (asked.odd && set.width.is_multiple_of(2)) {
            return None;
        }
        let frames = match self.output {
            None => Frames { capture: set, output: None },
            Some(_) => Frames { capture: self.follow(&set)?, output: Some(set) },
        };
        let room = |room: u64, format: &Format| {
            !format.sizes.is_empty() && format.sizes.iter().all(|&size| size > 0 && u64::from(size) <= room)
        };
        let output_room = self.work.output_room.saturating_sub(asked.offset.0);
        let fits = room(self.work.capture_room, &frames.capture)
            && frames.output.iter().all(|output| room(output_room, output))
            && self.work.files.is_multiple_of(frames.capture.sizes.len());
        fits.then_some(frames)
    }

    /// The frames that come out of what is before the node, when it carries those of a wish.
    fn carried(&self, pipeline: &Pipeline, wish: Format) -> Option<Format> {
        let given = pipeline.set(wish.width, wish.height)?;
        let fitting = v4l2::formats_of_code(self.device, self.capture, given.code);
        let named = self.work.asked.pixels.is_none().then(|| fitting.first().map(|offered| offered.fourcc)).flatten();
        let same = fitting.iter().any(|offered| offered.fourcc == wish.fourcc).then_some(wish.fourcc);
        Some(Format { width: given.width, height: given.height, fourcc: same.or(named)?, ..wish })
    }

    /// A queue keeps its format while someone has buffers in it.
    fn busy(&self) -> Result<(), WorkError> {
        let set =
            v4l2::format(self.device, self.capture).and_then(|now| v4l2::set_format(self.device, self.capture, &now));
        match set {
            Err(errno @ uapi::Errno::EBUSY) => Err(WorkError::Call(Refusal::of("VIDIOC_S_FMT")(errno))),
            _ => Ok(()),
        }
    }

    /// The frame that a mem2mem device writes: the same, if it can, else one of its own choice.
    fn follow(&self, read: &Format) -> Option<Format> {
        let offered = v4l2::formats(self.device, self.capture);
        let now = v4l2::format(self.device, self.capture).ok()?;
        let same = offered.iter().any(|offered| offered.fourcc == read.fourcc);
        let fourcc = if same { read.fourcc } else { now.fourcc };
        let wish = Format { fourcc, sizes: vec![0; read.sizes.len()], strides: vec![0; read.sizes.len()], ..*read };
        v4l2::set_format(self.device, self.capture, &wish).ok()
    }
}
