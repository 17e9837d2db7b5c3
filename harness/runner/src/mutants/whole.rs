//! Each planted fault as a run of its own: every cell that could show it, and those that acquit the others.
//!
//! A run without any fault comes first. Of the cells in which the fault's module takes no part nothing else can become, so
//! that theirs are the results of that first run. With the fault, a cell of each case is run, and then, of some of the cases
//! that show it, the cells with all devices: this is what tells who is to blame.

use std::collections::{BTreeMap, BTreeSet};

use event::CellEnd;
use event::known::KnownFaults;
use spec::case::Tag;
use spec::verdict::{Outcome, Verdict};

use super::{EXPORTERS, Fault, IMPORTERS, MutantError};
use crate::plan::Cell;
use crate::run::{CellResult, Runner};

/// Endpoints that stand for all others, beside [`IMPORTERS`] and [`EXPORTERS`]: a videobuf2 queue of stock, a device that
/// exports by a function of its own, a second user of the helper for shared memory.
const OTHERS: &[&str] = &["v4l2-vivid-cap0", "v4l2-vivid-out1", "drm-virtio_gpu", "udmabuf"];

/// Who looks for its pages brings the kernel down, and every fault behind it with it; there are decoys in its place.
const DEADLY: &str = "canary-pageless";

/// A cell that hangs costs its deadline: after this number of them the others of this fault are not run.
const HANGS: u32 = 3;

/// The cases of an area that are run with all devices.
const CASES_OF_AREA: usize = 2;

/// The cases that are run with all devices.
const CASES: usize = 10;

/// Whether a run that is to be diagnosed has a cell.
fn is_of_the_matrix(cell: &Cell, own: impl Fn(&str) -> bool) -> bool {
    let stands = |key: &str| own(key) || [IMPORTERS, EXPORTERS, OTHERS].iter().any(|some| some.contains(&key));
    cell.blocked().is_none()
        && !cell.case.tags.contains(&Tag::Stress)
        && !["chain", "limits", "kms", "races"].contains(&cell.case.area.as_str())
        && cell.endpoints().all(|endpoint| stands(&endpoint.key) && endpoint.key != DEADLY)
}

/// The cells of one planted fault, as a whole run would have had them.
pub struct Planted<'f> {
    /// The fault.
    pub fault: &'f Fault,
    /// The cells.
    pub cells: Vec<CellEnd>,
}

/// A fault's cells are held against those without it: what was broken before is expected, what is broken or refused only
/// now is a regression.
fn against(before: Option<&CellEnd>, refuse: &BTreeSet<Refusal>, mut now: CellEnd) -> CellEnd {
    let usual = before.map_or(Verdict::Pass, |before| before.verdict);
    // Whether memory happens to be contiguous is a matter of luck: who has refused some with these words may refuse others.
    let may_refuse = refusals(&now).iter().any(|refusal| refuse.contains(refusal));
    let worse = now.verdict.broken() || now.verdict == Verdict::Refused && !may_refuse;
    now.outcome = if worse && now.verdict != usual { Outcome::Regression } else { Outcome::Expected };
    now
}

/// An importer's key, and the words of its refusal.
type Refusal = (String, String);

fn refusals(cell: &CellEnd) -> Vec<Refusal> {
    let importers = [&cell.importer, &cell.second_importer].into_iter().flatten();
    let said = cell.findings.iter().find(|finding| finding.verdict == Verdict::Refused);
    importers.filter_map(|importer| Some((importer.clone(), said?.seen.clone()))).collect()
}

fn ended(cell: &Cell, result: &CellResult, known: &KnownFaults) -> CellEnd {
    result.event(cell, None, known)
}

