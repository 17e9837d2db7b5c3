//! What a snapshot counts of a dma-buf and of the process.

/// Counts; `None` is what could not be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Open descriptors of this process.
    pub open_files: Option<usize>,
    /// The dma-buf that was looked at.
    pub inode: Option<u64>,
    /// Its file references (fdinfo's count).
    pub references: Option<u64>,
    /// Its attached devices; nothing when bufinfo cannot be read or does not list it.
    pub attachments: Option<usize>,
    /// Its mappings for devices, where its exporter counts them.
    pub mapped: Option<i64>,
    /// Bounce buffers of the whole machine, where every mapping for a device has some.
    pub bounced: Option<u64>,
}
