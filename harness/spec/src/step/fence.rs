//! Steps on fences: what a buffer waits for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::part;
use super::{ErrnoName, SyncAccess};

/// Checks whether a file is ready.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Poll {
    /// The dma-buf, or a sync file, which is ready for reading when its fences are signalled.
    pub file: String,
    /// For what.
    pub r#for: SyncAccess,
    /// True if it must be ready, for all of it, within a second; or must not be, for any of it.
    pub ready: bool,
}

part!(Poll: checks; uses file: File | SyncFile;);

/// A buffer's fences become a sync file.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExportSyncFile {
    /// The dma-buf.
    pub file: String,
    /// The access that waits for the sync file: a reader waits for writers, a writer for all.
    pub access: SyncAccess,
    /// Names the sync file.
    pub r#as: String,
}

part!(ExportSyncFile: makes SyncFile; uses file: File;);

/// A sync file's fences become a buffer's.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImportSyncFile {
    /// The dma-buf.
    pub file: String,
    /// The sync file; any other file must be refused.
    pub sync_file: String,
    /// The access to the buffer until the sync file is signalled.
    pub access: SyncAccess,
    /// It must be refused, with one of these.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
}

part!(ImportSyncFile: checks refusals; uses file: File, sync_file: SyncFile | File;);

/// The access of a device to a buffer.
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
    /// The access of the device until the fence is signalled.
    pub access: FenceAccess,
    /// Names the fence.
    pub r#as: String,
}

part!(AttachFence: makes Fence; uses buffer: Buffer;);

/// The device is done.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Signal {
    /// The fence.
    pub fence: String,
}

part!(Signal: uses fence: Fence;);
