//! Frames that a device works on: it captures them, or makes others of them, in imported buffers or in its own.

use std::os::fd::BorrowedFd;

use spec::step::Stream;

use crate::refusal::Refusal;

/// The buffers of one of a device's queues.
#[derive(Clone, Copy)]
pub enum Buffers<'a> {
    /// The device's own, filled beforehand with a word for each eighth byte: those that are read with the one of its
    /// [`place`].
    Own(&'a dyn Fn(u64) -> u64),
    /// Imported ones. Whoever has them fills them and reads them.
    Imported(&'a [BorrowedFd<'a>]),
}

impl Buffers<'_> {
    /// Returns whether they are imported.
    pub fn imported(&self) -> bool {
        matches!(self, Self::Imported(_))
    }
}

/// The byte that a buffer holds which is read, by its number among those of a work: no two of them hold the same, so that
/// one that is taken for another shows. The pattern continues where the buffer before it ends.
pub fn place(buffer: usize, at: u64) -> u64 {
    at + ((buffer as u64) << 32)
}

/// Where in its buffer a [`place`] is.
pub fn within(place: u64) -> u64 {
    place & u64::from(u32::MAX)
}

/// The work that a device is to do.
pub struct Work<'a> {
    /// The step of the case.
    pub asked: &'a Stream,
    /// The number of files; each becomes the buffer of a plane of a frame.
    pub files: usize,
    /// The most bytes of a buffer that the device writes, imported or not.
    pub capture_room: u64,
    /// The most bytes of a buffer that it reads.
    pub output_room: u64,
    /// The buffers that the device writes.
    pub capture: Buffers<'a>,
    /// The buffers that it reads, if it reads any.
    pub output: Buffers<'a>,
    /// One of [`Device::formats`](crate::Device::formats), for a device that names some.
    pub format: Option<u32>,
    /// The fence that the device has to wait for before it reads.
    pub wait: Option<&'a Wait<'a>>,
    /// Called when the stream was stopped with buffers queued, before it is started again without them.
    pub stopped: &'a dyn Fn(),
    /// Called when every buffer is in the device's hands, before it begins.
    pub queued: &'a dyn Fn(),
    /// Called when the work is done, with what the frames are and how many bytes of the first buffer were written. A
    /// display still shows it.
    pub done: &'a dyn Fn(&str, u32),
}

/// A fence that is not signalled.
pub struct Wait<'a> {
    /// A sync file of it that is handed to the device; nothing where the imported buffers have the fence.
    pub file: Option<BorrowedFd<'a>>,
    /// Gives the imported buffers the bytes that are to be read, and signals the fence.
    pub signal: &'a dyn Fn() -> Result<(), Refusal>,
}

impl<'a> Work<'a> {
    /// Work on a number of frames in buffers of a size, in any format, that no one waits for or looks at.
    pub fn new(asked: &'a Stream, files: usize, room: u64, capture: Buffers<'a>, output: Buffers<'a>) -> Self {
        Self {
            asked,
            files,
            capture_room: room,
            output_room: room,
            capture,
            output,
            format: None,
            wait: None,
            stopped: &|| {},
            queued: &|| {},
            done: &|_, _| {},
        }
    }
}

/// A buffer of a frame that the device has written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plane {
    /// The bytes that the device reports as written, from the start on.
    pub used: u32,
    /// All of the buffer, where it is the device's own.
    pub bytes: Vec<u8>,
}

/// The work that a device has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkResult {
    /// The frames, in words, for who reads a report.
    pub frames: String,
    /// The buffers that it wrote, in the order of the files; nothing for one that was taken back unwritten.
    pub written: Vec<Option<Plane>>,
    /// The bytes of each buffer that it read which were its input.
    pub read: u64,
    /// The report of the display that showed them.
    pub crc: Option<String>,
    /// The work that the device reported as done while the fence was pending that it had to wait for.
    pub early: Option<&'static str>,
}

/// A device did not do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// It refused an imported buffer.
    #[error("{0}")]
    Import(Refusal),
    /// It refused something else.
    #[error("{0}")]
    Call(Refusal),
    /// A frame did not come.
    #[error("frame {frame} of {of} was not done within {seconds} s")]
    Late {
        /// From 1.
        frame: usize,
        /// The number of frames that were queued.
        of: usize,
        /// The time that was waited for it.
        seconds: u64,
    },
    /// A frame came with an error.
    #[error("the device returned frame {frame} of {of} with an error (V4L2_BUF_FLAG_ERROR)")]
    Faulty {
        /// From 1.
        frame: usize,
        /// The number of frames that were queued.
        of: usize,
    },
}

impl WorkError {
    /// The refusal, where it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Import(refusal) | Self::Call(refusal) => Some(refusal),
            Self::Late { .. } | Self::Faulty { .. } => None,
        }
    }
}

/// The error of a device that does nothing with frames.
pub const NO_WORK: WorkError = WorkError::Call(Refusal::NotAsked("the device does nothing with frames"));
