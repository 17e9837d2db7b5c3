//! The sorts of pixels that frames are made of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The sort of a frame's pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pixels {
    /// Red, green and blue.
    Rgb,
    /// Luma and chroma side by side (YUYV).
    PackedYuv,
    /// A plane of luma, then one of both chromas (NV12).
    SemiPlanar,
    /// A plane of luma, then one of each chroma (YU12).
    Planar,
    /// Planes in buffers of their own (NM12).
    MultiPlanar,
}

impl Pixels {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rgb, Self::PackedYuv, Self::SemiPlanar, Self::Planar, Self::MultiPlanar];
}
