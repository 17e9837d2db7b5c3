//! DMA_BUF_IOCTL_SYNC.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ErrnoName;
use super::part::part;

/// DMA_BUF_IOCTL_SYNC.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sync {
    /// The dma-buf.
    pub file: String,
    /// Begin or end.
    pub phase: Phase,
    /// The access of the CPU in between.
    pub access: SyncAccess,
}

part!(Sync: uses file: File;);

/// Begin or end of an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// DMA_BUF_SYNC_START.
    Begin,
    /// DMA_BUF_SYNC_END.
    End,
}

/// The access of the CPU between begin and end.
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

/// DMA_BUF_IOCTL_SYNC with any flags.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SyncFlags {
    /// The dma-buf.
    pub file: String,
    /// The bits: 1 is DMA_BUF_SYNC_READ, 2 DMA_BUF_SYNC_WRITE, 4 DMA_BUF_SYNC_END.
    pub flags: u64,
    /// It must be refused, with one of these; without them it must succeed.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
    /// Further refusals that are right; the cell continues after them.
    #[serde(default)]
    pub may_refuse: Vec<ErrnoName>,
}

part!(SyncFlags: checks; uses file: File;);
