//! Runs cells: each in a process of its own, watched from outside, and judged by what both saw.

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use event::{Finding, OracleState};
use spec::case::Kind;
use spec::verdict::Verdict;
use uapi::fragment::Fragments;

use super::child::{self, ChildOutcome};
use super::damage::Damage;
use super::exported::of_steps;
use super::judge;
use super::result::CellResult;
use super::together::Undecided;
use super::watch::{Observations, Watch};
use crate::cell::message::Message;
use crate::plan::Cell;

/// Runs cells.
pub struct Runner {
    watch: Watch,
    /// The importers that take contiguous memory only.
    contiguous: BTreeSet<String>,
    /// The time of the cells' steps; of cells that ran at the same time, that of the longest.
    steps: Duration,
    damage: Damage,
}

/// Pages of which a cell holds every other one: a single break keeps a buffer from being contiguous, and what the
/// kernel allocates between must not use them up.
const FRAGMENTS: usize = 512;

impl Runner {
    /// Runs cells under this watch; these importers take contiguous memory only.
    pub fn new(watch: Watch, contiguous: BTreeSet<String>) -> Self {
        let damage = Damage::before(kernel_log::taint(Path::new("/proc")));
        Self { watch, contiguous, steps: Duration::ZERO, damage }
    }

    /// Returns the watch, for work that is not a cell.
    pub fn into_watch(self) -> Watch {
        self.watch
    }

    /// Each oracle, and why it is missing.
    pub fn oracles(&self) -> Vec<OracleState> {
        self.watch.states()
    }

    /// The oracles that a case names and that are not there; a mock is not a kernel's, and needs none.
    fn unseen(&self, cell: &Cell) -> Option<Finding> {
        let observed = cell.case.observed_by.as_ref()?;
        let states = self.watch.states();
        let named = |state: &&OracleState| observed.oracles.iter().any(|oracle| oracle.word() == state.oracle);
        let missing = states.iter().filter(named).find(|state| state.missing.is_some())?;
        let real = cell.endpoints().any(|endpoint| endpoint.kind != Kind::Mock);
        real.then(|| judge::unobserved(&format!("{}: {}", missing.oracle, missing.missing.as_deref().unwrap_or(""))))
    }

    /// Returns the time of the cells' steps until now.
    pub fn steps(&self) -> Duration {
        self.steps
    }

    /// Runs one cell in a process of its own and gathers what its oracles and those of the watch saw.
    pub fn run(&mut self, cell: &Cell) -> CellResult {
        let (ran, seen) = self.processes(&[cell]).pop().expect("a process for each cell");
        self.result(cell, &ran, &seen)
    }

    /// Returns what is known of a cell that is not run.
    pub fn not_run(cell: &Cell) -> Option<CellResult> {
        let known = cell.unobserved.as_ref().map(|why| judge::unobserved(why));
        known.or_else(|| cell.blocked().map(judge::blocked)).map(CellResult::without_running)
    }

    /// Runs cells at the same time, each in a process of its own.
    ///
    /// # Errors
    /// Something was seen that may be of any of them: then nothing of what they showed counts.
    pub fn run_together(&mut self, cells: &[Rc<Cell>]) -> Result<Vec<CellResult>, Undecided> {
        let all = self.processes(&cells.iter().map(Rc::as_ref).collect::<Vec<_>>());
        if let Some(undecided) = all.iter().find_map(|(ran, seen)| Undecided::of(ran, seen)).filter(|_| cells.len() > 1)
        {
            return Err(undecided);
        }
        Ok(cells.iter().zip(&all).map(|(cell, (ran, seen))| self.result(cell, ran, seen)).collect())
    }

    fn processes(&mut self, cells: &[&Cell]) -> Vec<(ChildOutcome, Observations)> {
        self.watch.begin();
        let work = |cell: &Cell| {
            let importers = [&cell.importer, &cell.second_importer];
            let scatter = importers.into_iter().flatten().any(|importer| self.contiguous.contains(&importer.key));
            let cell = cell.clone();
            (cell.case.deadline.0, move |say: &mut dyn FnMut(&Message)| {
                let _fragments = scatter.then(|| Fragments::make(FRAGMENTS));
                crate::cell::execute(&cell, say);
            })
        };
        let ran = child::run_all(cells.iter().map(|cell| work(cell)).collect());
        let driver = |cell: &&Cell| cell.exporter.as_ref().map_or(String::new(), |exporter| exporter.driver.clone());
        let drivers: Vec<String> = cells.iter().map(driver).collect();
        let processes: Vec<_> = ran.iter().zip(&drivers).map(|(ran, driver)| (ran.pid, driver.as_str())).collect();
        let seen = self.watch.end_all(&processes);
        self.steps += ran.iter().map(ChildOutcome::lasted).max().unwrap_or_default();
        ran.into_iter().zip(seen).collect()
    }

    fn result(&mut self, cell: &Cell, ran: &ChildOutcome, seen: &Observations) -> CellResult {
        let (mut verdict, mut findings) = judge::judge(ran, seen, &cell.drivers());
        if let Some(unseen) = self.unseen(cell).filter(|_| verdict == Verdict::Pass) {
            verdict = unseen.verdict;
            findings.push(unseen);
        }
        let map_dma_buf = of_steps(seen.exported.clone(), ran.exported());
        let damaged_by = self.damage.by().map(str::to_owned);
        self.damage.learn(&cell.id, seen.taint);
        CellResult { verdict, findings, map_dma_buf, device_access: ran.device_access(), damaged_by, time: ran.time }
    }
}
