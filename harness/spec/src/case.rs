//! A case: one rule in one YAML file, `cases/<area>/<name>.yaml`.
//!
//! The steps are a closed set of verbs ([`crate::step`]); what a case needs of a device is a [`Selector`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::{Bytes, Time};
use crate::step::Step;

mod selector;

pub use crate::pixels::Pixels;
pub use selector::{EndpointFacts, Selector};

/// One rule and how to look at it.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// The file's name without `.yaml`.
    pub name: String,
    /// The rule, in one sentence.
    pub rule: String,
    /// The reason for the rule, and what goes wrong where it is broken.
    pub why: String,
    /// The kernel's document, header or function that says so.
    pub reference: String,
    /// Commits and CVEs that broke or fixed it: `012345abcdef ("subject")`, or only the subject if the commit is not known.
    #[serde(default)]
    pub guards: Vec<String>,
    /// The endpoints of a cell.
    pub cells: Cells,
    /// Which exporters it is about; all of them by default.
    #[serde(default)]
    pub exporters: Selector,
    /// Which importers it is about; all of them by default.
    #[serde(default)]
    pub importers: Selector,
    /// Which second importers it is about, where its cells are chains; all of them by default.
    #[serde(default)]
    pub second_importers: Selector,
    /// The buffer's size; an importer that needs more gets more.
    #[serde(default = "default_size")]
    pub size: Bytes,
    /// Several sizes, in place of one: a cell does its steps with each of them.
    #[serde(default)]
    pub sizes: Vec<Bytes>,
    /// The things that the machine must have; a cell without them is blocked.
    #[serde(default)]
    pub requires: Requires,
    /// The only things that show whether the rule is kept; without them a cell is not-observable and never passes.
    pub observed_by: Option<ObservedBy>,
    /// By what it can be chosen (`prime-cts run --tag quick`). Intrusive cases run only where they are allowed to.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// After this time a cell is stopped.
    #[serde(default = "default_deadline")]
    pub deadline: Time,
    /// The steps, in this order.
    pub steps: Vec<Step>,
    /// The folder that the file lies in.
    #[serde(skip)]
    pub area: String,
}

/// The endpoints of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cells {
    /// One exporter.
    Exporter,
    /// One importer, with no exporter's buffer.
    Importer,
    /// An exporter and an importer, every ordered pair, a device with itself included.
    Pair,
    /// As `pair`, for a rule that endpoints which share driver and memory keep alike: the first of them stands
    /// for all, and of V4L2's queues the first with each of videobuf2's allocators.
    PairOfSorts,
    /// An exporter and two different importers, of the same few endpoints: else a board of twenty would have eight
    /// thousand.
    Chain,
}

/// The things that a machine must have for a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Requires {
    /// The suite must run as root.
    #[serde(default)]
    pub root: bool,
    /// The memory that must be available (MemAvailable).
    pub memory: Option<Bytes>,
}

/// The things that show whether a rule is kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ObservedBy {
    /// An exporter, by its key. On a machine without it each importer gets a cell that says so.
    pub exporter: Option<String>,
    /// Oracles of the run.
    #[serde(default)]
    pub oracles: Vec<Oracle>,
    /// The remedy where they are missing.
    pub remedy: String,
}

/// Each with the word by which `prime-cts doctor` calls it.
macro_rules! oracles {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// An oracle that watches cells from outside, as `prime-cts doctor` calls it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
        pub enum Oracle {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl Oracle {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

/// Returns its name in `prime-cts doctor`.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

oracles! {
    /// The kernel's log.
    KernelLog = "kernel-log",
    /// Probes on the functions that take struct pages out of an sg_table.
    StructPages = "struct-pages",
    /// Probes on the functions that give and take sg_tables.
    SgTable = "sg_table",
    /// `dma_buf/bufinfo` of debugfs.
    Bufinfo = "bufinfo",
}

/// A tag of a case, for choosing cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tag {
    /// Shows much in little time.
    Quick,
    /// Takes long, or much memory.
    Stress,
    /// Takes a device away from its user: left out without `--intrusive`.
    Intrusive,
}

/// Each with what the keys of its endpoints begin with, and whether any of them can import.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, imports: $imports:literal;)*) => {
/// The kind of an endpoint.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns whether endpoints of this kind can import at all.
            pub fn imports(self) -> bool {
                match self { $(Self::$name => $imports,)* }
            }

/// Returns the prefix of its endpoints' keys.
            pub fn key_prefix(self) -> &'static str {
                match self { $(Self::$name => $prefix,)* }
            }
        }
    };
}

