//! Steps of the CPU on mapped memory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::{part, rows};
use super::{ErrnoName, FileAccess, Part};
use crate::quantity::Bytes;

/// The sharing of a mapping: who sees what is written through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MapSharing {
    /// MAP_SHARED.
    #[default]
    Shared,
    /// MAP_PRIVATE.
    Private,
}

/// A mapping of a file or a buffer.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Map {
    /// The file or buffer.
    pub of: String,
    /// Names the mapping.
    pub r#as: String,
    /// From this byte on.
    #[serde(default)]
    pub offset: Bytes,
    /// The length in bytes; all that follow by default.
    pub length: Option<Bytes>,
    /// The bytes beyond the end of the buffer.
    #[serde(default)]
    pub beyond: Bytes,
    /// Instead of `offset`: this many bytes past the buffer's end.
    pub after_end: Option<Bytes>,
    /// The access of the CPU.
    #[serde(default)]
    pub access: FileAccess,
    /// Shared or private.
    #[serde(default)]
    pub sharing: MapSharing,
    /// It must be refused, with one of these.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
    /// Refusals that satisfy the rule as well: the cell ends there, and passes.
    #[serde(default)]
    pub satisfied_by: Vec<ErrnoName>,
}

impl Part for Map {
    rows!(checks refusals; makes Mapping unless refused; uses of: File | Buffer;);

    fn senseless(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let refused = "add 'must-refuse: [EINVAL]', if that is the rule";
        if !self.must_refuse.is_empty() {
            None
        } else if self.length == Some(Bytes(0)) {
            Some(("length", "the kernel makes no mapping of 0 bytes", refused))
        } else if !self.offset.0.is_multiple_of(4096) {
            Some(("offset", "the kernel maps whole pages only", refused))
        } else {
            None
        }
    }
}

/// Writes the pattern: every word identifies its place in the buffer and the seed.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fill {
    /// The mapping.
    pub mapping: String,
    /// Which pattern; another seed, other bytes.
    #[serde(default = "first_seed")]
    pub seed: u32,
}

part!(Fill: uses mapping: Mapping;);

/// Reads the pattern.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Check {
    /// The mapping.
    pub mapping: String,
    /// Which pattern; another seed, other bytes.
    #[serde(default = "first_seed")]
    pub seed: u32,
    /// A buffer: only as many bytes as it has are compared. A device's frame may be smaller than what it imports.
    #[serde(default)]
    pub up_to: Option<String>,
    /// A buffer: only what follows as many bytes as it has is compared.
    #[serde(default)]
    pub behind: Option<String>,
}

part!(Check: checks; uses mapping: Mapping, up_to: Buffer, behind: Buffer;);

/// Checks whether pages can be pinned.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pin {
    /// The mapping.
    pub mapping: String,
}

part!(Pin: checks; uses mapping: Mapping;);

/// Reads, and must see zeroes.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CheckZero {
    /// The mapping.
    pub mapping: String,
}

part!(CheckZero: checks; uses mapping: Mapping;);

/// A mapping that is to become longer.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Grow {
    /// The mapping.
    pub mapping: String,
    /// The additional bytes.
    pub by: Bytes,
    /// It must be refused, with one of these.
    pub must_refuse: Vec<ErrnoName>,
}

part!(Grow: checks; uses mapping: Mapping;);

/// A mapping that is to become writable.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MakeWritable {
    /// The mapping.
    pub mapping: String,
    /// It must be refused, with one of these; without them it must succeed.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
}

part!(MakeWritable: checks; uses mapping: Mapping;);

fn first_seed() -> u32 {
    1
}
