//! What became of the machine without a cell that fails: lost memory, a report of the kernel between two cells.

use std::collections::BTreeSet;

use event::blame::names_a_victim;
use event::cause::{Cause, Evidence, Role, Sharer, Sure};
use event::{Trouble, TroubleKind};

use crate::matrix::Matrix;
use crate::suspects::{Group, Suspects};
use crate::traced::RULE;
use crate::unexplained::{kernel, traced};

/// A cause a trouble, for those for which the run has failed.
pub fn causes(troubles: &[Trouble], matrix: &Matrix, suspects: &Suspects) -> Vec<Cause> {
    troubles.iter().filter(|trouble| trouble.what.unwanted()).map(|trouble| cause(trouble, matrix, suspects)).collect()
}

/// Adds them. What the same function has done again is no cause of its own, whether in a cell or between two; nor is a loss
/// of the machine's with no more to name than some of those who are suspected already.
pub fn add(causes: &mut Vec<Cause>, of_troubles: Vec<Cause>) {
    for cause in of_troubles {
        let same = |one: &Cause| {
            one.function.is_some() && (&one.function, &one.suspect.name) == (&cause.function, &cause.suspect.name)
        };
        let named = &cause.suspect.endpoints;
        let is_part = |one: &Cause| {
            let all = one.suspect.kind == Sharer::DmaBuf;
            let within = named.iter().all(|key| one.suspect.endpoints.contains(key));
            cause.sure == Sure::Open && !named.is_empty() && !all && within
        };
        match causes.iter_mut().find(|one| same(one) || is_part(one)) {
            Some(known) => {
                known.evidence.fails += 1;
                known.evidence.of += 1;
                let new = cause.cells.into_iter().filter(|id| !known.cells.contains(id)).collect::<Vec<_>>();
                known.cells.extend(new);
            }
            None => causes.push(cause),
        }
    }
}

fn cause(trouble: &Trouble, matrix: &Matrix, suspects: &Suspects) -> Cause {
    // Who meets memory in disorder need not have done it.
    let lines = if names_a_victim(&trouble.seen) { &[][..] } else { &trouble.lines[..] };
    let traced = traced(lines, suspects);
    let common = traced.is_none().then(|| common(trouble, suspects)).flatten();
    let (suspect, function, sure, why) = match (traced, common) {
        (Some((group, function)), _) => {
            let why = format!("a trace of the kernel names {function}");
            (group.suspect(Role::Either), Some(function), Sure::Proved, why)
        }
        (None, Some((group, role))) => {
            (group.suspect(role), None, Sure::Open, "it takes part in each of the cells before it".to_owned())
        }
        (None, None) => (kernel(), None, Sure::Open, "the cells before it have no one in common".to_owned()),
    };
    let case = trouble.cells.first().map(|id| spec::case::case_of(id)).unwrap_or_default();
    let areas: BTreeSet<&str> = trouble.cells.iter().filter_map(|id| id.split('.').next()).collect();
    let rule = match trouble.what {
        TroubleKind::Shrinks => "What a device takes of the machine for a buffer it returns with it.",
        TroubleKind::Late => RULE,
        TroubleKind::Damage | TroubleKind::Hangs => "The kernel is as it was before a cell.",
    };
    let looked = matrix.cells.iter().filter(|cell| trouble.cells.contains(&matrix.id(cell))).count();
    Cause {
        version: event::cause::VERSION,
        suspect,
        or: Vec::new(),
        rule: rule.into(),
        case,
        areas: areas.into_iter().map(str::to_owned).collect(),
        seen: trouble.seen.clone(),
        evidence: Evidence { fails: trouble.cells.len(), of: looked.max(trouble.cells.len()), ..Evidence::default() },
        smallest: trouble.cells.first().cloned().unwrap_or_default(),
        function,
        sure,
        why,
        decide: Vec::new(),
        known: Vec::new(),
        cells: trouble.cells.clone(),
    }
}

/// The smallest group of which one takes part in each of the cells, in one role if there is such.
fn common<'a>(trouble: &Trouble, suspects: &'a Suspects) -> Option<(&'a Group, Role)> {
    let devices: Vec<Vec<&str>> = trouble.cells.iter().map(|id| id.split('.').skip(2).collect()).collect();
    if devices.is_empty() {
        return None;
    }
    let has = |group: &Group, keys: &[&str]| keys.iter().any(|key| group.keys.iter().any(|own| own == key));
    let in_all = |group: &Group, role: Role| {
        devices.iter().all(|keys| match role {
            Role::Exporter => has(group, keys.get(..1).unwrap_or_default()),
            Role::Importer => has(group, keys.get(1..).unwrap_or_default()),
            Role::Either => has(group, keys),
        })
    };
    let mut groups: Vec<&Group> = suspects.groups.iter().collect();
    groups.sort_by_key(|group| group.keys.len());
    groups.into_iter().find_map(|group| {
        let roles = [Role::Importer, Role::Exporter, Role::Either];
        roles.into_iter().find(|&role| in_all(group, role)).map(|role| (group, role))
    })
}
