//! The pairs of devices that have brought the machine down.

use std::collections::BTreeSet;

use spec::verdict::Verdict;

use super::result::CellResult;
use crate::plan::Cell;
use event::{CellEnd, Finding, Oracle};

/// The pairs that have brought the machine down.
#[derive(Debug, Clone, Default)]
pub struct Deadly(BTreeSet<(String, String)>);

impl Deadly {
    /// Returns the pairs of cells that are said to have brought it down.
    pub fn of<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Self {
        let pair = |cell: &Cell| Some((cell.exporter.as_ref()?.key.clone(), cell.importer.as_ref()?.key.clone()));
        Self(cells.into_iter().filter_map(pair).collect())
    }

    /// Takes in a cell that has ended.
    pub fn learn(&mut self, ended: &CellEnd) {
        let down =
            ended.findings.iter().any(|finding| finding.oracle == Oracle::Machine && finding.verdict == Verdict::Crash);
        if let (true, Some(exporter), Some(importer)) = (down, &ended.exporter, &ended.importer) {
            self.0.insert((exporter.clone(), importer.clone()));
        }
    }

    /// Returns the result of a cell that is not run because its exporter and importer have brought the machine down.
    pub fn spares(&self, cell: &Cell) -> Option<CellResult> {
        let exporter = cell.exporter.as_ref()?;
        let mut importers = [&cell.importer, &cell.second_importer].into_iter().flatten();
        let importer = importers.find(|importer| self.0.contains(&(exporter.key.clone(), importer.key.clone())))?;
        let finding = Finding::blocked(
            Oracle::Machine,
            format!(
                "not run: an import of {} into {} has brought the machine down before; to run it nevertheless: --exact {}",
                exporter.key, importer.key, cell.id
            ),
            "the cell is run",
        );
        Some(CellResult::without_running(finding))
    }
}
