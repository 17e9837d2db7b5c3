//! What a cause is reported with: counts, acquittals, the smallest cell, how sure.

use std::collections::{BTreeMap, BTreeSet};

use event::cause::{Cause, Evidence, Role, Sure};

use crate::beside::{accomplice, acquitted, passing_part};
use crate::found::Found;
use crate::matrix::{CaseFacts, Failure, Seen};
use crate::proof::{proof, seen_with_many, sureness};
use crate::trace;
use crate::weigh::Candidate;

/// The most others that are named.
const OTHERS: usize = 4;

/// So few cells decide what a run of all would.
const DECIDE: usize = 8;

/// The case that shows it in most cells; of two, the one with fewer devices in a cell.
fn case_of(cells: &[&Seen]) -> u16 {
    let mut counts: BTreeMap<u16, (usize, usize)> = BTreeMap::new();
    for cell in cells {
        let (count, devices) = counts.entry(cell.case).or_insert((0, usize::MAX));
        *count += 1;
        *devices = (*devices).min(cell.endpoints().count());
    }
    let best = counts.iter().max_by_key(|(_, (count, devices))| (*count, std::cmp::Reverse(*devices)));
    best.map_or(0, |(case, _)| *case)
}

fn smallest<'a>(cells: &[&'a Seen]) -> Option<&'a Seen> {
    cells
        .iter()
        .copied()
        .min_by_key(|cell| (cell.endpoints().collect::<BTreeSet<_>>().len(), cell.endpoints().count(), cell.ms))
}

/// Cells that would decide between the suspect and a rival: of the case, with others in the place of one of them. Only such as
/// the case has of devices of the same kinds, and that the run did not try.
fn decide(found: &Found<'_>, rival: Option<&Candidate>, best: &Candidate, case: u16) -> Vec<String> {
    let matrix = found.matrix;
    let of_case: Vec<&Seen> = matrix.cells.iter().filter(|cell| cell.case == case).collect();
    if of_case.iter().any(|cell| cell.importers[0].is_none() || cell.importers[1].is_some()) {
        return Vec::new();
    }
    let tried: BTreeSet<String> = of_case.iter().map(|cell| matrix.id(cell)).collect();
    let usable = &found.suspects.endpoints;
    let kinds = |role: Role| -> BTreeSet<&str> {
        let seen =
            of_case.iter().flat_map(|cell| cell.in_role(role)).map(|number| &matrix.endpoints[usize::from(number)]);
        seen.filter_map(|key| usable.iter().find(|one| one.key == *key)).map(|one| one.kind.as_str()).collect()
    };
    let (exporting, importing) = (kinds(Role::Exporter), kinds(Role::Importer));
    // Of those who took part in a failure each is held against others.
    let apart = |one: &&Candidate| found.group(one).keys.iter().all(|key| !found.group(best).keys.contains(key));
    let took_part = smallest(&found.in_role(best)).into_iter().flat_map(Seen::endpoints);
    let took_part: Vec<&String> = took_part.map(|number| &matrix.endpoints[usize::from(number)]).collect();
    let is = |key: &String| {
        let suspects = std::iter::once(best).chain(rival.filter(apart));
        took_part.contains(&key) || suspects.into_iter().any(|one| found.group(one).keys.contains(key))
    };
    let exporters = usable.iter().filter(|one| one.exports && exporting.contains(one.kind.as_str()));
    let pairs = exporters.flat_map(|exporter| {
        let importers = usable.iter().filter(|one| one.imports && importing.contains(one.kind.as_str()));
        importers.filter(|importer| is(&exporter.key) != is(&importer.key)).map(move |importer| (exporter, importer))
    });
    let case = &matrix.cases[usize::from(case)].id;
    let ids = pairs.map(|(exporter, importer)| format!("{case}.{}.{}", exporter.key, importer.key));
    ids.filter(|id| !tried.contains(id)).take(DECIDE).collect()
}

/// The rule that a cell shows to be broken.
fn rule(case: &CaseFacts, failure: Option<&Failure>) -> String {
    let contract = failure.and_then(|failure| failure.contract.as_ref());
    contract.map_or_else(|| case.rule.clone(), |demand| format!("The DMA contract: {demand}."))
}

/// Reports a suspect of these cells, the best. Nothing if it takes part in none of them.
pub fn cause(found: &Found<'_>, best: &Candidate) -> Option<Cause> {
    let matrix = found.matrix;
    let group = found.group(best);
    let fails = found.in_role(best);
    let smallest = smallest(&fails)?;
    let number = case_of(&fails);
    let case = &matrix.cases[usize::from(smallest.case)];
    let mut rivals = found.rivals(best);
    // A probe that has seen it of one side each time tells the same code's two roles apart.
    let sides_are_seen = seen_with_many(&fails, matrix, best.role).is_some();
    let other_code = |one: &Candidate| !sides_are_seen || one.group != best.group;
    rivals.retain(|rival| other_code(rival));
    rivals.extend(&found.common);
    let accomplice = accomplice(found, best, &fails).filter(other_code);
    let same = |one: &Candidate| rivals.iter().any(|rival| (rival.group, rival.role) == (one.group, one.role));
    if let Some(other) = accomplice.as_ref().filter(|one| !same(one)) {
        rivals.insert(rivals.len().min(OTHERS - 1), other);
    }
    let acquitted = acquitted(found, best, &fails);
    let proof = proof(found, best, &fails);
    let share = fails.len() as f64 / (fails.len() + best.weight.passes) as f64;
    let of_victims = fails.iter().all(|cell| matrix.failure(cell).is_some_and(|failure| failure.of_victim));
    let (sure, why) = match passing_part(found, best, &fails) {
        _ if of_victims => {
            (Sure::Open, "the kernel has found memory in disorder: who meets it need not have done it".to_owned())
        }
        Some(part) => (Sure::Open, format!("{part} is a part of it, and passes the same cases")),
        None => sureness(proof, &rivals, &acquitted, share),
    };
    let open = sure == Sure::Open;
    let rival = rivals.first().filter(|_| open);
    let failure = matrix.failure(smallest);
    let function = fails
        .iter()
        .filter_map(|cell| matrix.failure(cell))
        .find_map(|failure| trace::function(&failure.lines, &group.modules));
    let areas: BTreeSet<&str> =
        found.seen().filter_map(|cell| matrix.cases[usize::from(cell.case)].id.split('.').next()).collect();
    Some(Cause {
        version: event::cause::VERSION,
        suspect: group.suspect(best.role),
        or: rivals.iter().take(OTHERS).filter(|_| open).map(|rival| found.group(rival).suspect(rival.role)).collect(),
        rule: rule(case, failure),
        case: case.id.clone(),
        areas: areas.into_iter().map(str::to_owned).collect(),
        seen: failure.map(|failure| failure.seen.clone()).unwrap_or_default(),
        evidence: Evidence {
            fails: fails.len(),
            of: fails.len() + best.weight.passes,
            acquitted,
            in_other_roles: found.cells.len() - fails.len(),
        },
        smallest: matrix.id(smallest),
        function,
        sure,
        why,
        decide: if open { decide(found, rival.copied(), best, number) } else { Vec::new() },
        known: Vec::new(),
        cells: found.seen().map(|cell| matrix.id(cell)).collect(),
    })
}
