//! Steps on fences: what a buffer waits for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ErrnoName, Part, Sort, SyncAccess, Use};

/// Whether a file is ready.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Poll {
    /// The dma-buf, or a sync file, which is ready for reading when its fences are signalled.
    pub file: String,
    /// For what.
    pub r#for: SyncAccess,
    /// Whether it must be ready, for all of it, within a second; or must not be, for any of it.
    pub ready: bool,
}

impl Part for Poll {
    fn checks(&self) -> bool {
        true
    }

    fn uses(&self) -> Vec<Use<'_>> {
        vec![(&self.file, &[Sort::File, Sort::SyncFile])]
    }
}

/// A buffer's fences become a sync file.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExportSyncFile {
    /// The dma-buf.
    pub file: String,
    /// What is to wait for the sync file: a reader waits for writers, a writer for all.
    pub access: SyncAccess,
    /// Names the sync file.
    pub r#as: String,
}

impl Part for ExportSyncFile {
    fn makes(&self) -> Option<(&str, Sort)> {
        Some((&self.r#as, Sort::SyncFile))
    }

    fn uses(&self) -> Vec<Use<'_>> {
        vec![(&self.file, &[Sort::File])]
    }
}

/// A sync file's fences become a buffer's.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImportSyncFile {
    /// The dma-buf.
    pub file: String,
    /// The sync file; any other file must be refused.
    pub sync_file: String,
    /// As what the buffer is accessed until the sync file is signalled.
    pub access: SyncAccess,
    /// It must be refused, with one of these.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
}

impl Part for ImportSyncFile {
    fn checks(&self) -> bool {
        !self.must_refuse.is_empty()
    }

    fn uses(&self) -> Vec<Use<'_>> {
        vec![(&self.file, &[Sort::File]), (&self.sync_file, &[Sort::SyncFile, Sort::File])]
    }
}

/// What a device is doing with a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FenceAccess {
    /// It reads.
    Read,
    /// It writes.
    Write,
}

/// A fence that is not signalled.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AttachFence {
    /// The buffer, as held by a device that can.
    pub buffer: String,
    /// What the device is doing until the fence is signalled.
    pub access: FenceAccess,
    /// Names the fence.
    pub r#as: String,
}

impl Part for AttachFence {
    fn makes(&self) -> Option<(&str, Sort)> {
        Some((&self.r#as, Sort::Fence))
    }

    fn uses(&self) -> Vec<Use<'_>> {
        vec![(&self.buffer, &[Sort::Buffer])]
    }
}

/// The device is done.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Signal {
    /// The fence.
    pub fence: String,
}

impl Part for Signal {
    fn uses(&self) -> Vec<Use<'_>> {
        vec![(&self.fence, &[Sort::Fence])]
    }
}
