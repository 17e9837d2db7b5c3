//! What was found of some failures: the suspects in their order, and who is not told from the first.

use std::collections::BTreeSet;

use event::cause::{Role, Sharer};

use crate::matrix::{Matrix, Seen};
use crate::suspects::{Group, Members, Suspects};
use crate::weigh::Candidate;

/// What was found: the suspects in their order, and the cells that the first explains.
pub struct Found<'a> {
    /// The run.
    pub matrix: &'a Matrix,
    /// All suspects.
    pub suspects: &'a Suspects,
    /// The same by their numbers.
    pub members: &'a [Members],
    /// The candidates, the best first.
    pub ranked: &'a [Candidate],
    /// The places of the cells that the best explains.
    pub cells: &'a [usize],
    /// Someone in the other role who may be behind this cause and another.
    pub common: Option<Candidate>,
}

/// An alternative that explains nearly as much, nearly as well, is not told from the first.
const NEARLY: f64 = 0.8;

impl<'a> Found<'a> {
    /// The group of a candidate.
    pub fn group(&self, candidate: &Candidate) -> &'a Group {
        &self.suspects.groups[candidate.group]
    }

    /// The cells.
    pub fn seen(&self) -> impl Iterator<Item = &'a Seen> + use<'a> {
        let matrix = self.matrix;
        self.cells.iter().map(move |&place| &matrix.cells[place])
    }

    /// The cells in which the suspect has its role.
    pub fn in_role(&self, best: &Candidate) -> Vec<&'a Seen> {
        self.seen().filter(|cell| self.members[best.group].take_part(cell, best.role)).collect()
    }

    /// Others that explain nearly the same cells nearly as well, and are not just a part of the suspect; or all of which the suspect
    /// is a part, if nothing shows that the rest of it keeps the rule.
    pub fn rivals(&self, best: &Candidate) -> Vec<&Candidate> {
        let keys: BTreeSet<&String> = self.group(best).keys.iter().collect();
        let is_other = |candidate: &Candidate| {
            let others: BTreeSet<&String> = self.group(candidate).keys.iter().collect();
            let around = keys.is_subset(&others);
            let same_cells =
                (candidate.weight.fails, candidate.weight.passes) == (best.weight.fails, best.weight.passes);
            // What all devices share keeps the rules everywhere else.
            if [candidate, best].iter().any(|one| self.group(one).kind == Sharer::DmaBuf) {
                return self.group(best).kind == Sharer::DmaBuf;
            }
            match (around || others.is_subset(&keys), candidate.role == best.role) {
                (false, _) => true,
                (true, true) => around && same_cells,
                (true, false) => candidate.role != Role::Either && best.role != Role::Either,
            }
        };
        // The word of an oracle makes one the first, and not another none.
        let near = |candidate: &&Candidate| {
            let (weight, first) = (candidate.weight, best.weight);
            let nearly = weight.score >= NEARLY * first.score || weight.plain >= NEARLY * first.plain;
            nearly && weight.fails as f64 >= NEARLY * first.fails as f64
        };
        self.ranked.iter().skip(1).filter(near).filter(|candidate| is_other(candidate)).collect()
    }
}
