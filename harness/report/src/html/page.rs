//! What the parts of the page are made of.

use std::collections::BTreeMap;

use event::CellEnd;
use event::cause::Cause;
use event::journal::Recorded;
use spec::case::Case;
use spec::registry::Registry;
use spec::words::Words;

use crate::causes::ByCell;
use crate::gathered::Gathered;
use crate::grid::Grid;

/// What the page shows in addition to the run.
pub struct PageInputs<'a> {
    /// The implementations of `map_dma_buf` that there are.
    pub registry: &'a Registry,
    /// The cases whose steps are reported: those of a run that were others are left out.
    pub cases: &'a [Case],
    /// The previous run.
    pub against: Option<&'a Recorded>,
}

/// The inputs of the parts of the page.
pub(super) struct Page<'a> {
    pub(super) recorded: &'a Recorded,
    pub(super) beside: &'a PageInputs<'a>,
    pub(super) grid: Grid<'a>,
    pub(super) gathered: Gathered,
    pub(super) causes: Vec<Cause>,
    /// Which of them a cell belongs to.
    pub(super) by_cell: ByCell,
    /// The steps of the cases that this program and the run have alike, by the cases' ids.
    pub(super) steps: BTreeMap<String, Vec<Words>>,
}

impl Page<'_> {
    pub(super) fn emulated(&self) -> Option<&str> {
        self.recorded.run.emulated()
    }
}

/// Returns whether a cell is shown in full among the failures, and among the others in one line only.
pub(super) fn in_full(cell: &CellEnd) -> bool {
    cell.verdict.broken() || cell.outcome.unwanted()
}
