//! Reports of the kernel that one driver gives in the cells of all others: what it does late, in a worker or a timer, falls
//! into whatever cell runs by then, and says nothing of who takes part in it.

use std::collections::BTreeSet;

use event::cause::{Cause, Evidence, Role, Sharer, Sure};

use crate::matrix::{How, Matrix, Seen};
use crate::suspects::{Members, Suspects};
use crate::trace;

/// Failures whose traces begin in the same driver, of which no one else takes part in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// The place of the driver among the groups.
    pub group: usize,
    /// The role that it has in nearly all of the cells.
    pub role: Role,
    /// The places of the failures.
    pub cells: Vec<usize>,
}

/// So few reports can come into cells of the same device by chance.
const FEW: usize = 3;

/// The share of the cells in which someone has to take part to be what they have in common.
const COVERS: f64 = 0.95;

/// Where more of the cells fail than this, it is no chance which.
const CHANCE: f64 = 0.5;

/// What a kernel has to keep whoever runs.
pub const RULE: &str = "The kernel has nothing to complain of, behind a cell as within it.";

/// Finds them among these failures.
pub fn of(matrix: &Matrix, left: &[usize], suspects: &Suspects, members: &[Members]) -> Vec<Traced> {
    let own = |place: usize| suspects.groups[place].modules.len() == 1;
    let drivers =
        (0..suspects.groups.len()).filter(|&place| suspects.groups[place].kind == Sharer::Driver && own(place));
    let mut found: Vec<Traced> = Vec::new();
    for group in drivers {
        let modules = &suspects.groups[group].modules;
        let begins = |&&place: &&usize| {
            let failure = matrix.failure(&matrix.cells[place]);
            failure.is_some_and(|failure| trace::begins_in(&failure.lines, modules, &suspects.modules).is_some())
        };
        // Of two groups with one module, the first that has it.
        let cells: Vec<usize> = left.iter().filter(begins).copied().collect();
        let new = |cell: &usize| !found.iter().any(|one| one.cells.contains(cell));
        let is_late = cells.len() >= FEW
            && by_chance(matrix, &members[group], &cells)
            && !in_common(matrix, suspects, members, group, &cells);
        if !is_late || !cells.iter().all(new) {
            continue;
        }
        let has = |role: Role| covers(matrix, &members[group], role, &cells);
        let role = [Role::Exporter, Role::Importer].into_iter().find(|&role| has(role) && !has(other(role)));
        found.push(Traced { group, role: role.unwrap_or(Role::Either), cells });
    }
    found
}

fn other(role: Role) -> Role {
    match role {
        Role::Exporter => Role::Importer,
        Role::Importer | Role::Either => Role::Exporter,
    }
}

fn covers(matrix: &Matrix, members: &Members, role: Role, cells: &[usize]) -> bool {
    let count = cells.iter().filter(|&&cell| members.take_part(&matrix.cells[cell], role)).count();
    count as f64 >= COVERS * cells.len() as f64
}

/// The cells of the same cases that pass.
fn passing<'a>(matrix: &'a Matrix, cells: &[usize]) -> Vec<&'a Seen> {
    let cases: BTreeSet<u16> = cells.iter().map(|&cell| matrix.cells[cell].case).collect();
    matrix.cells.iter().filter(|cell| cell.how == How::Passes && cases.contains(&cell.case)).collect()
}

/// Returns whether neither all of these cases fail, nor those with this or that other device: several others can have spoilt
/// what a driver stumbles over.
fn by_chance(matrix: &Matrix, driver: &Members, cells: &[usize]) -> bool {
    let passing = passing(matrix, cells);
    let is_few = |fails: usize, passes: usize| fails as f64 <= CHANCE * (fails + passes) as f64;
    let own = |cell: &Seen| driver.take_part(cell, Role::Either);
    let of_another = |cell: &Seen| {
        cell.endpoints().filter(|&endpoint| !driver.has(endpoint)).any(|endpoint| {
            // Beside the driver, if it takes part.
            let beside = |one: &Seen| one.endpoints().any(|other| other == endpoint) && (!own(cell) || own(one));
            let fails = cells.iter().filter(|&&place| beside(&matrix.cells[place])).count();
            !is_few(fails, passing.iter().filter(|one| beside(one)).count())
        })
    };
    let others = cells.iter().filter(|&&place| of_another(&matrix.cells[place])).count();
    is_few(cells.len(), passing.len()) && is_few(others, cells.len() - others)
}

/// Returns whether the cells have someone in common that is not the driver, a part of it or what it is a part of: then that
/// one may have spoilt what the driver stumbles over.
fn in_common(matrix: &Matrix, suspects: &Suspects, members: &[Members], group: usize, cells: &[usize]) -> bool {
    let keys = &suspects.groups[group].keys;
    suspects.groups.iter().enumerate().any(|(place, another)| {
        let apart = another.keys.iter().all(|key| !keys.contains(key));
        apart && covers(matrix, &members[place], Role::Either, cells)
    })
}

/// Reports one.
pub fn cause(traced: &Traced, matrix: &Matrix, suspects: &Suspects) -> Option<Cause> {
    let group = &suspects.groups[traced.group];
    let seen = || traced.cells.iter().map(|&cell| &matrix.cells[cell]);
    let devices = |cell: &&Seen| (cell.endpoints().count(), cell.ms);
    let smallest = seen().min_by_key(devices)?;
    let failure = matrix.failure(smallest);
    let function = failure.and_then(|failure| trace::function(&failure.lines, &group.modules));
    let id = |cell: &Seen| matrix.cases[usize::from(cell.case)].id.clone();
    let areas: BTreeSet<String> = seen().filter_map(|cell| id(cell).split('.').next().map(str::to_owned)).collect();
    let named = function.as_deref().unwrap_or("it");
    Some(Cause {
        version: event::cause::VERSION,
        suspect: group.suspect(traced.role),
        or: Vec::new(),
        rule: RULE.into(),
        case: id(smallest),
        areas: areas.into_iter().collect(),
        seen: failure.map(|failure| failure.seen.clone()).unwrap_or_default(),
        evidence: Evidence {
            fails: traced.cells.len(),
            of: traced.cells.len() + passing(matrix, &traced.cells).len(),
            ..Evidence::default()
        },
        smallest: matrix.id(smallest),
        why: format!("traces of the kernel name {named} in cells that have no one else in common"),
        function,
        sure: Sure::Proved,
        decide: Vec::new(),
        known: Vec::new(),
        cells: seen().map(|cell| matrix.id(cell)).collect(),
    })
}
