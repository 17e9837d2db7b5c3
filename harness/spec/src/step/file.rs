//! Steps on files: dma-bufs and other descriptors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::part;
use super::{ErrnoName, FileAccess, yes};

/// A second descriptor.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Duplicate {
    /// The file.
    pub file: String,
    /// Names the copy.
    pub r#as: String,
}

part!(Duplicate: makes File; uses file: File;);

/// A descriptor that is not a dma-buf.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Open {
    /// The kind of file.
    pub what: NotDmaBuf,
    /// Names it.
    pub r#as: String,
}

part!(Open: makes File;);

/// Descriptors that no importer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotDmaBuf {
    /// A file in memory.
    OrdinaryFile,
    /// A number that is not open.
    ClosedFile,
}

/// The argument of a step that needs only a file.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
    /// The file.
    pub file: String,
}

part!(File: checks; uses file: File;);

/// Checks whether two files are one dma-buf.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SameFile {
    /// One of them.
    pub first: String,
    /// The other.
    pub second: String,
    /// True if they must be the same, or must not.
    #[serde(default = "yes")]
    pub same: bool,
}

part!(SameFile: checks; uses first: File, second: File;);

/// Where a seek starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum From {
    /// SEEK_SET.
    Start,
    /// SEEK_CUR.
    Current,
    /// SEEK_END.
    End,
}

/// A seek.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Seek {
    /// The file.
    pub file: String,
    /// Where it starts.
    pub from: From,
    /// The offset in bytes, forward or back.
    pub offset: i64,
    /// It must be refused, with one of these; without them it must succeed.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
}

part!(Seek: checks; uses file: File;);

/// The flags that a descriptor must have.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Flags {
    /// The file.
    pub file: String,
    /// The access mode.
    pub access: FileAccess,
    /// True if exec closes the descriptor (FD_CLOEXEC).
    pub close_on_exec: bool,
}

part!(Flags: checks; uses file: File;);

/// A file opened again by its name in procfs.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reopen {
    /// The file.
    pub file: String,
    /// It must be refused, with one of these.
    pub must_refuse: Vec<ErrnoName>,
}

part!(Reopen: checks; uses file: File;);
