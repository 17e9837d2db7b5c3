//! Failures that no device and nothing that devices share explains: of cells in which none takes part, such as those of the
//! machine under load, and of more faults than are looked for.

use std::collections::BTreeMap;

use event::cause::{Cause, Evidence, Role, Sharer, Sure, Suspect};

use crate::matrix::{How, Matrix, Seen};
use crate::suspects::{Group, Suspects};
use crate::trace;

/// The kernel as a whole, or the board.
pub fn kernel() -> Suspect {
    Suspect { role: Role::Either, kind: Sharer::Kernel, name: "kernel".into(), endpoints: Vec::new(), also: Vec::new() }
}

/// The driver of one module that a trace of the kernel names first, and its function.
pub fn traced<'a>(lines: &[String], suspects: &'a Suspects) -> Option<(&'a Group, String)> {
    let mut own = suspects.groups.iter().filter(|group| group.modules.len() == 1);
    own.find_map(|group| Some((group, trace::begins_in(lines, &group.modules, &suspects.modules)?)))
}

/// A cause a case, for the failures in these places.
pub fn causes(matrix: &Matrix, suspects: &Suspects, places: &[usize]) -> Vec<Cause> {
    let mut cases: BTreeMap<u16, Vec<&Seen>> = BTreeMap::new();
    for &place in places {
        let cell = &matrix.cells[place];
        cases.entry(cell.case).or_default().push(cell);
    }
    cases.into_iter().filter_map(|(case, cells)| cause(matrix, suspects, case, &cells)).collect()
}

fn cause(matrix: &Matrix, suspects: &Suspects, case: u16, cells: &[&Seen]) -> Option<Cause> {
    let smallest = cells.iter().min_by_key(|cell| (cell.endpoints().count(), cell.ms))?;
    let failure = matrix.failure(smallest);
    let alone = cells.iter().all(|cell| cell.endpoints().next().is_none());
    // Where devices take part a trace has been weighed already, and explained too little.
    let traced = failure.filter(|_| alone).and_then(|failure| traced(&failure.lines, suspects));
    let (suspect, function, sure, why) = match traced {
        Some((group, function)) => {
            let why = format!("a trace of the kernel names {function}");
            (group.suspect(Role::Either), Some(function), Sure::Proved, why)
        }
        None if alone => (kernel(), None, Sure::Open, "no device takes part in these cells".to_owned()),
        None => (kernel(), None, Sure::Open, "nothing that the devices of these cells share explains them".to_owned()),
    };
    let passes = matrix.cells.iter().filter(|cell| cell.case == case && cell.how == How::Passes).count();
    let facts = &matrix.cases[usize::from(case)];
    Some(Cause {
        version: event::cause::VERSION,
        suspect,
        or: Vec::new(),
        rule: facts.rule.clone(),
        case: facts.id.clone(),
        areas: facts.id.split('.').next().map(str::to_owned).into_iter().collect(),
        seen: failure.map(|failure| failure.seen.clone()).unwrap_or_default(),
        evidence: Evidence { fails: cells.len(), of: cells.len() + passes, ..Evidence::default() },
        smallest: matrix.id(smallest),
        function,
        sure,
        why,
        decide: Vec::new(),
        known: Vec::new(),
        cells: cells.iter().map(|cell| matrix.id(cell)).collect(),
    })
}
