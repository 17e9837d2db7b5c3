//! DRM_IOCTL_MODE_ADDFB2.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ErrnoName;
use super::part::part;

/// A framebuffer of a buffer, with numbers that do not fit. It is judged only where the display takes one of the same
/// format that fits; one that is made is removed again.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Framebuffer {
    /// The buffer, of a DRM device.
    pub buffer: String,
    /// The number that does not fit.
    pub how: Misfit,
    /// It must be refused, with one of these.
    pub must_refuse: Vec<ErrnoName>,
}

part!(Framebuffer: checks; uses buffer: Buffer;);

/// What does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Misfit {
    /// A line more than the buffer has.
    LineMore,
    /// As many lines as the buffer has, from its second page on.
    PageLater,
    /// Lines that are a byte shorter than their pixels.
    ShortPitch,
    /// Lines that together need more than 32 bits to count.
    Overflow,
    /// Lines without a pixel.
    NoWidth,
    /// A buffer that never was.
    NoHandle,
    /// NV12 whose second plane ends a byte behind the buffer.
    PlaneLater,
    /// NV12 with a second plane of a buffer that never was.
    PlaneNoHandle,
}
