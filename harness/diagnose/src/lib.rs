//! From the failures of a run to their causes. Pure: a function of events alone.
//!
//! | module | what it does |
//! |---|---|
//! | [`matrix`] | keeps, of each cell, who took part and whether it failed |
//! | [`suspects`] | who can be to blame: endpoints, and what several of them share |
//! | [`weigh`] | how well a suspect explains failures, and what speaks against it |
//! | [`explain`] | takes the best suspect, leaves out what it explains, and looks again |
//! | [`found`] | the suspects of some failures in their order, and who is not told from the first |
//! | [`evidence`] | what a cause is reported with: counts, the smallest cell, cells that would decide |
//! | [`beside`] | who takes part beside a suspect: who is acquitted, who is in every failure as well |
//! | [`proof`] | how sure a cause is, and why |
//! | [`traced`] | what one driver reports in the cells of all others |
//! | [`troubles`] | what became of the machine without a cell that fails |
//! | [`unexplained`] | failures in which no device takes part, and those that are left |
//!
//! A fault in a shared function makes hundreds of cells fail, each of which can say only that one of two devices, or the core
//! between them, broke a rule. The matrix of all cells says more: who fails with everybody, and who passes with everybody
//! else. The one that does is ranked first; then its failures are left out, and the others are ranked again, since a kernel
//! can have several faults at once.

pub mod beside;
pub mod evidence;
pub mod explain;
pub mod found;
pub mod matrix;
pub mod proof;
pub mod suspects;
pub mod trace;
pub mod traced;
pub mod troubles;
pub mod unexplained;
pub mod weigh;

use event::cause::Cause;
use event::journal::{Head, Recorded};
use event::{EndpointFound, Trouble};
use spec::registry::Registry;

use matrix::Matrix;
use suspects::Suspects;

/// What a diagnosis needs of a run beside its cells.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The endpoints.
    pub endpoints: &'a [EndpointFound],
    /// `uname -r`.
    pub kernel: &'a str,
    /// What became of the machine.
    pub troubles: &'a [Trouble],
}

impl<'a> Facts<'a> {
    /// Those of a journal.
    pub fn of(head: &'a Head) -> Self {
        Self { endpoints: &head.endpoints, kernel: &head.run.kernel, troubles: &head.troubles }
    }
}

/// The causes of a run's failures, those that explain most first; known faults of the kernel are last.
pub fn causes(facts: &Facts<'_>, matrix: &Matrix, registry: Option<&Registry>) -> Vec<Cause> {
    let suspects = Suspects::of(facts.endpoints, registry, facts.kernel);
    let mut causes = explain::causes(matrix, &suspects);
    troubles::add(&mut causes, troubles::causes(facts.troubles, matrix, &suspects));
    causes.extend(explain::known(matrix, &suspects));
    causes
}

/// The causes of a run that is in memory.
pub fn of(recorded: &Recorded, registry: Option<&Registry>) -> Vec<Cause> {
    causes(&Facts::of(recorded), &Matrix::of(&recorded.cells), registry)
}
