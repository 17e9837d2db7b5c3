//! The run loop: every planned cell, by itself or with others, begun and recorded in the journal.

use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use event::journal::{Journal, JournalError};
use event::known::KnownFaults;
use event::missing::missing;
use event::{self, Again, CellEnd, CellStart, EndpointFound, Event, Missing, Resumed, Then, Trouble};
use oracle::balance::bounce;
use spec::board::{Board, Expect};
use spec::verdict::Outcome;

use super::board::about;
use super::breaker::held_back;
use super::inventory::Inventory;
use super::result::CellResult;
use super::resume::{Before, ResumeError};
use super::runner::{Ended, Runner};
use super::shrinking::Shrinking;
use super::so_far::SoFar;
use super::together::{Undecided, Waiting};
use super::trouble::{self, AfterDamage, Lookout};
use crate::plan::{Cell, Plan};
use crate::watchdog::Feeder;

mod decide;

/// The options of a run.
#[derive(Default)]
pub struct RunOptions {
    /// The board file.
    pub board: Option<Board>,
    /// The known faults of the kernel.
    pub known: KnownFaults,
    /// True if every cell is run: only then can something that the board file expects be missing.
    pub whole: bool,
    /// The time that finding the endpoints and planning took, in milliseconds.
    pub plan_ms: u64,
    /// The run that the cells are a shard of.
    pub part: Option<event::Part>,
    /// Hears that the run gets on.
    pub watchdog: Option<Feeder>,
    /// The number of cells that run at the same time if they cannot disturb each other; 0 is 1.
    pub jobs: usize,
    /// What is done when a cell has harmed the machine.
    pub after_damage: AfterDamage,
    /// Latent faults of the DMA contract are failures.
    pub latent_fails: bool,
    /// All cells that this machine can run: of those that were not chosen, some may tell suspects apart.
    pub decide: Option<Plan>,
    /// Cells are run in the order of the plan alone: a console's reader knows by it which have ended.
    pub in_order: bool,
}

/// The reason why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It cannot resume where another was cut short.
    #[error(transparent)]
    Resume(#[from] ResumeError),
}

/// After this many cells of which nothing counts that they showed beside others, one runs at a time.
const DISCARDED: usize = 100;

/// Hears of the progress of a run.
pub trait Progress {
    /// The devices are known, and this many cells are planned.
    fn planned(&mut self, run: &event::Run, endpoints: &[EndpointFound]);
    /// A cell begins. If the machine goes down, this was the last that it said.
    fn begins(&mut self, _id: &str) {}
    /// A cell has ended, the `number`th from 1, and the journal has it.
    fn cell(&mut self, number: usize, cell: &CellEnd);
    /// The machine is not what it was.
    fn trouble(&mut self, _trouble: &Trouble) {}
}

/// Runs every planned cell on a board and writes the journal. Of a run that was cut short, cells that ended `before` are
/// not run again. A run that asks for a restart, or is to stop, has no end in its journal.
///
/// # Errors
/// A journal that cannot be written, or a run that cannot be resumed; it stops there.
pub fn run(
    options: &RunOptions,
    inventory: &mut Inventory,
    cells: &Plan,
    before: Option<&Before>,
    journal: &mut Journal,
    progress: &mut dyn Progress,
) -> Result<(), RunError> {
    let mut session = Session::begin(options, inventory, cells, before, journal, progress)?;
    let left = cells.iter().filter(|cell| !before.is_some_and(|before| before.has(&cell.id)));
    let suspects = before.into_iter().flat_map(|before| before.suspects()).cloned();
    let bounces = bounce::slots(Path::new("/proc"), Path::new("/sys/kernel/debug")).is_some();
    let mut waiting = Waiting::new(left, suspects, options.jobs.max(1), bounces);
    loop {
        while !session.is_to_look() {
            let Some(cell) = waiting.next(&session.inventory.runner.running()) else { break };
            session.begin_or_hold(cell)?;
        }
        if session.inventory.runner.running().is_empty() {
            if session.look_out()? {
                return Ok(());
            }
            if !session.again.is_empty() {
                session.again(&mut waiting);
            } else if waiting.is_empty() {
                match session.held.pop_front() {
                    Some(cell) => session.start(cell)?,
                    None => return session.finish(),
                }
            }
            continue;
        }
        session.wait()?;
    }
}

/// A run in progress.
struct Session<'a> {
    options: &'a RunOptions,
    inventory: &'a mut Inventory,
    cells: &'a Plan,
    before: Option<&'a Before>,
    journal: &'a mut Journal,
    progress: &'a mut dyn Progress,
    so_far: SoFar,
    lookout: Lookout,
    /// Cells that are run last, if at all: others that are like them hang.
    held: VecDeque<Rc<Cell>>,
    /// Cells of which nothing that they showed beside others counts, and why.
    again: Vec<(Rc<Cell>, Undecided)>,
    /// How many there were.
    discarded: usize,
    /// The cells that have ended since the machine was looked at.
    ran: Vec<String>,
    /// Events that are written with the next cell's start: nothing happens in between.
    pending: Vec<Event>,
    /// The number of ended cells that the listener has heard of.
    told: usize,
    started: Instant,
}

