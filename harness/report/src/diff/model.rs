//! The JSON form of how two runs differ.

use super::causes::CauseChange;
use event::exit::Exit;
use serde::Serialize;
use spec::verdict::Verdict;

/// The version of the JSON form. It changes when a field changes its meaning or goes away.
pub(super) const VERSION: u32 = 1;

/// The differences between two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// The version of this form.
    pub version: u32,
    /// The run before.
    pub before: Side,
    /// The run after.
    pub after: Side,
    /// Cells that both have run.
    pub common: usize,
    /// The cells among them in which a rule was verified, before or after.
    pub verified: usize,
    /// The causes that are new or gone, or show in more cells or in fewer.
    pub causes: Vec<CauseChange>,
    /// Broken now, and not before or not so badly.
    pub broken: Vec<Change>,
    /// Passed now, and broken before.
    pub fixed: Vec<Change>,
    /// Refused now, and not before.
    pub refused: Vec<Change>,
    /// Any other change of verdict.
    pub other: Vec<Change>,
    /// Cells that only the earlier run has.
    pub only_before: Vec<String>,
    /// Cells that only the later run has.
    pub only_after: Vec<String>,
    /// Endpoints that are gone, or can no longer be used.
    pub vanished: Vec<Endpoint>,
    /// Endpoints that are new, or can be used now.
    pub appeared: Vec<Endpoint>,
    /// `map_dma_buf` implementations that were observed before and are not any more.
    pub lost: Vec<String>,
    /// `map_dma_buf` implementations that are observed now and were not before.
    pub gained: Vec<String>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
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
    /// The cells that were running when it was cut short.
    pub open: Option<String>,
    /// The reason why the implementation could not be observed.
    pub not_observed: Option<String>,
}

/// A cell with another verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// `<area>.<case>.<endpoint>[.<importer>[.<second importer>]]`.
    pub id: String,
    /// `<area>.<case>`.
    pub case: String,
    /// The verdict before.
    pub before: Verdict,
    /// The verdict after.
    pub after: Verdict,
    /// The observation after; nothing for a cell that passed.
    pub seen: Option<String>,
}

/// An endpoint that only one of the runs could use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Endpoint {
    /// Its key.
    pub key: String,
    /// The reason why the other run could not use it, where it was there.
    pub blocked: Option<String>,
}

impl Diff {
    /// Returns whether both runs show the same.
    pub(super) fn is_same(&self) -> bool {
        let changes = [&self.broken, &self.fixed, &self.refused, &self.other];
        let cells = [&self.only_before, &self.only_after, &self.lost, &self.gained];
        changes.iter().all(|list| list.is_empty())
            && cells.iter().all(|list| list.is_empty())
            && self.causes.is_empty()
            && self.vanished.is_empty()
            && self.appeared.is_empty()
    }

    /// Returns the exit code of `prime-cts diff`.
    pub fn exit(&self) -> Exit {
        match () {
            () if !(self.broken.is_empty() && self.refused.is_empty() && self.vanished.is_empty()) => Exit::Regression,
            () if self.before.cut_short || self.after.cut_short => Exit::Incomplete,
            () if self.verified == 0 => Exit::NothingVerified,
            () => Exit::Success,
        }
    }
}
