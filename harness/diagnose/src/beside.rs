//! Who takes part beside a suspect: who is acquitted, and who is in every failure as well.

use std::collections::BTreeSet;

use event::cause::{Acquitted, Role, Sharer};

use crate::found::Found;
use crate::matrix::Seen;
use crate::suspects::Members;
use crate::weigh::{Candidate, Contexts, Scale};

/// One that fails so rarely, held against all, passes.
const HARDLY: f64 = 0.2;

/// What is less likely than this has not come by chance.
const BY_CHANCE: f64 = 0.02;

/// More acquitted endpoints no one reads.
const ACQUITTED: usize = 8;

/// Those who took part beside the suspect in cells that fail, and pass the same cases without it.
pub fn acquitted(found: &Found<'_>, best: &Candidate, fails: &[&Seen]) -> Vec<Acquitted> {
    let (matrix, members) = (found.matrix, &found.members[best.group]);
    let contexts = Contexts::of(matrix, fails.iter().copied());
    let mut beside: BTreeSet<(u16, Role)> = BTreeSet::new();
    for cell in fails {
        for role in [Role::Exporter, Role::Importer] {
            beside
                .extend(cell.in_role(role).filter(|&endpoint| !members.has(endpoint)).map(|endpoint| (endpoint, role)));
        }
    }
    let passes_with = |endpoint: u16, role: Role| {
        let passes = matrix.cells.iter().filter(|cell| contexts.acquits(cell));
        let with = passes
            .filter(|cell| cell.in_role(role).any(|other| other == endpoint) && !members.take_part(cell, Role::Either));
        let others: BTreeSet<u16> = with.flat_map(|cell| cell.endpoints().filter(|&other| other != endpoint)).collect();
        others.len()
    };
    let key = |endpoint: u16| matrix.endpoints[usize::from(endpoint)].clone();
    let counted = beside.into_iter().map(|(endpoint, role)| Acquitted {
        endpoint: key(endpoint),
        role,
        passes_with: passes_with(endpoint, role),
    });
    let mut all: Vec<Acquitted> = counted.filter(|acquitted| acquitted.passes_with > 0).collect();
    all.sort_by_key(|acquitted| std::cmp::Reverse(acquitted.passes_with));
    all.truncate(ACQUITTED);
    all
}

/// Someone else who takes part in every failure of the suspect: the two are at fault together, and which of them is no count
/// tells. Where the suspect passes with others, the failures may be of whatever those share with whom it fails; where it has
/// no one else, of that one device or driver. Of several the one is named that fails most often.
pub fn accomplice(found: &Found<'_>, best: &Candidate, fails: &[&Seen]) -> Option<Candidate> {
    let (matrix, own) = (found.matrix, &found.group(best).keys);
    let contexts = Contexts::of(matrix, fails.iter().copied());
    let of_best = &found.members[best.group];
    let others = || matrix.cells.iter().filter(|cell| contexts.acquits(cell) && of_best.take_part(cell, best.role));
    let is_beside = |place: usize, role: Role| {
        let (group, members) = (&found.suspects.groups[place], &found.members[place]);
        let one = matches!(group.kind, Sharer::Endpoint | Sharer::Driver);
        let other = role != best.role || !group.keys.iter().any(|key| own.contains(key));
        let apart = group.kind != Sharer::DmaBuf && other;
        let shared = |members: &Members, role: Role| fails.iter().all(|cell| members.take_part(cell, role));
        apart && shared(members, role) && (one || others().any(|cell| !members.take_part(cell, role)))
    };
    let roles: &[Role] = match best.role {
        Role::Exporter => &[Role::Importer],
        Role::Importer => &[Role::Exporter, Role::Importer],
        Role::Either => &[],
    };
    let places = (0..found.suspects.groups.len()).flat_map(|place| roles.iter().map(move |&role| (place, role)));
    let scale = Scale::of(matrix, found.cells);
    let beside = places.filter(|&(place, role)| is_beside(place, role)).map(|(place, role)| {
        let weight = scale.weigh(&found.suspects.groups[place], &found.members[place], role);
        Candidate { group: place, role, weight }
    });
    let often = |one: &Candidate| one.weight.fails as f64 / (one.weight.fails + one.weight.passes) as f64;
    beside.max_by(|one, other| often(one).total_cmp(&often(other)))
}

/// A driver that shares what is suspected, and passes where the others fail: then it is not what they share, or not without
/// something else.
pub fn passing_part<'a>(found: &Found<'a>, best: &Candidate, fails: &[&Seen]) -> Option<&'a str> {
    let group = found.group(best);
    if matches!(group.kind, Sharer::Endpoint | Sharer::Driver) {
        return None;
    }
    let contexts = Contexts::of(found.matrix, fails.iter().copied());
    let passing: Vec<&Seen> = found.matrix.cells.iter().filter(|cell| contexts.acquits(cell)).collect();
    let count = |members: &Members, cells: &[&Seen]| -> f64 {
        cells.iter().filter(|cell| members.take_part(cell, best.role)).count() as f64
    };
    let share = |members: &Members| {
        let (failed, passed) = (count(members, fails), count(members, &passing));
        (failed / (failed + passed).max(1.0), passed)
    };
    let (often, _) = share(&found.members[best.group]);
    let passes = |place: usize| {
        let (own, passed) = share(&found.members[place]);
        own < HARDLY * often && (1.0 - often).powf(passed) < BY_CHANCE
    };
    let parts = found.suspects.groups.iter().enumerate().filter(|(_, part)| {
        let is_driver = matches!(part.kind, Sharer::Endpoint | Sharer::Driver);
        is_driver && part.keys.iter().all(|key| group.keys.contains(key))
    });
    parts.into_iter().find(|(place, _)| passes(*place)).map(|(_, part)| part.name.as_str())
}