impl<'a> Session<'a> {
    fn begin(
        options: &'a RunOptions,
        inventory: &'a mut Inventory,
        cells: &'a Plan,
        before: Option<&'a Before>,
        journal: &'a mut Journal,
        progress: &'a mut dyn Progress,
    ) -> Result<Self, RunError> {
        let about = about(options.board.as_ref(), cells.len(), inventory.runner.oracles(), options.plan_ms);
        let run = event::Run { part: options.part.clone(), ..about };
        let endpoints = || inventory.found.iter().cloned().map(Event::Endpoint);
        let pending = match before {
            None => std::iter::once(Event::Run(run.clone())).chain(endpoints()).collect(),
            Some(before) => {
                before.check(&run.kernel, cells, &inventory.found)?;
                let (open, suspects) = (before.crashed_in().map(str::to_owned), before.suspects().to_vec());
                let resumed =
                    Event::Resumed(Resumed { open, suspects, oracles: run.oracles.clone(), taint: run.taint });
                let begun = before.elsewhere.then(|| Event::Run(run.clone()));
                let found = before.elsewhere.then(endpoints).into_iter().flatten();
                begun.into_iter().chain(found).chain([resumed]).collect()
            }
        };
        progress.planned(&run, &inventory.found);
        let so_far = before.map(|before| before.so_far.clone()).unwrap_or_default();
        let started = Instant::now();
        let damaged = inventory.runner.damaged_by().is_some();
        let lookout = Lookout::of(options.after_damage, Shrinking::since_now("/proc"), damaged);
        if options.latent_fails {
            inventory.runner.fail_latent();
        }
        let (held, again, ran, told) = (VecDeque::new(), Vec::new(), Vec::new(), so_far.number);
        let mut session = Self {
            options,
            inventory,
            cells,
            before,
            journal,
            progress,
            so_far,
            lookout,
            held,
            again,
            discarded: 0,
            ran,
            pending,
            told,
            started,
        };
        if let Some(ended) = before.and_then(|before| before.end_without_devices(cells)) {
            session.ended(ended);
        }
        Ok(session)
    }

