//! The board under load: every device that works on frames streams through everyone's buffers, while others import, map
//! and close them, and several close the same one at the same time.
//!
//! A worker is a process, and a cell of the journal: `load.stream.DEVICE`, `load.rounds.worker-N`, `load.closes.worker-N`.
//! Two more cells are about the whole machine: `load.leaks.board`, what was not released, and `load.kernel-log.board`, what
//! the kernel said. Their figures are in the `cell` events.

mod clock;
mod closes;
mod crew;
mod feed;
mod frame_ledger;
mod leaks;
mod memory;
mod plan;
mod pool;
mod reference;
mod rounds;
mod show;
mod stream;
mod survey;
mod worker_report;

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use device::Endpoint;
use spec::board::Board;
use spec::finding::FindingPage;
use spec::glob::Glob;
use uapi::process::Ending;

use crate::cell::message::{Message, Messages};
use crate::run::board::{about, outcome};
use crate::run::child::ChildOutcome;
use crate::run::judge::judge;
use crate::run::{Inventory, Sources};
use clock::Clock;
use crew::{LoadContext, Signals};
use event::blame::Drivers;
use event::journal::{Journal, JournalError};
use event::known::KnownFaults;
use event::{CellEnd, CellStart, End, EndpointFound, Event, Finding, Oracle, Run};
use leaks::Count;
use plan::{Task, Worker};

/// Drivers free memory in workers and RCU callbacks: what is not released within this time is leaked.
const SETTLE: Duration = Duration::from_secs(5);

/// The options of a load.
pub struct LoadOptions {
    /// The board file.
    pub board: Option<Board>,
    /// The findings whose faults are known.
    pub findings: Vec<FindingPage>,
    /// The endpoints, as they were found.
    pub endpoints: Vec<Rc<Endpoint>>,
    /// Where the oracles look.
    pub sources: Sources,
    /// The time for which the workers work.
    pub length: Duration,
    /// The time without a message after which a worker hangs.
    pub patience: Duration,
    /// Where the sequences of the rounds begin.
    pub seed: u64,
    /// True if devices work that someone may use.
    pub intrusive: bool,
}

/// Hears of the progress of a load.
pub trait Progress {
    /// The devices are known, and this many pairs share buffers.
    fn planned(&mut self, run: &Run, endpoints: &[EndpointFound], pairs: usize);
    /// This many seconds are left, and this many workers work.
    fn left(&mut self, seconds: u64, workers: usize);
}

/// The reason why there was no load.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The workers' shared page cannot be made.
    #[error("cannot share a page with the workers (memfd_create, mmap): {0}; free some memory")]
    Clock(uapi::CallError),
}

/// The endpoints whose keys contain one of these texts, or match it where it has a '*', and none of those that are left
/// out.
pub fn choose(endpoints: Vec<Rc<Endpoint>>, wanted: &[String], skip: &[String]) -> Vec<Rc<Endpoint>> {
    let is = |texts: &[String], key: &str| {
        texts
            .iter()
            .any(|text| if text.contains('*') { Glob::new(text.clone()).matches(key) } else { key.contains(text) })
    };
    let taken = |endpoint: &Rc<Endpoint>| (wanted.is_empty() || is(wanted, &endpoint.key)) && !is(skip, &endpoint.key);
    endpoints.into_iter().filter(taken).collect()
}

/// Loads the board and writes the journal. One that was ended by a signal has no end.
///
/// # Errors
/// See [`LoadError`].
pub fn run(setting: &LoadOptions, journal: &mut Journal, progress: &mut dyn Progress) -> Result<(), LoadError> {
    let signals = Signals::take();
    let started = Instant::now();
    let endpoints = plan::one_at_a_time(&setting.endpoints);
    let Inventory { runner, found, .. } = Inventory::take(&setting.sources, &endpoints);
    let (pairs, refused) = survey::pairs(&endpoints, setting.patience);
    let workers = plan::workers(&endpoints, &pairs, setting.seed, setting.intrusive);
    let context = LoadContext::new(&endpoints, pairs, setting.patience);
    let mut watch = runner.into_watch();
    let plan_ms = started.elapsed().as_millis() as u64;
    let run =
        about(setting.board.as_ref(), workers.len() + plan::blocked(&endpoints).count() + 2, watch.states(), plan_ms);
    let mut events = vec![Event::Run(run.clone())];
    events.extend(found.iter().cloned().map(Event::Endpoint));
    // A machine that goes down leaves this one open.
    events.push(Event::CellStart(CellStart { id: LEAKS.into() }));
    journal.write(&events)?;
    progress.planned(&run, &found, context.pairs.len());

    watch.begin();
    let debugfs = &setting.sources.debugfs;
    let before = Count::now(debugfs);
    let clock = Clock::new(setting.length).map_err(LoadError::Clock)?;
    let mut tick = |seconds, working| {
        watch.gather();
        progress.left(seconds, working);
    };
    let ran = crew::work(&workers, &context, &clock, &signals, &mut tick);
    let worked = clock.began().map_or(Duration::ZERO, |began| began.elapsed());
    let rounds = ran.iter().map(rounds).sum();
    let (after, left) = settled(debugfs, &before, rounds, &context);
    let seen = watch.end(0, "");

    let judged = workers.iter().zip(&ran).map(|(worker, ran)| of_worker(worker, ran, worked));
    let mut cells: Vec<CellEnd> = judged.chain(plan::blocked(&endpoints).map(of_blocked)).collect();
    let mut figures = before.figures("before");
    figures.extend(after.figures("after"));
    let of_run =
        [("rounds-and-frames", rounds), ("pairs", context.pairs.len() as u64), ("pairs-refused", refused as u64)];
    figures.extend(of_run.map(|(name, value)| (name.to_owned(), value)));
    cells.push(cell(LEAKS, LEAKS_RULE, None, left, figures, worked));
    let (_, said) = judge(&nothing(), &seen, &Drivers::default());
    let mut splats = BTreeMap::from([("splats".to_owned(), (seen.splats.len() + seen.dumps.len()) as u64)]);
    splats.insert("records-lost".into(), seen.lost);
    let mut said: Vec<Finding> = said.into_iter().filter(|finding| finding.oracle != Oracle::Pages).collect();
    let missing = watch.states().into_iter().filter(|state| ["kernel-log", "taint"].contains(&state.oracle.as_str()));
    said.extend(
        missing.filter_map(|state| state.missing).map(|why| Finding::not_observable(Oracle::KernelLog, why, LOG_RULE)),
    );
    cells.push(cell(LOG, LOG_RULE, None, said, splats, worked));
    let registry = catalogue::registry::embedded().ok();
    let known = KnownFaults::on(setting.findings.clone(), registry.as_ref(), &run.kernel, &found);
    end(setting, &known, cells, clock.stopped(), worked, journal)
}

