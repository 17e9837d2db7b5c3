//! How well a suspect explains failures, and what speaks against it.

use event::Blame;
use event::cause::{Role, Sharer};

use crate::matrix::{How, Matrix, Seen};
use crate::suspects::{Group, Members};

/// A suspect in a role, held against the failures that are not explained yet.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Weight {
    /// The failures in which it takes part.
    pub fails: usize,
    /// The cells in which it takes part as well, that could show the same, and that pass.
    pub passes: usize,
    /// The more, the better it explains them.
    pub score: f64,
    /// The same without the word of any oracle.
    pub plain: f64,
}

/// A suspect in a role, by its place among all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The place of the group.
    pub group: usize,
    /// The role.
    pub role: Role,
    /// How well it explains the failures.
    pub weight: Weight,
}

/// A cell's oracle has seen only that cell: it may be wrong about the side, and it may not count as nothing.
fn credit(kind: Sharer, role: Role, blame: Blame) -> f64 {
    match (role, blame) {
        // The core is between the sides.
        _ if kind == Sharer::DmaBuf => 1.0,
        (Role::Exporter, Blame::Exporter) | (Role::Importer, Blame::Importer) => 1.2,
        (Role::Exporter, Blame::Importer) | (Role::Importer, Blame::Exporter) => 0.75,
        (Role::Either, _) => 0.85,
        _ => 1.0,
    }
}

/// Of two that explain the same, the one that says less is behind.
fn nearness(kind: Sharer) -> f64 {
    match kind {
        Sharer::Endpoint | Sharer::Driver => 1.0,
        Sharer::Allocator | Sharer::Library => 0.97,
        Sharer::Subsystem => 0.94,
        Sharer::DmaBuf | Sharer::Kernel => 0.9,
    }
}

/// The cases in which failures count, and whether in each only those cells could show it in which a device has used the buffer:
/// where a device's access showed the fault, a cell in which none looked acquits no one.
pub struct Contexts(Vec<Option<bool>>);

impl Contexts {
    /// Those of some failures.
    pub fn of<'a>(matrix: &Matrix, failures: impl Iterator<Item = &'a Seen>) -> Self {
        let mut only_accessed = vec![None; matrix.cases.len()];
        for cell in failures {
            let only = only_accessed[usize::from(cell.case)].unwrap_or(true);
            only_accessed[usize::from(cell.case)] = Some(only && cell.accessed);
        }
        Self(only_accessed)
    }

    /// Returns whether a cell that passes could have shown one of the failures.
    pub fn acquits(&self, cell: &Seen) -> bool {
        let only_accessed = self.0[usize::from(cell.case)];
        cell.how == How::Passes && only_accessed.is_some_and(|only| !only || cell.accessed)
    }
}

/// Failures that are not explained yet, and the cells that pass of the same cases: what suspects are held against.
pub struct Scale<'a> {
    matrix: &'a Matrix,
    left: Vec<&'a Seen>,
    passing: Vec<&'a Seen>,
}

impl<'a> Scale<'a> {
    /// That of the failures in these places.
    pub fn of(matrix: &'a Matrix, left: &[usize]) -> Self {
        let left: Vec<&Seen> = left.iter().map(|&place| &matrix.cells[place]).collect();
        let mut is_case = vec![false; matrix.cases.len()];
        left.iter().for_each(|cell| is_case[usize::from(cell.case)] = true);
        let passes = |cell: &&Seen| cell.how == How::Passes && is_case[usize::from(cell.case)];
        let passing = matrix.cells.iter().filter(passes).collect();
        Self { matrix, left, passing }
    }

    /// Weighs a suspect.
    pub fn weigh(&self, group: &Group, members: &Members, role: Role) -> Weight {
        let fails = || self.left.iter().copied().filter(|cell| members.take_part(cell, role));
        let count = fails().count();
        if count == 0 {
            return Weight::default();
        }
        let contexts = Contexts::of(self.matrix, fails());
        let acquits = |cell: &&&Seen| contexts.acquits(cell) && members.take_part(cell, role);
        let passes = self.passing.iter().filter(acquits).count();
        let blame = |cell: &Seen| self.matrix.failure(cell).map_or(Blame::Undecided, |failure| failure.blame);
        let credited: f64 = fails().map(|cell| credit(group.kind, role, blame(cell))).sum();
        let share = count as f64 / (count + passes) as f64;
        let of = |sum: f64| sum.powf(0.6) * share.sqrt() * nearness(group.kind);
        Weight { fails: count, passes, score: of(credited), plain: of(count as f64) }
    }
}
