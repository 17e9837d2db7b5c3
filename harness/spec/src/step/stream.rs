//! The step in which a device does its work on frames.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::rows;
use super::{Part, Side};
use crate::pixels::Pixels;
use crate::quantity::Bytes;

/// A call of V4L2 that a buffer may go through on its way into a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StreamCall {
    /// VIDIOC_CREATE_BUFS, in place of VIDIOC_REQBUFS.
    CreateBufs,
    /// VIDIOC_PREPARE_BUF, before VIDIOC_QBUF.
    PrepareBuf,
}

/// Which of a display's planes shows a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DisplayPlane {
    /// The one that fills the display.
    #[default]
    Primary,
    /// One above it, smaller than the display. The primary plane shows a buffer of the display's own meanwhile.
    Overlay,
    /// The one for the pointer, likewise.
    Cursor,
}

/// By what a display learns of the fence that it has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StreamWait {
    /// The commit names it (IN_FENCE_FD).
    InFence,
    /// The imported buffer has it, as of someone who writes (DMA_BUF_IOCTL_IMPORT_SYNC_FILE).
    OnBuffer,
}

/// The CPU cache calls of a program around a device's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StreamCpu {
    /// Every access of the CPU is between a begin and an end of its direction (DMA_BUF_IOCTL_SYNC).
    #[default]
    Proper,
    /// Likewise; and before the device works, the CPU reads each byte that the device is to write, as it may at any time
    /// by itself: then its cache has lines of it.
    Prefetches,
    /// Likewise; and another process reads all buffers again and again while the device works.
    ReadsMeanwhile,
    /// Likewise; and what the device wrote is read through another mapping than the one that filled the buffer, and that
    /// was read from before.
    OtherMapping,
    /// No begin and no end. What is in the buffers then is reported and not judged.
    Unannounced,
    /// A begin and an end of the other direction than the access has. What is in the buffers then is reported and not judged.
    WrongDirection,
}

impl StreamCpu {
    /// Returns whether the bytes in the buffers must be the right ones.
    pub fn defined(self) -> bool {
        !matches!(self, Self::Unannounced | Self::WrongDirection)
    }
}

/// The importer's device works on frames: once on imported buffers, twice on its own.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stream {
    /// The files that become the buffers of the queue which the device writes, a frame each; its own by default.
    #[serde(default)]
    pub capture: Vec<String>,
    /// The files that become the buffers of the queue which the device reads, a frame each; its own by default.
    #[serde(default)]
    pub output: Vec<String>,
    /// The pixel sort of the frames; the device's present one by default.
    pub pixels: Option<Pixels>,
    /// A width that is odd.
    #[serde(default)]
    pub odd: bool,
    /// Lines with padding after them.
    #[serde(default)]
    pub padded: bool,
    /// The number of buffers at a time: the others take, one after the other, the index of one that has come back.
    pub queued: Option<u32>,
    /// Calls that the buffers go through in addition to the usual ones.
    #[serde(default)]
    pub calls: Vec<StreamCall>,
    /// The data begins at this byte of each buffer that is read (data_offset).
    #[serde(default)]
    pub offset: Bytes,
    /// After the first frame the stream is stopped with buffers queued, and started again with only the first buffer:
    /// no one writes the others any more.
    #[serde(default)]
    pub stop: bool,
    /// Which plane of a display shows the frame.
    #[serde(default)]
    pub plane: DisplayPlane,
    /// The frame's layout is named, as linear (DRM_MODE_FB_MODIFIERS), where the display says that it knows that name.
    #[serde(default)]
    pub modifier: bool,
    /// Nothing is shown: whether it could be is tested (DRM_MODE_ATOMIC_TEST_ONLY), and only that is compared.
    #[serde(default)]
    pub test_only: bool,
    /// The display has to wait for a fence before it reads a frame. It is signalled after a while, and until then the
    /// frame has other bytes.
    pub wait: Option<StreamWait>,
    /// Which device works.
    #[serde(default)]
    pub by: Side,
    /// The one buffer that is read is not filled: it has what was made of it before, and so have the device's own.
    #[serde(default)]
    pub as_is: bool,
    /// The CPU's access to the buffers.
    #[serde(default)]
    pub cpu: StreamCpu,
    /// Buffers and files that are given up when every buffer is in the device's hands and before it begins. What was
    /// received from a process that lives on goes with that process. Of files that the device reads nothing is left but
    /// what the device has.
    #[serde(default)]
    pub gives_up: Vec<String>,
}

impl Stream {
    /// Returns whether it asks for what only displays can do.
    pub fn of_display(&self) -> bool {
        self.plane != DisplayPlane::Primary || self.modifier || self.test_only || self.wait.is_some()
    }
}

impl Part for Stream {
    rows!(checks; uses capture: File, output: File, gives_up: Buffer | File;);

    fn needs(&self) -> Option<Side> {
        Some(self.by)
    }

    fn takes_away(&self) -> Option<Side> {
        (!self.test_only).then_some(self.by)
    }

    fn senseless(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let all = "leave it out: all of them are with the device before it begins";
        match self {
            _ if self.capture.is_empty() && self.output.is_empty() => {
                Some(("stream", "the device works on no imported buffer", "name files in 'capture' or 'output'"))
            }
            _ if self.as_is && self.output.len() != 1 => {
                Some(("as-is", "one buffer is read as it is", "name one file in 'output'"))
            }
            _ if !self.gives_up.is_empty() && self.queued.is_some() => {
                Some(("queued", "buffers that are given up cannot be queued later", all))
            }
            _ => None,
        }
    }
}
