//! The comparison of two runs, cell by cell.

use std::collections::{BTreeMap, BTreeSet};

use event::journal::Recorded;
use event::{CellEnd, EndpointFound};
use spec::verdict::Verdict;

use super::causes;
use super::model::{Change, Diff, Endpoint, Side, VERSION};

/// Compares two runs.
pub fn between(before: &Recorded, after: &Recorded) -> Diff {
    let (old, new) = (by_id(before), by_id(after));
    let mut diff = Diff {
        version: VERSION,
        before: side(before),
        after: side(after),
        common: 0,
        verified: 0,
        causes: causes::between(before, after),
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
            sort(&mut diff, old.verdict, new);
        }
    }
    diff
}

fn sort(diff: &mut Diff, before: Verdict, new: &CellEnd) {
    let after = new.verdict;
    let list = match after {
        _ if after.broken() && after > before => &mut diff.broken,
        Verdict::Pass if before.broken() => &mut diff.fixed,
        Verdict::Refused => &mut diff.refused,
        _ => &mut diff.other,
    };
    let seen = new.findings.iter().find(|finding| finding.verdict == after && after != Verdict::Pass);
    let seen = seen.map(|finding| finding.seen.clone());
    list.push(Change { id: new.id.clone(), case: new.case.clone(), before, after, seen });
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

/// Returns the functions that a kprobe observed.
fn observed(run: &Recorded) -> BTreeSet<String> {
    let cells = run.cells.iter().flat_map(|cell| &cell.map_dma_buf);
    let at_start = run.endpoints.iter().filter_map(|endpoint| endpoint.map_dma_buf.as_ref());
    cells.chain(at_start).filter(|found| found.observed).filter_map(|found| found.symbol.clone()).collect()
}
