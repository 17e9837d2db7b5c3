//! The verbs of the case language. Each step is written as a single key, `- map: {of: buffer, as: whole}`.
//!
//! A step that makes something gives it a name with `as`; later steps use the name. There are buffers (what a device
//! holds), files (dma-bufs and other descriptors), mappings, and snapshots.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::errno::ErrnoName;
use crate::quantity::Bytes;

/// One step of a case.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The exporter allocates a buffer of its own memory.
    Allocate(Allocate),
    /// A device exports a buffer that it holds, its own or an imported one, as a dma-buf file.
    Export(Export),
    /// A device imports a file.
    Import(Import),
    /// The CPU maps a file, or a buffer through the device that holds it.
    Map(Map),
    /// The CPU writes the pattern.
    Fill(Pattern),
    /// The CPU reads, and must see the pattern.
    Check(Pattern),
    /// DMA_BUF_IOCTL_SYNC.
    Sync(Sync),
    /// Another descriptor of the same file.
    Duplicate(Duplicate),
    /// A file that is no dma-buf, or none at all.
    Open(Open),
    /// Closes a file, unmaps a mapping, or frees a buffer.
    Release(String),
    /// Whether two files are the same dma-buf, by inode.
    SameFile(Same),
    /// Whether two buffers are the same GEM handle.
    SameHandle(Same),
    /// The size by lseek is that of the buffer, a multiple of the page size, and what fdinfo says.
    Size(File),
    /// A seek.
    Seek(Seek),
    /// The descriptor's flags are those asked for.
    Flags(Flags),
    /// The file's system calls itself a dma-buf's.
    DmaBuf(File),
    /// Whether the mapping's pages can be pinned by get_user_pages: a property; with no struct page behind it, a fault.
    Pin(Pin),
    /// Steps done in a forked process.
    Fork(Fork),
    /// Remembers how many descriptors, references and attachments there are.
    Snapshot(Snapshot),
    /// There are as many as the snapshot says.
    Balance(Balance),
}

/// The exporter allocates.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Allocate {
    /// Names the buffer.
    pub r#as: String,
    /// Its size, if not the case's.
    pub size: Option<Bytes>,
}

/// What a file may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileAccess {
    /// Reading and writing.
    #[default]
    ReadWrite,
    /// Reading alone.
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
    /// Whether exec closes the descriptor (FD_CLOEXEC).
    #[serde(default = "yes")]
    pub close_on_exec: bool,
    /// Refusals after which the cell ends as refused.
    #[serde(default)]
    pub may_refuse: Vec<ErrnoName>,
}

/// Which of a cell's devices does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The importer.
    #[default]
    Importer,
    /// The exporter, through the very file that allocated the buffer.
    Exporter,
}

/// A file becomes a buffer of a device.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Import {
    /// The file.
    pub file: String,
    /// Names the buffer.
    pub r#as: String,
    /// Who imports it.
    #[serde(default)]
    pub by: Side,
    /// The importer is told to need so many bytes more than the file has.
    #[serde(default)]
    pub larger_by: Bytes,
    /// It must be refused, with one of these.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
    /// Refusals after which the cell ends as refused; those that the kernel documents for the importer by default.
    pub may_refuse: Option<Vec<ErrnoName>>,
    /// Whether the cell goes on after an allowed refusal, with no buffer of this name.
    #[serde(default)]
    pub go_on: bool,
}

/// Who sees what is written through a mapping.
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
    /// So many bytes; all that follow by default.
    pub length: Option<Bytes>,
    /// So many bytes more than there are.
    #[serde(default)]
    pub beyond: Bytes,
    /// Instead of `offset`: so many bytes behind the buffer's end.
    pub after_end: Option<Bytes>,
    /// What the CPU may do.
    #[serde(default)]
    pub access: FileAccess,
    /// Who sees it.
    #[serde(default)]
    pub sharing: MapSharing,
    /// It must be refused, with one of these.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
    /// Refusals that satisfy the rule as well: the cell ends there, and passes.
    #[serde(default)]
    pub satisfied_by: Vec<ErrnoName>,
}

