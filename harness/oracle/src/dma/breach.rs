//! A rule of the contract that was seen to be broken.

/// A rule of the contract; `DMA.md` has the kernel's words for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The sg_table adds up to the buffer.
    Size,
    /// No entry is empty, unmapped or there twice.
    Entries,
    /// All attachments show the same pages in the same order.
    Order,
    /// The memory is mapped for the device of the attachment.
    Device,
    /// An attachment is mapped once at a time, and unmapped before it is detached.
    Mapped,
    /// A table goes back to where it came from, with the direction that it was mapped with.
    Unmapped,
    /// What the exporter mapped with the DMA API it unmaps, at the latest when the attachment goes.
    Balance,
    /// The begin and the end of a CPU access make each mapped attachment coherent.
    Sync,
    /// Coherent memory has no cache maintenance.
    Coherent,
    /// An importer leaves the exporter's list to the exporter.
    Foreign,
}

impl Rule {
    /// Each rule, in the order of the document.
    pub const ALL: [Self; 10] = [
        Self::Size,
        Self::Entries,
        Self::Order,
        Self::Device,
        Self::Mapped,
        Self::Unmapped,
        Self::Balance,
        Self::Sync,
        Self::Coherent,
        Self::Foreign,
    ];

    /// The name of the rule, in `DMA.md` and in findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Entries => "entries",
            Self::Order => "order",
            Self::Device => "device",
            Self::Mapped => "mapped",
            Self::Unmapped => "unmapped",
            Self::Balance => "balance",
            Self::Sync => "sync",
            Self::Coherent => "coherent",
            Self::Foreign => "foreign",
        }
    }

    /// What must hold.
    pub fn demand(self) -> &'static str {
        match self {
            Self::Size => "the sg_table adds up to the buffer",
            Self::Entries => "each entry of the sg_table is mapped, has a length, and shows no memory twice",
            Self::Order => "the sg_tables of all attachments show the same pages in the same order",
            Self::Device => "the sg_table is mapped for the device of the attachment",
            Self::Mapped => "an attachment is mapped once at a time, and unmapped before it is detached",
            Self::Unmapped => "the table that was mapped is unmapped, with the direction that it was mapped with",
            Self::Balance => "what was mapped with the DMA API for an attachment is unmapped when that is detached",
            Self::Sync => "a CPU access makes each mapped attachment coherent when it begins and when it ends",
            Self::Coherent => "coherent memory goes through the streaming DMA API without cache maintenance",
            Self::Foreign => "an importer neither maps nor syncs the exporter's sg_table by itself",
        }
    }
}

/// The side that broke a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The driver that exported the buffer.
    Exporter,
    /// The driver that attached to it.
    Importer,
}

/// A rule that was seen to be broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The thread that mapped the attachment.
    pub pid: i32,
    /// The rule.
    pub rule: Rule,
    /// Who broke it.
    pub side: Side,
    /// True if this machine cannot show it in bytes: neither is the memory copied for the device, nor do caches stand
    /// between.
    pub latent: bool,
    /// The name of the attachment's device.
    pub device: String,
    /// What was seen.
    pub seen: String,
}
