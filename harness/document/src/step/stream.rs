//! The step in which a device does its work on frames.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Part, Side, Sort, Use};
use crate::case::Pixels;
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
    /// The imported buffer has it, as of somebody who writes (DMA_BUF_IOCTL_IMPORT_SYNC_FILE).
    OnBuffer,
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
    /// What the frames are made of; what the device has now by default.
    pub pixels: Option<Pixels>,
    /// A width that is odd.
    #[serde(default)]
    pub odd: bool,
    /// Lines with padding behind them.
    #[serde(default)]
    pub padded: bool,
    /// So many buffers at a time: the others take, one after the other, the index of one that has come back.
    pub queued: Option<u32>,
    /// Calls that the buffers go through beside the usual ones.
    #[serde(default)]
    pub calls: Vec<StreamCall>,
    /// The data begins at this byte of each buffer that is read (data_offset).
    #[serde(default)]
    pub offset: Bytes,
    /// After the first frame the stream is stopped with buffers queued, and started again with the first buffer alone:
    /// nobody writes the others any more.
    #[serde(default)]
    pub stop: bool,
    /// Which plane of a display shows the frame.
    #[serde(default)]
    pub plane: DisplayPlane,
    /// The frame's layout is named, as linear (DRM_MODE_FB_MODIFIERS), where the display says that it knows that name.
    #[serde(default)]
    pub modifier: bool,
    /// Nothing is shown: whether it could be is tested (DRM_MODE_ATOMIC_TEST_ONLY), and that alone is compared.
    #[serde(default)]
    pub test_only: bool,
    /// The display has to wait for a fence before it reads a frame. It is signalled after a while, and until then the
    /// frame has other bytes.
    pub wait: Option<StreamWait>,
}

impl Stream {
    /// Whether it asks for what displays alone can do.
    pub fn of_display(&self) -> bool {
        self.plane != DisplayPlane::Primary || self.modifier || self.test_only || self.wait.is_some()
    }
}

impl Part for Stream {
    fn checks(&self) -> bool {
        true
    }

    fn needs(&self) -> Option<Side> {
        Some(Side::Importer)
    }

    fn takes_away(&self) -> Option<Side> {
        (!self.test_only).then_some(Side::Importer)
    }

    fn uses(&self) -> Vec<Use<'_>> {
        let files = self.capture.iter().chain(&self.output);
        files.map(|file| (file.as_str(), &[Sort::File][..])).collect()
    }
}
