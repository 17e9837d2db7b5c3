//! The kinds of trouble.

use serde::{Deserialize, Serialize};

/// The kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplatKind {
    /// WARN_ON and its kin (`__warn` of `kernel/panic.c`).
    Warning,
    /// BUG_ON, and what the kernel calls a BUG.
    Bug,
    /// A fault in the kernel.
    Oops,
    /// The end of the kernel (`kernel/panic.c`).
    Panic,
    /// Locking that can deadlock, and RCU used wrongly (`kernel/locking/lockdep.c`).
    Lockdep,
    /// KASAN, KCSAN, KMSAN, KFENCE, UBSAN, kmemleak.
    Sanitizer,
    /// A reference count that went wrong (`lib/refcount.c`).
    Refcount,
    /// A damaged linked list or slab object (`lib/list_debug.c`, `mm/slub.c`).
    Corruption,
    /// The DMA interface used wrongly (`kernel/dma/debug.c`, CONFIG_DMA_API_DEBUG).
    DmaDebug,
    /// Memory beyond what a device reaches, or no room to bounce it (`kernel/dma/swiotlb.c`, `direct.c`).
    DmaLimit,
    /// A device that used memory outside of its mappings, and that its IOMMU stopped (`drivers/iommu`).
    IommuFault,
    /// A task, a processor or a work queue that is stuck.
    Hung,
}
