//! The JSON form of what runs have reached.

use std::collections::BTreeSet;

use event::exit::Exit;
use serde::Serialize;
use spec::registry::{Kind, Version};

/// The version of the JSON form. It changes when a field changes its meaning or goes away.
pub(super) const VERSION: u32 = 1;

/// The implementations that runs have reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// The version of this form.
    pub version: u32,
    /// The runs, in the order in which they were given; others name them by their place, from 1.
    pub runs: Vec<RunSeen>,
    /// The number of implementations of the runs' kernels together, without our own.
    pub implementations: usize,
    /// The implementations that were observed.
    pub reached: Vec<Reached>,
    /// The implementations that were inferred, and observed in no run.
    pub inferred: Vec<Reached>,
    /// The implementations of this project's modules, observed or not.
    pub ours: Vec<Reached>,
    /// The number of functions of these kernels that make the sg_table for `drm_gem_map_dma_buf`.
    pub back_ends: usize,
    /// The back ends of what was observed, by the endpoints' drivers.
    pub reached_back_ends: Vec<Reached>,
    /// Drivers that export and make no sg_table.
    pub without_table: Vec<Refusing>,
    /// Implementations that were not observed.
    pub unreached: Vec<Unreached>,
    /// The back ends of nothing that was observed.
    pub unreached_back_ends: Vec<Unreached>,
    /// Implementations that none of these kernels has.
    pub elsewhere: Vec<Elsewhere>,
    /// The implementations that a run went through and the registry does not know.
    pub unknown: Vec<Unknown>,
    /// The exporters whose function no run could show.
    pub untold: Vec<Untold>,
    /// Where the registry says something else of a board than its run.
    pub contradictions: Vec<String>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSeen {
    /// The board file's name, where there was one.
    pub board: Option<String>,
    /// `uname -r`.
    pub kernel: String,
    /// `uname -m`.
    pub architecture: String,
    /// Cells that have ended.
    pub cells: usize,
    /// True if it has no end.
    pub cut_short: bool,
    /// The reason why the implementation could not be observed.
    pub not_observed: Option<String>,
}

/// Something that was reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reached {
    /// The function.
    pub symbol: String,
    /// Its file.
    pub file: String,
    /// Its purpose.
    pub kind: Kind,
    /// The runs.
    pub runs: BTreeSet<usize>,
    /// Cells with its buffers in which a rule was verified; of a back end it is not known.
    pub cells: Option<usize>,
    /// The drivers of the endpoints whose buffers they were.
    pub drivers: BTreeSet<String>,
    /// The drivers among them that are this project's own.
    pub own_drivers: BTreeSet<String>,
}

/// A driver whose buffers nothing can import.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Refusing {
    /// The driver.
    pub driver: String,
    /// The errno of the import.
    pub errno: String,
    /// The runs.
    pub runs: BTreeSet<usize>,
}

/// Something that was not reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unreached {
    /// The function.
    pub symbol: String,
    /// Its file.
    pub file: String,
    /// Its purpose.
    pub kind: Kind,
    /// The presence of struct pages in its sg_table.
    pub struct_pages: String,
    /// The requirements for reaching it; nothing where one of our boards has it.
    pub needs: Option<String>,
    /// The boards that have it.
    pub boards: Vec<String>,
    /// The way in which user space reaches it.
    pub reach: Option<String>,
    /// The option that builds it.
    pub kconfig: Option<String>,
}

/// An implementation of other kernels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Elsewhere {
    /// The function.
    pub symbol: String,
    /// The first kernel that has it.
    pub since: Version,
    /// The last one.
    pub until: Option<Version>,
}

/// A function that the registry does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unknown {
    /// The function, or the driver whose back end is not known.
    pub symbol: String,
    /// The exporter name that fdinfo showed.
    pub exp_name: String,
    /// Where, as `board, kernel`.
    pub seen: BTreeSet<String>,
    /// True if the function is in the registry, and what makes its sg_table for this driver is not.
    pub back_end: bool,
}

/// An exporter whose function nothing showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Untold {
    /// The exporter name that fdinfo showed.
    pub exp_name: String,
    /// The runs.
    pub runs: BTreeSet<usize>,
}

impl Coverage {
    /// Returns the exit code of `prime-cts coverage`: a function that the registry does not know is a regression of the registry.
    pub fn exit(&self) -> Exit {
        match () {
            () if !self.unknown.is_empty() => Exit::Regression,
            () if self.runs.iter().any(|run| run.cut_short) => Exit::Incomplete,
            () if self.reached.is_empty() && self.ours.iter().all(|row| row.runs.is_empty()) => Exit::NothingVerified,
            () => Exit::Success,
        }
    }
}