kinds! {
    /// A DRM device with dumb buffers and PRIME.
    Drm = "drm-", imports: true;
    /// A buffer queue of a V4L2 node.
    V4l2 = "v4l2-", imports: true;
    /// A dma-heap.
    Heap = "heap-", imports: false;
    /// `/dev/udmabuf`.
    Udmabuf = "udmabuf", imports: false;
    /// A DRM device through libgbm.
    Gbm = "gbm-", imports: true;
    /// `/dev/prime_canary`, a module of our own that watches who shares its buffers.
    Canary = "canary-", imports: true;
    /// A device that VFIO handed to user space.
    Vfio = "vfio-", imports: false;
    /// A device that misbehaves on demand, for tests of the suite itself.
    Mock = "mock-", imports: true;
}

/// The memory of a buffer, as the devices that use it see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Memory {
    /// Coherent DMA memory: contiguous for the device, mapped by the exporter's coherent mmap.
    Coherent,
    /// One stretch of pages.
    Contiguous,
    /// Pages here and there.
    Scattered,
    /// DMA addresses without struct pages.
    Pageless,
}

/// An ability of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ability {
    /// Allocate buffers and export them.
    Export,
    /// Import the buffers of others.
    Import,
    /// Read an imported buffer when they are asked to, by themselves and not by the CPU.
    Read,
    /// Write an imported buffer when they are asked to, by themselves and not by the CPU.
    Write,
    /// Write frames of their own making into imported buffers.
    Capture,
    /// Write what they have made of other frames into imported buffers (mem2mem).
    Convert,
    /// Read frames out of imported buffers and make others of them (mem2mem).
    ConvertFrom,
    /// Show imported buffers on a display, with a CRC or a writeback connector that reports what it shows.
    ScanOut,
    /// Write what a display shows into imported buffers (a writeback connector).
    WriteBack,
    /// Be asked whether they would show an imported buffer on a display (atomic modesetting), without showing it.
    Display,
    /// Show them on an overlay plane too, and report it as `scan-out` does.
    Overlay,
    /// Show them on a cursor plane too, likewise.
    Cursor,
}

impl Tag {
    /// Every tag.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Stress, Self::Intrusive];

    /// Returns the word for it in a case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Stress => "stress",
            Self::Intrusive => "intrusive",
        }
    }
}

fn default_size() -> Bytes {
    Bytes(64 << 10)
}

fn default_deadline() -> Time {
    Time(std::time::Duration::from_secs(20))
}

impl Case {
    /// The first two segments of its cell ids.
    pub fn id(&self) -> String {
        format!("{}.{}", self.area, self.name)
    }
}

/// Returns whether a text can be a segment of a cell id.
pub fn segment(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// The case that a case's or a cell's id begins with.
pub fn case_of(id: &str) -> String {
    id.split('.').take(2).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const HEAD: &str = "name: whole\nrule: r\nwhy: w\nreference: f\ncells: exporter\n";

    #[test]
    fn a_case_takes_its_area_from_the_folder() {
        let steps = "steps:\n  - allocate: {as: a}\n  - export: {buffer: a, as: b}\n  - size: {file: b}\n";
        let case = Case::parse(Path::new("mapping/whole.yaml"), &format!("{HEAD}{steps}")).unwrap();
        assert_eq!((case.id().as_str(), case.size), ("mapping.whole", Bytes(65536)));
    }
}
