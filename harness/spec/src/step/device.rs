//! Steps that devices do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::{part, rows};
use super::{ErrnoName, Part, Side, yes};
use crate::quantity::Bytes;

/// The shape of an image. Where a device has no images, a buffer of as many bytes is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Image {
    /// In pixels.
    pub width: u32,
    /// In lines.
    pub height: u32,
    /// The bits of one pixel, padding included.
    pub bits_per_pixel: u32,
}

impl Image {
    /// Returns its size without padding between its lines, in bytes.
    pub fn bytes(self) -> u64 {
        (u64::from(self.width) * u64::from(self.bits_per_pixel)).div_ceil(8) * u64::from(self.height)
    }
}

/// The intended use of a buffer: the GBM_BO_USE flags of libgbm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BufferUse {
    /// A display shows it.
    Scanout,
    /// A display shows it as the pointer, an image of 64x64 pixels.
    Cursor,
    /// A GPU draws into it.
    Rendering,
    /// The CPU writes it.
    Write,
    /// Its lines lie one after the other.
    Linear,
}

/// The exporter allocates.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Allocate {
    /// Names the buffer.
    pub r#as: String,
    /// Its size, if not the case's.
    pub size: Option<Bytes>,
    /// The image that it is to hold, in place of a size.
    pub image: Option<Image>,
    /// The intended uses. A device that knows none is not asked.
    #[serde(default)]
    pub uses: Vec<BufferUse>,
    /// It must be refused, with one of these.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
}

impl Part for Allocate {
    rows!(checks refusals; makes Buffer unless refused;);

    fn needs(&self) -> Option<Side> {
        Some(Side::Exporter)
    }
}

/// The planes of an image become files, one each.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Planes {
    /// The buffer.
    pub buffer: String,
}

part!(Planes: checks; uses buffer: Buffer;);

/// The access mode of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileAccess {
    /// Reading and writing.
    #[default]
    ReadWrite,
    /// Reading only.
    ReadOnly,
}

/// A buffer becomes a file.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Export {
    /// The buffer.
    pub buffer: String,
    /// Names the file.
    pub r#as: String,
    /// The file's access mode.
    #[serde(default)]
    pub access: FileAccess,
    /// True if exec closes the descriptor (FD_CLOEXEC).
    #[serde(default = "yes")]
    pub close_on_exec: bool,
    /// It must be refused, with one of these.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
    /// Refusals after which the cell ends as refused.
    #[serde(default)]
    pub may_refuse: Vec<ErrnoName>,
}

part!(Export: checks refusals; makes File unless refused; uses buffer: Buffer;);

/// A file becomes a buffer of a device.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Import {
    /// The file.
    pub file: String,
    /// Names the buffer.
    pub r#as: String,
    /// The importer.
    #[serde(default)]
    pub by: Side,
    /// The bytes that the importer needs beyond those of the file.
    #[serde(default)]
    pub larger_by: Bytes,
    /// It must be refused, with one of these.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
    /// Refusals after which the cell ends as refused; those that the kernel documents for the importer by default.
    pub may_refuse: Option<Vec<ErrnoName>>,
    /// True if the cell goes on after an allowed refusal, with no buffer of this name.
    #[serde(default)]
    pub go_on: bool,
}

impl Part for Import {
    rows!(checks refusals; makes Buffer unless refused; uses file: File;);

    fn needs(&self) -> Option<Side> {
        Some(self.by)
    }
}

/// Checks whether two buffers are one.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SameHandle {
    /// One of them.
    pub first: String,
    /// The other.
    pub second: String,
    /// True if they must be the same, or must not.
    #[serde(default = "yes")]
    pub same: bool,
}

part!(SameHandle: checks; uses first: Buffer, second: Buffer;);

/// The name that is released.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Release(pub String);

part!(Release: uses 0: File | Buffer | Mapping | SyncFile | Fence;);
