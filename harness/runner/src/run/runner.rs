//! Runs cells: each in a process of its own, watched from outside, and judged by what both saw.

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use event::finding::NOT_SHOWN_ALONE;
use event::{Finding, OracleState};
use spec::case::Kind;
use spec::verdict::Verdict;
use uapi::fragment::Fragments;

use super::child::ChildOutcome;
use super::damage::Damage;
use super::exported::of_steps;
use super::judge;
use super::result::CellResult;
use super::settle::Settle;
use super::together::{self, Undecided};
use super::watch::{Late, Observations, Watch};
use super::worker::{Order, Process, Workers};
use crate::cell::message::Message;
use crate::plan::{Cell, Plan};

/// Runs cells.
pub struct Runner {
    // Ended before the watch: they have its files from it, and its trace instance is busy as long as one is open.
    workers: Workers,
    watch: Watch,
    /// The importers that take contiguous memory only.
    contiguous: BTreeSet<String>,
    /// The time of the cells' steps; of cells that ran at the same time, that of the longest.
    steps: Duration,
    damage: Damage,
    settle: Settle,
    running: Vec<Running>,
    /// When the first of the cells that run now, or that have ended since, began; and when the last of their steps ended.
    busy: Option<(Instant, Instant)>,
    /// The failures behind others that showed again alone, one after the other.
    confirmed: u32,
    /// The cells that ran last.
    last: Vec<String>,
    /// What the kernel said behind cells, which no one has asked for yet.
    late: Vec<(Vec<String>, Late)>,
    /// Latent faults of the DMA contract are failures.
    latent_fails: bool,
}

/// A cell that runs.
struct Running {
    cell: Rc<Cell>,
    started: Instant,
    /// True if others run meanwhile, or have.
    beside: bool,
    /// What was seen meanwhile and may be of any of them.
    undecided: Option<Undecided>,
}

/// What became of a cell that was started.
pub enum Ended {
    /// It has a result; true if others ran meanwhile.
    Result(Rc<Cell>, CellResult, bool),
    /// Nothing that it showed counts.
    Undecided(Rc<Cell>, Undecided),
}

/// After this many that showed again, the next are believed.
const CONFIRMED: u32 = 50;

/// Pages of which a cell holds every other one: a single break keeps a buffer from being contiguous, and what the
/// kernel allocates between must not use them up.
const FRAGMENTS: usize = 512;

/// Returns whether a verdict may come of what other cells have left in the process. A cell that hangs is not run again:
/// that costs as long once more.
fn may_be_of_others(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Crash | Verdict::Error)
}

/// Returns whether a cell has a process to itself: one that looks at the machine as a whole, or that loads a library with
/// threads and files of its own.
fn has_its_process(cell: &Cell) -> bool {
    together::counts(cell) || cell.endpoints().any(|endpoint| endpoint.kind == Kind::Gbm)
}

/// The driver of the exporter of a cell.
fn driver(cell: &Cell) -> &str {
    cell.exporter.as_ref().map_or("", |exporter| &exporter.driver)
}

impl Runner {
    /// Runs cells under this watch; these importers take contiguous memory only.
    pub fn new(watch: Watch, contiguous: BTreeSet<String>) -> Self {
        let damage = Damage::before(kernel_log::taint(Path::new("/proc")));
        let (steps, settle, workers) = (Duration::ZERO, Settle::default(), Workers::default());
        let (running, busy, confirmed, last, late) = Default::default();
        let latent_fails = false;
        Self { watch, contiguous, steps, damage, settle, workers, running, busy, confirmed, last, late, latent_fails }
    }

    /// Makes latent faults of the DMA contract failures.
    pub fn fail_latent(&mut self) {
        self.latent_fails = true;
    }

