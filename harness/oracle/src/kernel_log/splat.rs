//! Reports of trouble in the kernel's log.

use serde::{Deserialize, Serialize};

use super::Record;

/// What kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplatKind {
    /// WARN_ON and its kin.
    Warning,
    /// BUG_ON, and what the kernel calls a BUG.
    Bug,
    /// A fault in the kernel.
    Oops,
    /// The end of the kernel.
    Panic,
    /// Locking that can deadlock, and RCU used wrongly.
    Lockdep,
    /// KASAN, KCSAN, KMSAN, KFENCE, UBSAN, kmemleak.
    Sanitizer,
    /// A reference count that went wrong.
    Refcount,
    /// A linked list that is damaged.
    Corruption,
    /// The DMA interface used wrongly (CONFIG_DMA_API_DEBUG).
    DmaDebug,
    /// Memory beyond what a device reaches, or no room to bounce it.
    DmaLimit,
    /// A task, a processor or a work queue that is stuck.
    Hung,
}

/// One report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splat {
    /// What kind of trouble.
    pub kind: SplatKind,
    /// The line that says most.
    pub title: String,
    /// All lines, as far as they belong to it.
    pub lines: Vec<String>,
}

/// The reports in these records.
pub fn splats(records: &[Record]) -> Vec<Splat> {
    let _ = records;
    unimplemented!()
}
