//! What has brought the machine down, or damaged its kernel so that it had to be started again: each time costs a restart,
//! and what did it once does it again.

use std::collections::BTreeMap;

use spec::verdict::Verdict;

use super::common::Common;
use super::result::CellResult;
use crate::plan::Cell;
use event::{CellEnd, Finding, Oracle};

/// This many cells of different pairs make the device, or the case, that they have in common the one that does it.
const PAIRS: usize = 3;

/// What has brought the machine down.
#[derive(Debug, Clone, Default)]
pub struct Deadly(BTreeMap<Common, usize>);

impl Deadly {
    /// Returns what cells have in common that are said to have brought it down.
    pub fn of<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Self {
        let mut deadly = Self::default();
        cells.into_iter().for_each(|cell| deadly.add(Common::of_cell(cell)));
        deadly
    }

    /// Takes in a cell that has ended.
    pub fn learn(&mut self, ended: &CellEnd) {
        let mut findings = ended.findings.iter();
        if findings.any(|finding| finding.oracle == Oracle::Machine && finding.verdict == Verdict::Crash) {
            self.add(Common::of_end(ended));
        }
    }

    /// Takes in what a cell has in common with others that made a restart necessary.
    pub fn add(&mut self, harmful: Vec<Common>) {
        harmful.into_iter().for_each(|common| *self.0.entry(common).or_default() += 1);
    }

    /// Returns the result of a cell that is not run because of what it has in common with those.
    pub fn spares(&self, cell: &Cell) -> Option<CellResult> {
        if self.0.is_empty() {
            return None;
        }
        let enough = |common: &Common| if matches!(common, Common::Pair(..)) { 1 } else { PAIRS };
        let common = Common::of_cell(cell);
        let common = common.iter().find(|common| self.0.get(common).is_some_and(|&count| count >= enough(common)))?;
        let seen = format!(
            "not run: {common} has brought the machine down, or made a restart necessary; to run it nevertheless: --exact {}",
            cell.id
        );
        Some(CellResult::without_running(Finding::blocked(Oracle::Machine, seen, "the cell is run")))
    }
}
