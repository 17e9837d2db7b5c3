//! Going on after the machine went down in the middle of a run.
//!
//! The cell that was open is a crash, and is not run again. Where several were, none of them can be named: each is run once
//! more, alone, and the one in which the machine goes down again is the crash. So is it where a line of the journal was cut off
//! behind their start: it was to tell of their end, and what it told is lost. The other cells of its exporter and importer are blocked:
//! what brings a machine down once does so again, and each time costs a restart.

use std::collections::BTreeSet;
use std::path::Path;

use event::blame::Drivers;
use event::crash::{crash, last_words_of};
use kernel_log::Splat;
use spec::verdict::Outcome;

use super::deadly::Deadly;
use super::result::CellResult;
use super::so_far::SoFar;
use crate::plan::{Cell, Plan};
use event::journal::{Head, Journal, JournalError};
use event::{CellEnd, EndpointFound, Finding, Run};

/// A run that cannot be resumed.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// Another kernel runs now.
    #[error("the run was begun on Linux {before}, this is Linux {now}; start again without --resume")]
    Kernel {
        /// At the start.
        before: String,
        /// At present.
        now: String,
    },
    /// A cell is said to have brought the machine down that is not in this run.
    #[error("cell {id} is not in the current plan; use the same arguments as the original run")]
    Unplanned {
        /// Which.
        id: String,
    },
    /// Other cells are planned now.
    #[error(
        "the run was begun with other cells than are planned now though the endpoints are the same: {before} then, {now} \
         now{}; use the same arguments as the original run, or start again without --resume",
        .unplanned.as_ref().map_or(String::new(), |id| format!(", and {id} is not among them"))
    )]
    Cells {
        /// The number at the start.
        before: usize,
        /// The number at present.
        now: usize,
        /// One that was begun and is not planned now.
        unplanned: Option<String>,
    },
}

/// The part that has been run. Of its cells only the ids are held.
#[derive(Debug)]
pub struct Before {
    /// The events of its journal other than its cells.
    pub head: Head,
    /// The kernel's last report, where its log was kept.
    pub last: Option<Splat>,
    ended: BTreeSet<String>,
    /// True if the open cells had ended, and the line that told of it is cut off.
    torn: bool,
    /// True if its journal is elsewhere, on a console.
    pub elsewhere: bool,
    /// The results of its cells.
    pub so_far: SoFar,
}

impl Before {
    /// Opens the journal of a run to resume it, and reads it. Nothing when there is no journal yet, or none
    /// that had come to its first line.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn read(path: &Path) -> Result<Option<(Journal, Self)>, JournalError> {
        let (mut head, mut ended, mut so_far) = (None, BTreeSet::new(), SoFar::default());
        let told = |event| {
            so_far.replay(&event);
            if let Some(cell) = Head::take(&mut head, event) {
                so_far.end.cells_ms += cell.ms;
                so_far.learn(&cell);
                ended.insert(cell.id);
            }
        };
        let Some(journal) = Journal::resume(path, told)? else { return Ok(None) };
        so_far.breaker.restarted();
        let head = head.ok_or_else(|| JournalError::NoRun { path: path.to_owned() })?;
        let torn = journal.was_torn();
        Ok(Some((journal, Self { head, last: None, ended, torn, elsewhere: false, so_far })))
    }

    /// With the text of a console or of `/proc/kmsg` up to the end of the machine.
    pub fn with_log(self, log: &str) -> Self {
        Self { last: last_words_of(log), ..self }
    }

    /// Describes a run whose journal is on a console, and which came to the last of the cells that brought the machine down.
    ///
    /// # Errors
    /// A cell that is not planned.
    pub fn crashed(ids: &[String], run: Run, cells: &Plan) -> Result<Self, ResumeError> {
        let crashed: Vec<Cell> = cells.iter().filter(|cell| ids.contains(&cell.id)).collect();
        if let Some(id) = ids.iter().find(|id| !crashed.iter().any(|cell| cell.id == **id)) {
            return Err(ResumeError::Unplanned { id: id.clone() });
        }
        let open: Vec<String> = crashed.last().map(|cell| cell.id.clone()).into_iter().collect();
        let before = |last: &String| cells.iter().map(|cell| cell.id).take_while(|id| id != last).collect();
        let ended = open.first().map(before).unwrap_or_default();
        let so_far = SoFar::with(Deadly::of(&crashed));
        let head = Head { open, ..Head::begun(run) };
        Ok(Self { head, last: None, ended, torn: false, elsewhere: true, so_far })
    }

    /// Compares what is planned now with what was.
    ///
    /// # Errors
    /// See [`ResumeError`].
    pub fn check(&self, kernel: &str, cells: &Plan, endpoints: &[EndpointFound]) -> Result<(), ResumeError> {
        let run = &self.head.run;
        if run.kernel != kernel {
            return Err(ResumeError::Kernel { before: run.kernel.clone(), now: kernel.to_owned() });
        }
        let mut begun: BTreeSet<&str> = self.ended.iter().chain(&self.head.open).map(String::as_str).collect();
        for cell in cells.iter() {
            begun.remove(cell.id.as_str());
        }
        let unplanned = begun.first().map(|&id| id.to_owned());
        let other = run.cells != cells.len() || unplanned.is_some();
        if other && self.vanished(endpoints).is_empty() {
            return Err(ResumeError::Cells { before: run.cells, now: cells.len(), unplanned });
        }
        Ok(())
    }

    /// The endpoints that were there before the restart.
    pub fn vanished(&self, now: &[EndpointFound]) -> Vec<String> {
        let before = self.head.endpoints.iter().map(|endpoint| endpoint.key.clone());
        before.filter(|key| !now.iter().any(|endpoint| endpoint.key == *key)).collect()
    }

    /// The cell in which the machine went down, if only one was running.
    pub fn crashed_in(&self) -> Option<&str> {
        if let ([open], false) = (&self.head.open[..], self.torn) { Some(open) } else { None }
    }

    /// Returns the cells in one of which the machine went down, if several were running, or whose end is lost.
    pub fn suspects(&self) -> &[String] {
        if self.crashed_in().is_some() { &[] } else { &self.head.open }
    }

    /// Returns whether a cell has ended before.
    pub fn has(&self, id: &str) -> bool {
        self.ended.contains(id)
    }

    /// Returns the result of the cell in which the machine went down.
    pub fn end_of(&self, cell: &Cell) -> CellResult {
        CellResult::without_running(self.crash(&cell.drivers()))
    }

    /// Returns the end of the open cell where it cannot be planned any more: the machine came back without one of its devices.
    pub fn end_without_devices(&self, cells: &Plan) -> Option<CellEnd> {
        let id = self.crashed_in().filter(|open| !cells.iter().any(|cell| cell.id == *open))?;
        let mut parts = id.split('.').skip(2).map(str::to_owned);
        let (exporter, importer, second_importer) = (parts.next(), parts.next(), parts.next());
        let findings = vec![self.crash(&Drivers::default())];
        let outcome = Outcome::Regression;
        let end = CellEnd::new(id, "The kernel keeps running.", "", findings);
        Some(CellEnd { exporter, importer, second_importer, outcome, ..end })
    }

    fn crash(&self, drivers: &Drivers) -> Finding {
        crash(self.last.as_ref(), drivers)
    }
}