/// The pattern through a mapping: every word tells its place in the buffer and the seed.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pattern {
    /// The mapping.
    pub mapping: String,
    /// Which pattern; another seed, other bytes.
    #[serde(default = "first_seed")]
    pub seed: u32,
}

/// DMA_BUF_IOCTL_SYNC.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sync {
    /// The dma-buf.
    pub file: String,
    /// Begin or end.
    pub phase: Phase,
    /// What the CPU does in between.
    pub access: SyncAccess,
}

/// Begin or end of an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// DMA_BUF_SYNC_START.
    Begin,
    /// DMA_BUF_SYNC_END.
    End,
}

/// What the CPU does between begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SyncAccess {
    /// DMA_BUF_SYNC_READ.
    Read,
    /// DMA_BUF_SYNC_WRITE.
    Write,
    /// DMA_BUF_SYNC_RW.
    ReadWrite,
}

/// A second descriptor.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Duplicate {
    /// The file.
    pub file: String,
    /// Names the copy.
    pub r#as: String,
}

/// A descriptor that is no dma-buf.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Open {
    /// What it is.
    pub what: NotDmaBuf,
    /// Names it.
    pub r#as: String,
}

/// Descriptors that no importer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotDmaBuf {
    /// A file in memory.
    OrdinaryFile,
    /// A number that is not open.
    ClosedFile,
}

/// A file alone.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
    /// The file.
    pub file: String,
}

/// Whether two things are one.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Same {
    /// One of them.
    pub first: String,
    /// The other.
    pub second: String,
    /// Whether they must be the same, or must not.
    #[serde(default = "yes")]
    pub same: bool,
}

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
    /// So many bytes on, or back.
    pub offset: i64,
    /// It must be refused, with one of these; without them it must succeed.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
}

/// What a descriptor's flags must be.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Flags {
    /// The file.
    pub file: String,
    /// The access mode.
    pub access: FileAccess,
    /// Whether exec closes the descriptor (FD_CLOEXEC).
    pub close_on_exec: bool,
}

/// Whether pages can be pinned.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pin {
    /// The mapping.
    pub mapping: String,
}

/// Steps in a forked process.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fork {
    /// What it does; it inherits all that was made before, and what it makes is gone with it.
    pub steps: Vec<Step>,
}

/// Remembers counts.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Snapshot {
    /// Names it.
    pub r#as: String,
    /// The dma-buf whose references and attachments are counted too.
    pub file: Option<String>,
}

/// Compares counts.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Balance {
    /// The snapshot.
    pub since: String,
    /// The dma-buf whose references and attachments must be what they were; it must still be open.
    pub file: Option<String>,
    /// The snapshot's dma-buf must be gone from the kernel's list.
    #[serde(default)]
    pub gone: bool,
}

fn yes() -> bool {
    true
}

fn first_seed() -> u32 {
    1
}