    fn expect(&self) -> Option<&'a Expect> {
        self.options.board.as_ref().map(|board| &board.expect)
    }

    /// Lets a cell begin, unless others that are like it hang, or it is known how it has ended.
    fn begin_or_hold(&mut self, cell: Rc<Cell>) -> Result<(), JournalError> {
        if !self.options.in_order && self.so_far.breaker.holds(&cell).is_some() {
            self.held.push_back(cell);
            return Ok(());
        }
        if let Some(before) = self.before.filter(|before| before.crashed_in() == Some(&cell.id)) {
            let crashed = before.end_of(&cell);
            self.ended(crashed.event(&cell, self.expect(), &self.options.known));
            return Ok(());
        }
        self.start(cell)
    }

    /// Returns the result of a cell that is not run because of what has become of others.
    fn spared(&mut self, cell: &Cell) -> Option<CellResult> {
        if let Some(spared) = self.so_far.deadly.spares(cell) {
            return Some(spared);
        }
        let common = self.so_far.breaker.holds(cell)?;
        let tried = !self.options.in_order && self.so_far.breaker.may_try(&common);
        (!tried).then(|| held_back(cell, &common))
    }

    /// Lets a cell begin. If the machine goes down, that is the last that the journal has.
    fn start(&mut self, cell: Rc<Cell>) -> Result<(), JournalError> {
        self.pending.push(Event::CellStart(CellStart { id: cell.id.clone() }));
        self.write()?;
        self.progress.begins(&cell.id);
        let running = self.inventory.runner.running();
        let longest = running.into_iter().chain([cell.as_ref()]).map(|cell| cell.case.deadline.0).max();
        self.options.watchdog.iter().for_each(|watchdog| watchdog.allow(longest.unwrap_or_default()));
        match self.spared(&cell).or_else(|| Runner::not_run(&cell)) {
            Some(known) => self.ended(known.event(&cell, self.expect(), &self.options.known)),
            None => self.inventory.runner.start(&cell, self.cells),
        }
        Ok(())
    }

    /// Returns whether no other cell may begin before those that run have ended, and the machine was looked at.
    fn is_to_look(&self) -> bool {
        let idle = self.inventory.runner.running().is_empty();
        !self.again.is_empty() || idle && !self.ran.is_empty()
    }

    /// Waits until a cell has ended.
    fn wait(&mut self) -> Result<(), JournalError> {
        if !self.pending.is_empty() {
            // No other has begun since: if the machine goes down, what has ended is not to be open.
            self.write()?;
        }
        match self.inventory.runner.wait() {
            None => {}
            Some(Ended::Undecided(cell, why)) => self.again.push((cell, why)),
            Some(Ended::Result(cell, result, beside)) => {
                let ended = result.event(&cell, self.expect(), &self.options.known);
                if beside && ended.outcome != Outcome::Expected {
                    let seen = ended.findings.iter().find(|finding| finding.verdict == ended.verdict);
                    let seen = seen.map_or_else(|| ended.verdict.to_string(), |finding| finding.seen.clone());
                    self.again.push((cell, Undecided(seen)));
                } else {
                    self.ran.push(cell.id.clone());
                    self.ended(ended);
                }
            }
        }
        Ok(())
    }

    /// Lets those be run again, each by itself, of which no one can say what of that which was seen is theirs.
    fn again(&mut self, waiting: &mut Waiting<impl Iterator<Item = Cell>>) {
        let again = std::mem::take(&mut self.again);
        for together in again.chunk_by(|(_, one), (_, other)| one == other) {
            let cells = together.iter().map(|(cell, _)| cell.id.clone()).collect();
            self.pending.push(Event::Again(Again { cells, seen: together[0].1.0.clone() }));
        }
        self.discarded += again.len();
        if self.discarded > DISCARDED {
            waiting.one_at_a_time();
        }
        waiting.again(&again.into_iter().map(|(cell, _)| cell).collect::<Vec<_>>());
    }

    /// Looks what has become of the machine in cells that were run, while none runs. Returns whether the run is over.
    fn look_out(&mut self) -> Result<bool, JournalError> {
        self.late(false);
        let ran = std::mem::take(&mut self.ran);
        if ran.is_empty() || self.so_far.number >= self.cells.len() {
            // The machine has done what it was there for.
            return Ok(false);
        }
        let damage = self.inventory.runner.damaged_by();
        let Some(trouble) = self.lookout.after(&ran, damage, &self.so_far.breaker) else { return Ok(false) };
        let over = trouble.then != Then::GoOn;
        self.tell([trouble]);
        if over {
            self.write()?;
        }
        Ok(over)
    }

    /// Reports what the kernel said between cells.
    fn late(&mut self, now: bool) {
        let late = self.inventory.runner.take_late(now);
        self.tell(late.into_iter().map(|(cells, late)| trouble::of_late(cells, &late)));
    }

    fn tell(&mut self, troubles: impl IntoIterator<Item = Trouble>) {
        for trouble in troubles {
            self.so_far.troubles.push(trouble.clone());
            self.pending.push(Event::Trouble(trouble));
        }
    }

    fn ended(&mut self, ended: CellEnd) {
        self.so_far.learn(&ended);
        self.pending.push(Event::Cell(ended));
    }

    /// Writes what is pending. The listener hears of an end after that: where it has told of a cell, the journal never has
    /// that cell open, and no one takes it for the one in which the machine went down.
    fn write(&mut self) -> Result<(), JournalError> {
        let pending = std::mem::take(&mut self.pending);
        self.journal.write(&pending)?;
        for event in &pending {
            match event {
                Event::Cell(ended) => {
                    self.told += 1;
                    self.progress.cell(self.told, ended);
                }
                Event::Trouble(trouble) => self.progress.trouble(trouble),
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes what is missing, and the totals.
    fn finish(mut self) -> Result<(), RunError> {
        self.decide()?;
        self.late(true);
        let at_end = self.lookout.at_end();
        self.tell(at_end);
        let missing = self.missing();
        let mut end = std::mem::take(&mut self.so_far.end);
        end.count_missing(missing.len());
        self.pending.extend(missing.into_iter().map(Event::Missing));
        let causes = self.causes().into_iter();
        self.pending.extend(causes.map(|cause| Event::Cause(Box::new(cause.for_journal()))));
        let time = self.started.elapsed();
        end.cells_ms += time.as_millis() as u64;
        end.own_ms = Some(time.saturating_sub(self.inventory.runner.steps()).as_millis() as u64);
        end.peak_kib = uapi::process::peak_memory();
        end.taint = kernel_log::taint(Path::new("/proc"));
        self.pending.push(Event::End(end));
        Ok(self.write()?)
    }

    /// Returns what the board file expects and the run did not see, and endpoints that a restart has taken away.
    fn missing(&self) -> Vec<Missing> {
        let found = &self.inventory.found;
        // What was reached before is on a console.
        let whole = self.options.whole && !self.before.is_some_and(|before| before.elsewhere);
        let by_board = self.expect().filter(|_| whole).map(|expect| missing(expect, found, &self.so_far.reached));
        let mut missing = by_board.unwrap_or_default();
        for vanished in self.before.map(|before| before.vanished(found)).unwrap_or_default() {
            if !missing.iter().any(|missing| missing.name == vanished) {
                missing.push(Missing { what: "endpoint".into(), name: vanished, outcome: Outcome::Missing });
            }
        }
        missing
    }
}
