//! How sure a cause is: what proves it that is not a count, and what leaves it open.

use std::collections::BTreeSet;

use event::cause::{Acquitted, Role, Sharer, Sure};
use event::{Blame, Oracle};

use crate::found::Found;
use crate::matrix::{Failure, How, Matrix, Seen};
use crate::trace;
use crate::weigh::Candidate;

/// One that fails in fewer of its cells than this share fails under a condition that is not known: the condition may be
/// another's fault.
const MOST: f64 = 0.5;

/// An oracle that has watched a side do it. That of identities compares what an importer shows with what the exporter made, and
/// names the importer wherever there is one.
fn is_probe(oracle: &Oracle) -> bool {
    matches!(oracle, Oracle::Dma | Oracle::Pages | Oracle::SgTable)
}

/// A direct sight of the suspect in these cells: neither a count nor the word of an oracle that has to choose.
pub fn proof(found: &Found<'_>, best: &Candidate, fails: &[&Seen]) -> Option<String> {
    let (group, members) = (found.group(best), &found.members[best.group]);
    let side = side(best.role);
    let failures = || fails.iter().filter_map(|cell| found.matrix.failure(cell).map(|failure| (*cell, failure)));
    // What several drivers share has no module of its own here.
    let (own, all) = (&group.modules, &found.suspects.modules);
    let traced = || failures().find_map(|(_, failure)| trace::begins_in(&failure.lines, own, all));
    if let Some(function) = (own.len() == 1).then(traced).flatten() {
        return Some(format!("a trace of the kernel names {function}"));
    }
    // A probe in one cell says nothing of what most show otherwise.
    let probed = |(_, failure): &(&Seen, &Failure)| is_probe(&failure.oracle) && side == Some(failure.blame);
    let mostly = failures().filter(probed).count() * 2 >= fails.len();
    if let Some(oracle) = seen_with_many(fails, found.matrix, best.role) {
        return Some(format!("the oracle {oracle} has seen it of the same side with each of several others"));
    }
    if let Some((cell, failure)) = failures().find(probed).filter(|_| mostly && group.keys.len() == 1) {
        return Some(format!("the oracle {} has seen it itself, in {}", failure.oracle, found.matrix.id(cell)));
    }
    // The same cell of others passes: neither the case nor the core is to blame. Where one of several drivers passes it, it is
    // not what they share.
    let is_alone = |cell: &&Seen| cell.exporter.is_some() && cell.importers == [None; 2] && members.are_alone(cell);
    let passes = |case: u16, own: bool| {
        let mut all = found.matrix.cells.iter().filter(|cell| cell.how == How::Passes && cell.case == case);
        all.any(|cell| members.take_part(cell, Role::Either) == own && (!own || is_alone(&cell)))
    };
    let one = matches!(group.kind, Sharer::Endpoint | Sharer::Driver);
    let proves = |cell: &&&Seen| is_alone(cell) && passes(cell.case, false) && (one || !passes(cell.case, true));
    let alone = fails.iter().filter(|_| best.role != Role::Importer).find(proves)?;
    Some(format!("no other device takes part in {}, which passes with others", found.matrix.id(alone)))
}

fn side(role: Role) -> Option<Blame> {
    match role {
        Role::Exporter => Some(Blame::Exporter),
        Role::Importer => Some(Blame::Importer),
        Role::Either => None,
    }
}

/// The oracle that has seen each of the failures of a role itself, with two others at least.
pub fn seen_with_many(fails: &[&Seen], matrix: &Matrix, role: Role) -> Option<Oracle> {
    let side = side(role)?;
    let first = matrix.failure(fails.first()?)?.oracle.clone();
    let is = |cell: &&Seen| matrix.failure(cell).is_some_and(|seen| seen.oracle == first && seen.blame == side);
    let other = match side {
        Blame::Exporter => Role::Importer,
        _ => Role::Exporter,
    };
    let others: BTreeSet<u16> = fails.iter().flat_map(|cell| cell.in_role(other)).collect();
    (is_probe(&first) && others.len() >= 2 && fails.iter().all(is)).then_some(first)
}

/// How sure it is, and why.
pub fn sureness(proof: Option<String>, rivals: &[&Candidate], acquitted: &[Acquitted], share: f64) -> (Sure, String) {
    match (proof, rivals) {
        (Some(proof), []) => (Sure::Proved, proof),
        (Some(proof), _) => (Sure::Open, format!("{proof}, but others explain nearly as many failures")),
        (None, [_, ..]) => (Sure::Open, "others explain nearly as many failures".into()),
        (None, []) if share < MOST => {
            let why = "it fails in the lesser part of its cells only: what they have in common may be of others";
            (Sure::Open, why.into())
        }
        (None, []) if acquitted.is_empty() => {
            (Sure::Open, "no cell without it shows that the others keep the rule".into())
        }
        (None, []) => (Sure::ByElimination, "those who took part beside it pass the same cases without it".into()),
    }
}