/// Plants each fault in turn, and hands over what a run with it shows.
///
/// # Errors
/// A fault that cannot be planted.
pub fn run<'c>(
    runner: &mut Runner,
    faults: &[Fault],
    cells: &'c [Cell],
    known: &KnownFaults,
    mut tell: impl FnMut(usize, Planted<'_>),
) -> Result<(), MutantError> {
    let own = |key: &str| faults.iter().any(|fault| fault.has_key(key));
    let cells: Vec<&'c Cell> = cells.iter().filter(|cell| is_of_the_matrix(cell, own)).collect();
    let usual: BTreeMap<&str, CellEnd> =
        cells.iter().map(|cell| (cell.id.as_str(), ended(cell, &runner.run(cell), known))).collect();
    let refuse: BTreeSet<Refusal> =
        usual.values().filter(|cell| cell.verdict == Verdict::Refused).flat_map(refusals).collect();
    for (number, fault) in faults.iter().enumerate() {
        let mut ran: BTreeMap<&str, CellEnd> = BTreeMap::new();
        let mut hangs = 0;
        let mut run = |some: &[&'c Cell]| {
            for cell in some {
                if hangs < HANGS && !ran.contains_key(cell.id.as_str()) {
                    let now = against(usual.get(cell.id.as_str()), &refuse, ended(cell, &runner.run(cell), known));
                    hangs += u32::from(now.verdict == Verdict::Timeout);
                    ran.insert(&cell.id, now);
                }
            }
            ran.values().filter(|cell| cell.outcome.unwanted()).map(|cell| cell.case.clone()).collect::<BTreeSet<_>>()
        };
        fault.write(&fault.word)?;
        let own: Vec<&Cell> = cells.iter().copied().filter(|cell| takes_part(fault, cell)).collect();
        let mut shown = run(&one_of_each(fault, &own));
        if shown.is_empty() {
            shown = run(&own);
        }
        let looked_into = few_of_each_area(&shown);
        let all: Vec<&Cell> = own.iter().copied().filter(|cell| looked_into.contains(&*cell.case.id())).collect();
        run(&all);
        fault.write("")?;
        let others =
            cells.iter().filter(|cell| !takes_part(fault, cell)).filter_map(|cell| usual.get(cell.id.as_str()));
        let others = others.map(|cell| CellEnd { outcome: Outcome::Expected, ..cell.clone() });
        tell(number + 1, Planted { fault, cells: others.chain(ran.into_values()).collect() });
        runner.forget_damage();
    }
    Ok(())
}

fn takes_part(fault: &Fault, cell: &Cell) -> bool {
    cell.endpoints().any(|endpoint| fault.has_key(&endpoint.key))
}

/// Of each case a cell in which the module exports, and one in which it imports: each time with others.
fn one_of_each<'c>(fault: &Fault, own: &[&'c Cell]) -> Vec<&'c Cell> {
    let mut by_case: BTreeMap<(String, bool), Vec<&Cell>> = BTreeMap::new();
    for cell in own {
        let exports = cell.exporter.as_ref().is_some_and(|exporter| fault.has_key(&exporter.key));
        by_case.entry((cell.case.id(), exports)).or_default().push(cell);
    }
    by_case.values().enumerate().filter_map(|(turn, cells)| cells.get(turn % cells.len()).copied()).collect()
}

/// Some of the cases that show a fault, of every area.
fn few_of_each_area(shown: &BTreeSet<String>) -> BTreeSet<String> {
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let wanted = shown.iter().filter(|case| {
        let of_area = taken.entry(case.split('.').next().unwrap_or_default()).or_default();
        *of_area += 1;
        *of_area <= CASES_OF_AREA
    });
    wanted.take(CASES).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::sample;

    #[test]
    fn what_was_broken_before_is_expected_and_a_new_refusal_is_not() {
        let cell = |verdict| sample::cell("a.b.drm-a", verdict, Outcome::Expected);
        let none = BTreeSet::new();
        let outcome = |before, now| against(Some(&cell(before)), &none, cell(now)).outcome;
        assert_eq!(outcome(Verdict::Fail, Verdict::Fail), Outcome::Expected);
        assert_eq!(outcome(Verdict::Pass, Verdict::Fail), Outcome::Regression);
        assert_eq!(outcome(Verdict::Pass, Verdict::Refused), Outcome::Regression);
        assert_eq!(outcome(Verdict::Refused, Verdict::Refused), Outcome::Expected);
        assert_eq!(outcome(Verdict::Fail, Verdict::Pass), Outcome::Expected);
    }
}