impl Step {
    /// The verb, as it is written.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Allocate(_) => "allocate",
            Self::Export(_) => "export",
            Self::Import(_) => "import",
            Self::Map(_) => "map",
            Self::Fill(_) => "fill",
            Self::Check(_) => "check",
            Self::Sync(_) => "sync",
            Self::Duplicate(_) => "duplicate",
            Self::Open(_) => "open",
            Self::Release(_) => "release",
            Self::SameFile(_) => "same-file",
            Self::SameHandle(_) => "same-handle",
            Self::Size(_) => "size",
            Self::Seek(_) => "seek",
            Self::Flags(_) => "flags",
            Self::DmaBuf(_) => "dma-buf",
            Self::Pin(_) => "pin",
            Self::Fork(_) => "fork",
            Self::Snapshot(_) => "snapshot",
            Self::Balance(_) => "balance",
        }
    }

    /// Whether the step can find a fault of its own. A case of which no step can, checks nothing.
    pub fn checks(&self) -> bool {
        match self {
            Self::Check(_) | Self::SameFile(_) | Self::SameHandle(_) | Self::Size(_) | Self::Seek(_) => true,
            Self::Flags(_) | Self::DmaBuf(_) | Self::Pin(_) | Self::Balance(_) => true,
            Self::Import(step) => !step.must_refuse.is_empty(),
            Self::Map(step) => !step.must_refuse.is_empty(),
            Self::Allocate(_) | Self::Export(_) | Self::Fill(_) | Self::Sync(_) | Self::Duplicate(_) => false,
            Self::Open(_) | Self::Release(_) | Self::Fork(_) | Self::Snapshot(_) => false,
        }
    }

    /// The steps within the step.
    pub fn inner(&self) -> &[Step] {
        match self {
            Self::Fork(step) => &step.steps,
            _ => &[],
        }
    }

    /// The device without which the step cannot be done.
    pub fn needs(&self) -> Option<Side> {
        match self {
            Self::Allocate(_) => Some(Side::Exporter),
            Self::Import(step) => Some(step.by),
            _ => None,
        }
    }

    /// What the step makes, and of which sort.
    pub(crate) fn makes(&self) -> Option<(&str, Sort)> {
        match self {
            Self::Allocate(step) => Some((&step.r#as, Sort::Buffer)),
            Self::Export(step) => Some((&step.r#as, Sort::File)),
            Self::Import(step) if step.must_refuse.is_empty() => Some((&step.r#as, Sort::Buffer)),
            Self::Map(step) if step.must_refuse.is_empty() => Some((&step.r#as, Sort::Mapping)),
            Self::Duplicate(step) => Some((&step.r#as, Sort::File)),
            Self::Open(step) => Some((&step.r#as, Sort::File)),
            Self::Snapshot(step) => Some((&step.r#as, Sort::Snapshot)),
            _ => None,
        }
    }

    /// The names that the step uses, and the sorts that each may be.
    pub(crate) fn uses(&self) -> Vec<(&str, &'static [Sort])> {
        use Sort::{Buffer, File, Mapping, Snapshot};
        match self {
            Self::Allocate(_) | Self::Open(_) | Self::Fork(_) => vec![],
            Self::Export(step) => vec![(&step.buffer, &[Buffer])],
            Self::Import(step) => vec![(&step.file, &[File])],
            Self::Map(step) => vec![(&step.of, &[File, Buffer])],
            Self::Fill(step) | Self::Check(step) => vec![(&step.mapping, &[Mapping])],
            Self::Sync(step) => vec![(&step.file, &[File])],
            Self::Duplicate(step) => vec![(&step.file, &[File])],
            Self::Release(name) => vec![(name, &[File, Buffer, Mapping])],
            Self::SameFile(step) => vec![(&step.first, &[File]), (&step.second, &[File])],
            Self::SameHandle(step) => vec![(&step.first, &[Buffer]), (&step.second, &[Buffer])],
            Self::Size(step) | Self::DmaBuf(step) => vec![(&step.file, &[File])],
            Self::Seek(step) => vec![(&step.file, &[File])],
            Self::Flags(step) => vec![(&step.file, &[File])],
            Self::Pin(step) => vec![(&step.mapping, &[Mapping])],
            Self::Snapshot(step) => step.file.iter().map(|file| (file.as_str(), &[File][..])).collect(),
            Self::Balance(step) => {
                let file = step.file.iter().map(|file| (file.as_str(), &[File][..]));
                std::iter::once((step.since.as_str(), &[Snapshot][..])).chain(file).collect()
            }
        }
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Buffer,
    File,
    Mapping,
    Snapshot,
}

impl Sort {
    /// Sorts in words: "a file or a buffer".
    pub(crate) fn list(sorts: &[Self]) -> String {
        let word = |sort: &Self| format!("a {sort:?}").to_lowercase();
        sorts.iter().map(word).collect::<Vec<_>>().join(" or ")
    }
}
