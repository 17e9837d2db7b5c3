//! Two runs side by side, kernel against kernel or board against board: what has changed from one to the other.
//!
//! Cells are held together by their ids and by nothing else: a device of another name is another device.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use spec::verdict::Verdict;

use event::exit::Exit;
use event::journal::Recorded;
use event::{CellEnd, EndpointFound};

mod text;

pub use text::text;

/// The version of the JSON form. It changes when a field changes its meaning or goes away.
const VERSION: u32 = 1;

/// How two runs differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// Of this form.
    pub version: u32,
    /// The run before.
    pub before: Side,
    /// The run after.
    pub after: Side,
    /// Cells that both have run.
    pub common: usize,
    /// Those of them in which a rule was verified, before or after.
    pub verified: usize,
    /// Broken now, and not before or not so badly.
    pub broken: Vec<Change>,
    /// Passed now, and broken before.
    pub fixed: Vec<Change>,
    /// Refused now, and not before.
    pub refused: Vec<Change>,
    /// Any other change of verdict.
    pub other: Vec<Change>,
    /// Cells of the run before alone.
    pub only_before: Vec<String>,
    /// Cells of the run after alone.
    pub only_after: Vec<String>,
    /// Endpoints that are gone, or can no longer be used.
    pub vanished: Vec<Endpoint>,
    /// Endpoints that are new, or can be used now.
    pub appeared: Vec<Endpoint>,
    /// `map_dma_buf` implementations that were observed before and are no more.
    pub lost: Vec<String>,
    /// Those that are observed now and were not before.
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
    /// Whether it has no end.
    pub cut_short: bool,
    /// The cells that were running when it was cut short.
    pub open: Option<String>,
    /// Why the kernel could not tell what buffers went through.
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
    /// What was seen after; nothing of a cell that passed.
    pub seen: Option<String>,
}

/// An endpoint that only one of the runs could use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Endpoint {
    /// Its key.
    pub key: String,
    /// Why the other run could not use it, where it was there.
    pub blocked: Option<String>,
}

impl Diff {
    /// Compares two runs.
    pub fn of(before: &Recorded, after: &Recorded) -> Self {
        let (old, new) = (by_id(before), by_id(after));
        let mut diff = Self {
            version: VERSION,
            before: side(before),
            after: side(after),
            common: 0,
            verified: 0,
            broken: Vec::new(),
            fixed: Vec::new(),
            refused: Vec::new(),
            other: Vec::new(),
            only_before: only(&old, &new),
            only_after: only(&new, &old),
            vanished: unusable(&before.endpoints, &after.endpoints),
            appeared: unusable(&after.endpoints, &before.endpoints),
            lost: Vec::new(),
            gained: Vec::new(),
        };
        let (was, is) = (observed(before), observed(after));
        diff.lost = was.difference(&is).cloned().collect();
        diff.gained = is.difference(&was).cloned().collect();
        for (id, new) in &new {
            let Some(old) = old.get(id) else { continue };
            diff.common += 1;
            diff.verified += usize::from(old.verdict.verified() || new.verdict.verified());
            if old.verdict != new.verdict {
                diff.sort(old.verdict, new);
            }
        }
        diff
    }

    fn sort(&mut self, before: Verdict, new: &CellEnd) {
        let after = new.verdict;
        let list = match after {
            _ if after.broken() && after > before => &mut self.broken,
            Verdict::Pass if before.broken() => &mut self.fixed,
            Verdict::Refused => &mut self.refused,
            _ => &mut self.other,
        };
        let seen = new.findings.iter().find(|finding| finding.verdict == after && after != Verdict::Pass);
        let seen = seen.map(|finding| finding.seen.clone());
        list.push(Change { id: new.id.clone(), case: new.case.clone(), before, after, seen });
    }

    /// Whether both runs tell the same.
    fn is_same(&self) -> bool {
        let changes = [&self.broken, &self.fixed, &self.refused, &self.other];
        let cells = [&self.only_before, &self.only_after, &self.lost, &self.gained];
        changes.iter().all(|list| list.is_empty())
            && cells.iter().all(|list| list.is_empty())
            && self.vanished.is_empty()
            && self.appeared.is_empty()
    }

    /// How `prime-cts diff` ends.
    pub fn exit(&self) -> Exit {
        match () {
            () if !(self.broken.is_empty() && self.refused.is_empty() && self.vanished.is_empty()) => Exit::Regression,
            () if self.before.cut_short || self.after.cut_short => Exit::Incomplete,
            () if self.verified == 0 => Exit::NothingVerified,
            () => Exit::Success,
        }
    }
}

fn side(run: &Recorded) -> Side {
    let probe = run.run.oracles.iter().find(|state| state.oracle == "map_dma_buf");
    Side {
        board: run.run.board.clone(),
        kernel: run.run.kernel.clone(),
        architecture: run.run.architecture.clone(),
        cells: run.cells.len(),
        cut_short: run.end.is_none(),
        open: (!run.open.is_empty()).then(|| run.open.join(", ")),
        not_observed: probe.and_then(|state| state.missing.clone()),
    }
}

fn by_id(run: &Recorded) -> BTreeMap<&str, &CellEnd> {
    run.cells.iter().map(|cell| (cell.id.as_str(), cell)).collect()
}

fn only(one: &BTreeMap<&str, &CellEnd>, other: &BTreeMap<&str, &CellEnd>) -> Vec<String> {
    one.keys().filter(|id| !other.contains_key(*id)).map(|&id| id.to_owned()).collect()
}

/// The endpoints that the first could use and the second could not.
fn unusable(first: &[EndpointFound], second: &[EndpointFound]) -> Vec<Endpoint> {
    let usable = first.iter().filter(|endpoint| endpoint.blocked.is_none());
    let lost = usable.filter_map(|endpoint| match second.iter().find(|other| other.key == endpoint.key) {
        Some(other) if other.blocked.is_none() => None,
        other => Some(Endpoint { key: endpoint.key.clone(), blocked: other.and_then(|other| other.blocked.clone()) }),
    });
    lost.collect()
}

/// The functions that the kernel told.
fn observed(run: &Recorded) -> BTreeSet<String> {
    let cells = run.cells.iter().flat_map(|cell| &cell.map_dma_buf);
    let at_start = run.endpoints.iter().filter_map(|endpoint| endpoint.map_dma_buf.as_ref());
    cells.chain(at_start).filter(|found| found.observed).filter_map(|found| found.symbol.clone()).collect()
}

#[cfg(test)]
mod tests;