const LEAKS: &str = "load.leaks.board";
const LOG: &str = "load.kernel-log.board";
const LEAKS_RULE: &str = "After a load the machine has every buffer, attachment and object again.";
const LOG_RULE: &str = "Under load the kernel has nothing to complain of.";
const STREAM_RULE: &str = "A device that streams through everyone's buffers returns every frame, with the right bytes.";
const ROUNDS_RULE: &str = "Buffers can be exported, imported, mapped and closed over and over, by several at a time.";
const CLOSES_RULE: &str = "Any number may close the same buffer at the same time.";

/// Returns the work that may leak, in rounds and frames.
fn rounds(ran: &ChildOutcome) -> u64 {
    let figures = ran.figures();
    ["rounds", "frames-written", "frames-read"].iter().filter_map(|name| figures.get(*name)).sum()
}

/// Counts until everything is released, or has had time for that.
fn settled(debugfs: &Path, before: &Count, rounds: u64, context: &LoadContext) -> (Count, Vec<Finding>) {
    let end = Instant::now() + SETTLE;
    loop {
        let after = Count::now(debugfs);
        let left = after.since(before, rounds, &context.pairs);
        if !left.iter().any(|finding| finding.verdict.broken()) || Instant::now() >= end {
            return (after, left);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Returns the outcome of a process that did what it should: for what was seen only of the machine.
fn nothing() -> ChildOutcome {
    let mut messages = Messages::default();
    messages.whole.push(Message::Done { checks: 1 });
    ChildOutcome::of(0, messages, Ok(Ending::Exited(0)), Duration::ZERO, Duration::ZERO)
}

/// Returns the cell of a device that cannot stream now, like one that streams.
fn of_blocked((id, endpoint, why): (String, &Endpoint, &str)) -> CellEnd {
    let found = Finding::blocked(Oracle::Setup, why, STREAM_RULE);
    cell(&id, STREAM_RULE, Some(endpoint.key.clone()), vec![found], BTreeMap::new(), Duration::ZERO)
}

fn of_worker(worker: &Worker, ran: &ChildOutcome, worked: Duration) -> CellEnd {
    let (_, findings) = judge(ran, &crate::run::watch::Observations::default(), &Drivers::default());
    let (rule, importer) = match &worker.task {
        Task::Stream { importer, .. } | Task::Show { importer } => (STREAM_RULE, Some(importer.key.clone())),
        Task::Rounds { .. } => (ROUNDS_RULE, None),
        Task::Closes { .. } => (CLOSES_RULE, None),
    };
    cell(&worker.id, rule, importer, findings, ran.figures(), worked)
}

fn cell(
    id: &str,
    rule: &str,
    importer: Option<String>,
    findings: Vec<Finding>,
    figures: BTreeMap<String, u64>,
    worked: Duration,
) -> CellEnd {
    let of = |name: &str| figures.get(name).copied().unwrap_or(0) > 0;
    let access = [("frames-read", "read"), ("frames-written", "write")].into_iter().filter(|(name, _)| of(name));
    CellEnd {
        importer,
        ms: worked.as_millis() as u64,
        device_access: access.map(|(_, how)| how.to_owned()).collect(),
        figures,
        ..CellEnd::new(id, rule, "Documentation/driver-api/dma-buf.rst", findings)
    }
}

/// Compares the cells with the board file and writes them; the end only of a load that was as long as it should be.
fn end(
    setting: &LoadOptions,
    known: &KnownFaults,
    cells: Vec<CellEnd>,
    stopped: bool,
    worked: Duration,
    journal: &mut Journal,
) -> Result<(), LoadError> {
    let expect = setting.board.as_ref().map(|board| &board.expect);
    let mut end = End { cells_ms: worked.as_millis() as u64, peak_kib: uapi::process::peak_memory(), ..End::default() };
    let mut events = Vec::new();
    for mut cell in cells {
        let judged = outcome(expect, known, &cell.id, cell.verdict, &cell.findings);
        (cell.outcome, cell.reason, cell.known) = (judged.outcome, judged.reason, judged.known);
        end.count(&cell);
        events.push(Event::Cell(cell));
    }
    end.taint = kernel_log::taint(Path::new("/proc"));
    if !stopped {
        events.push(Event::End(end));
    }
    Ok(journal.write(&events)?)
}
