//! Going on after the machine went down in the middle of a run.
//!
//! The cell that was open is a crash, and is not run again. The other cells of its exporter and importer are blocked:
//! what brings a machine down once does so again, and each time costs a restart.

use std::collections::BTreeSet;

use document::verdict::{Outcome, Verdict};
use oracle::kernel_log::{Splat, SplatKind, records_of_console, splats};

use super::Shown;
use super::blame::Drivers;
use crate::event::{Blame, CellEnd, EndpointFound, Finding};
use crate::journal::Recorded;
use crate::plan::Cell;

/// The name under which the end of the machine is told.
pub const MACHINE: &str = "machine";

/// A run that cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// Another kernel runs now.
    #[error("the run was begun on Linux {before}, this is Linux {now}; start anew, without --resume")]
    Kernel {
        /// At the start.
        before: String,
        /// At present.
        now: String,
    },
    /// Other cells are planned now.
    #[error(
        "the run was begun with other cells than are planned now though the endpoints are the same: {before} then, {now} \
         now{}; give the arguments that it was begun with, or start anew, without --resume",
        .unplanned.as_ref().map_or(String::new(), |id| format!(", and {id} is not among them"))
    )]
    Cells {
        /// So many at the start.
        before: usize,
        /// So many at present.
        now: usize,
        /// One that was begun and is not planned now.
        unplanned: Option<String>,
    },
}

/// What is known of the part that has been run.
#[derive(Debug)]
pub struct Before {
    /// Its journal.
    pub recorded: Recorded,
    /// What the kernel said at its end, where that was kept.
    pub last: Option<Splat>,
    ended: BTreeSet<String>,
}

impl Before {
    /// From the journal, and the text of a console or of `/proc/kmsg` up to the end of the machine.
    pub fn new(recorded: Recorded, log: &str) -> Self {
        let ended = recorded.cells.iter().map(|cell| cell.id.clone()).collect();
        Self { recorded, last: last_words(splats(&records_of_console(log))), ended }
    }

    /// Holds what is planned now against what was.
    ///
    /// # Errors
    /// See [`ResumeError`].
    pub fn check(&self, kernel: &str, cells: &[Cell], endpoints: &[EndpointFound]) -> Result<(), ResumeError> {
        let run = &self.recorded.run;
        if run.kernel != kernel {
            return Err(ResumeError::Kernel { before: run.kernel.clone(), now: kernel.to_owned() });
        }
        let planned: BTreeSet<&str> = cells.iter().map(|cell| cell.id.as_str()).collect();
        let begun = self.ended.iter().chain(&self.recorded.open);
        let unplanned = begun.into_iter().find(|id| !planned.contains(id.as_str())).cloned();
        let other = run.cells != cells.len() || unplanned.is_some();
        if other && self.vanished(endpoints).is_empty() {
            return Err(ResumeError::Cells { before: run.cells, now: cells.len(), unplanned });
        }
        Ok(())
    }

    /// The endpoints that were there before the restart.
    pub fn vanished(&self, now: &[EndpointFound]) -> Vec<String> {
        let before = self.recorded.endpoints.iter().map(|endpoint| endpoint.key.clone());
        before.filter(|key| !now.iter().any(|endpoint| endpoint.key == *key)).collect()
    }

    /// Whether a cell has ended before.
    pub fn has(&self, id: &str) -> bool {
        self.ended.contains(id)
    }

    /// What the cell showed in which the machine went down.
    pub fn end_of(&self, cell: &Cell) -> Shown {
        Shown::without_running(self.crash(&Drivers::of(cell)))
    }

    /// The end of the open cell where it cannot be planned any more: the machine came back without one of its devices.
    pub fn end_without_devices(&self, cells: &[Cell]) -> Option<CellEnd> {
        let id = self.recorded.open.as_ref().filter(|open| !cells.iter().any(|cell| cell.id == **open))?;
        let mut parts = id.split('.').map(str::to_owned);
        let case = [parts.next(), parts.next()].into_iter().flatten().collect::<Vec<_>>().join(".");
        let finding = self.crash(&Drivers::default());
        let (rule, reference) = ("The machine lives on.".to_owned(), String::new());
        let (exporter, importer, second_importer) = (parts.next(), parts.next(), parts.next());
        let (verdict, outcome) = (Verdict::Crash, Outcome::Regression);
        let (map_dma_buf, device_access) = (Vec::new(), Vec::new());
        Some(CellEnd {
            id: id.clone(),
            case,
            rule,
            reference,
            exporter,
            importer,
            second_importer,
            verdict,
            outcome,
            reason: None,
            ms: 0,
            findings: vec![finding],
            map_dma_buf,
            device_access,
            figures: Default::default(),
        })
    }

    fn crash(&self, drivers: &Drivers) -> Finding {
        let nothing = ("its last words are not known", &[][..]);
        let (title, lines) = self.last.as_ref().map_or(nothing, |splat| (&splat.title, &splat.lines));
        Finding {
            oracle: MACHINE.into(),
            verdict: Verdict::Crash,
            step: None,
            expected: "the machine lives on".into(),
            seen: format!("it went down, and was started again: {title}"),
            blame: self.last.as_ref().map_or(Blame::Undecided, |splat| drivers.blamed_by(&splat.lines)),
            lines: lines.to_vec(),
        }
    }
}

/// A panic that an oops led to says nothing of its own.
fn last_words(mut splats: Vec<Splat>) -> Option<Splat> {
    let last = splats.pop()?;
    match splats.pop().filter(|before| last.kind == SplatKind::Panic && before.kind != SplatKind::Panic) {
        Some(before) => Some(Splat { lines: [before.lines, last.lines].concat(), ..before }),
        None => Some(last),
    }
}

/// The pairs that have brought the machine down.
#[derive(Debug, Default)]
pub struct Deadly(BTreeSet<(String, String)>);

impl Deadly {
    /// Takes in a cell that has ended.
    pub fn learn(&mut self, ended: &CellEnd) {
        let down = ended.findings.iter().any(|finding| finding.oracle == MACHINE && finding.verdict == Verdict::Crash);
        if let (true, Some(exporter), Some(importer)) = (down, &ended.exporter, &ended.importer) {
            self.0.insert((exporter.clone(), importer.clone()));
        }
    }

    /// What is told of a cell that is not run, for its exporter and importer have brought the machine down.
    pub fn spares(&self, cell: &Cell) -> Option<Shown> {
        let exporter = cell.exporter.as_ref()?;
        let mut importers = [&cell.importer, &cell.second_importer].into_iter().flatten();
        let importer = importers.find(|importer| self.0.contains(&(exporter.key.clone(), importer.key.clone())))?;
        let finding = Finding {
            oracle: MACHINE.into(),
            verdict: Verdict::Blocked,
            step: None,
            expected: "the cell is run".into(),
            seen: format!(
                "not run: an import of {} into {} has brought the machine down before; to run it nevertheless: --exact {}",
                exporter.key, importer.key, cell.id
            ),
            blame: Blame::Nobody,
            lines: Vec::new(),
        };
        Some(Shown::without_running(finding))
    }
}
