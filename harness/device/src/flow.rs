//! A continuous stream: imported buffers are queued, worked on and taken back, other ones in their places, until whoever
//! feeds it has no more. [Work](crate::work) is the same for a few frames.

/// A queue of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Queue {
    /// The device writes its buffers.
    Capture,
    /// The device reads them.
    Output,
}

impl Queue {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Output => "output",
        }
    }
}

/// The frames of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// In words, for who reads a report.
    pub frames: String,
    /// The number of buffers of a frame that the device writes.
    pub capture_planes: usize,
    /// The number of buffers of a frame that it reads; none where it reads nothing.
    pub output_planes: Option<usize>,
}

/// The buffers of a frame, as numbers of dma-bufs that are open, one a plane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Given {
    /// The buffers that the device writes.
    pub capture: Vec<i32>,
    /// The buffers that it reads.
    pub output: Vec<i32>,
}

/// The answer of a feed for an index that is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The buffers of a frame.
    Frame(Given),
    /// None now, but when others have come back.
    Later,
    /// None any more.
    End,
}

/// `V4L2_FIELD_TOP`.
pub const TOP: u32 = 2;
/// `V4L2_FIELD_BOTTOM`.
pub const BOTTOM: u32 = 3;

/// A frame that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// The index that it was queued at.
    pub index: usize,
    /// The driver's number of it.
    pub sequence: u32,
    /// `enum v4l2_field`: [`TOP`] and [`BOTTOM`] of a frame have one number where they come one by one.
    pub field: u32,
    /// The bytes of each plane that hold data.
    pub used: Vec<u32>,
    /// True if the device could not do its work on it (`V4L2_BUF_FLAG_ERROR`).
    pub faulty: bool,
}

/// Feeds a stream, and hears what becomes of each frame.
pub trait Feed {
    /// The stream is about to start.
    fn begin(&mut self, shape: &Shape);
    /// The buffers of the next frame, to be queued at an index that is free. A stream with nothing queued ends also
    /// where there are none now.
    fn next(&mut self, index: usize) -> Next;
    /// A queue has taken the frame at an index.
    fn queued(&mut self, queue: Queue, index: usize);
    /// A frame came back.
    fn done(&mut self, queue: Queue, back: &Back);
    /// The stream was stopped while a frame was with the device, and the driver has returned it or not.
    fn stopped(&mut self, queue: Queue, index: usize, given_back: bool);
    /// Returns whether queued frames are waited for at the end, or taken back by stopping the stream.
    fn drains(&self) -> bool;
}