    /// Returns the watch, for work that is not a cell.
    pub fn into_watch(self) -> Watch {
        let mut watch = self.watch;
        watch.leave_contract();
        watch
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

    /// Returns what has damaged the kernel, with the taint.
    pub fn damaged_by(&self) -> Option<&str> {
        self.damage.by()
    }

    /// Judges the next cells as on a kernel without damage: whoever plants faults takes them away again.
    pub fn forget_damage(&mut self) {
        self.damage = Damage::default();
    }

    /// Returns the time of the cells' steps until now.
    pub fn steps(&self) -> Duration {
        self.steps
    }

    /// Runs one cell in a process of its own and gathers what its oracles and those of the watch saw.
    pub fn run(&mut self, cell: &Cell) -> CellResult {
        self.begin_watch();
        self.order(cell, &|_| Some(cell.clone()), true);
        let started = Instant::now();
        let (_, ran, _) = self.workers.wait().expect("a cell was ordered");
        let seen = self.watch.end(ran.pid, driver(cell));
        self.last = vec![cell.id.clone()];
        self.was_busy(started, started + ran.lasted());
        self.result(cell, &ran, &seen)
    }

    /// Returns what is known of a cell that is not run.
    pub fn not_run(cell: &Cell) -> Option<CellResult> {
        let known = cell.unobserved.as_ref().map(|why| judge::unobserved(why));
        known.or_else(|| cell.blocked().map(judge::blocked)).map(CellResult::without_running)
    }

    /// The cells that run now.
    pub fn running(&self) -> Vec<&Cell> {
        self.running.iter().map(|running| running.cell.as_ref()).collect()
    }

    /// Lets a cell of a plan begin, beside those that run.
    pub fn start(&mut self, cell: &Rc<Cell>, plan: &Plan) {
        let beside = !self.running.is_empty();
        if !beside {
            self.begin_watch();
        }
        self.running.iter_mut().for_each(|running| running.beside = true);
        let started = Instant::now();
        self.order(cell, &|number| plan.get(number), false);
        self.running.push(Running { cell: cell.clone(), started, beside, undecided: None });
    }

    /// Waits until one of the cells that run has ended.
    pub fn wait(&mut self) -> Option<Ended> {
        let (number, ran, process) = self.workers.wait()?;
        let place = self.running.iter().position(|running| running.cell.number == number)?;
        let Running { cell, started, beside, undecided } = self.running.remove(place);
        let seen = self.watch.end(ran.pid, driver(&cell));
        self.last = vec![cell.id.clone()];
        self.was_busy(started, started + ran.lasted());
        if beside && let Some(undecided) = undecided.or_else(|| Undecided::of(&ran, &seen)) {
            self.running.iter_mut().for_each(|running| running.undecided = Some(undecided.clone()));
            return Some(Ended::Undecided(cell, undecided));
        }
        let damaged = self.damage.by().is_some();
        let result = self.result(&cell, &ran, &seen);
        let harmed = !damaged && self.damage.by().is_some();
        let result = match process {
            Process::Used if !beside && !harmed && may_be_of_others(result.verdict) => self.alone(&cell, result),
            _ => result,
        };
        Some(Ended::Result(cell, result, beside))
    }

    /// Counts the time in which steps were done. What the run itself does while others are being done is no cost.
    fn was_busy(&mut self, from: Instant, to: Instant) {
        let (first, last) = self.busy.take().unwrap_or((from, to));
        let (first, last) = (first.min(from), last.max(to));
        match self.running.is_empty() {
            true => self.steps += last - first,
            false => self.busy = Some((first, last)),
        }
    }

    /// Runs a cell again by itself that has failed behind others in a process: what those have left there may be the cause.
    /// A failure that does not show again stays one.
    fn alone(&mut self, cell: &Cell, behind: CellResult) -> CellResult {
        if self.confirmed >= CONFIRMED {
            return behind;
        }
        let alone = self.run(cell);
        if alone.verdict.broken() {
            self.confirmed += 1;
            return alone;
        }
        self.confirmed = 0;
        let mut findings = behind.findings;
        for finding in findings.iter_mut().filter(|finding| finding.verdict == behind.verdict) {
            finding.seen += &format!("; {NOT_SHOWN_ALONE}");
        }
        CellResult { findings, ..behind }
    }

    fn order(&mut self, cell: &Cell, plan: &dyn Fn(u32) -> Option<Cell>, alone: bool) {
        let contiguous = &self.contiguous;
        let work = |number: u32, settle: Duration, say: &mut dyn FnMut(&Message)| {
            let Some(cell) = plan(number) else { return };
            let importers = [&cell.importer, &cell.second_importer];
            let scatter = importers.into_iter().flatten().any(|importer| contiguous.contains(&importer.key));
            let _fragments = scatter.then(|| Fragments::make(FRAGMENTS));
            crate::cell::execute(&cell, settle, say);
        };
        let (alone, settle) = (alone || has_its_process(cell), self.settle.of(cell));
        let order = Order { number: cell.number, deadline: cell.case.deadline.0, settle, alone };
        self.workers.start(order, &work);
    }

    fn begin_watch(&mut self) {
        let late = self.watch.begin();
        self.learn_late(late);
    }

    /// Keeps what the kernel said since the last cells have ended. What comes before any cell is the machine's own.
    fn learn_late(&mut self, late: Late) {
        let Some(cell) = self.last.first() else { return };
        self.damage.learn(&format!("a report behind {cell}"), late.taint);
        if !late.splats.is_empty() || late.taint & kernel_log::TAINT_TROUBLE != 0 {
            self.late.push((self.last.clone(), late));
        }
    }

    /// Takes what the kernel said between the end of cells and the begin of the next, with the cells before it; `now` looks
    /// once more.
    pub fn take_late(&mut self, now: bool) -> Vec<(Vec<String>, Late)> {
        if now {
            let late = self.watch.late();
            self.learn_late(late);
        }
        std::mem::take(&mut self.late)
    }

    fn result(&mut self, cell: &Cell, ran: &ChildOutcome, seen: &Observations) -> CellResult {
        let (mut verdict, mut findings) = judge::judge(ran, seen, &cell.drivers());
        if self.latent_fails {
            verdict = judge::fail_latent(verdict, &mut findings);
        }
        if let Some(unseen) = self.unseen(cell).filter(|_| verdict == Verdict::Pass) {
            verdict = unseen.verdict;
            findings.push(unseen);
        }
        let map_dma_buf = of_steps(seen.exported.clone(), ran.exported());
        let damaged_by = self.damage.by().map(str::to_owned);
        self.damage.learn(&cell.id, seen.taint);
        let (device_access, time) = (ran.device_access(), ran.time);
        let result = CellResult { verdict, findings, map_dma_buf, device_access, damaged_by, time };
        self.settle.learn(cell, &result);
        result
    }
}
