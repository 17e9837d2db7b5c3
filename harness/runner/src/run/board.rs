//! A whole run: the board's endpoints, every cell, the journal.

use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use device::{Endpoint, System};
use spec::board::{Board, Expect};
use spec::verdict::Outcome;

use super::resume::{Before, ResumeError};
use super::together::Waiting;
use super::{Runner, Shown, Sources, cell_end};
use crate::plan::{Cell, Plan};
use crate::watchdog::Feeder;
use event::journal::{Journal, JournalError};
use event::missing::missing;
use event::{self, Again, CellEnd, CellStart, EndpointFound, Event, Missing, OracleState, Resumed};

/// What a run is made of.
pub struct Setting {
    /// The board file.
    pub board: Option<Board>,
    /// The endpoints, as they were found.
    pub endpoints: Vec<Rc<Endpoint>>,
    /// Where the oracles look.
    pub sources: Sources,
    /// Whether every cell is run: only then can something that the board file expects be missing.
    pub whole: bool,
    /// How long it took to find the endpoints, in milliseconds.
    pub found_ms: u64,
    /// Of which run the cells are a shard.
    pub part: Option<event::Part>,
    /// Is told that the run gets on.
    pub watchdog: Option<Feeder>,
    /// How many cells run at the same time, if they cannot disturb each other.
    pub jobs: usize,
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It cannot go on where another was cut short.
    #[error(transparent)]
    Resume(#[from] ResumeError),
}

/// The endpoints of this machine.
pub fn endpoints() -> Vec<Rc<Endpoint>> {
    device::inventory::find(&System::default()).into_iter().map(Rc::new).collect()
}

/// Holds a verdict against the board file. Without one, only what is broken is unexpected.
pub fn outcome<'a>(expect: Option<&'a Expect>, id: &str, shown: &Shown) -> (Outcome, Option<&'a str>) {
    match expect {
        Some(expect) => expect.outcome(id, shown.verdict, shown.refused(), &shown.seen()),
        None if shown.verdict.broken() => (Outcome::Regression, None),
        None => (Outcome::Expected, None),
    }
}

/// What is told while a run goes on.
pub trait Progress {
    /// The devices are known, and so many cells are planned.
    fn planned(&mut self, run: &event::Run, endpoints: &[EndpointFound]);
    /// A cell begins. If the machine goes down, this was the last that it said.
    fn begins(&mut self, _id: &str) {}
    /// A cell has ended, the `number`th from 1.
    fn cell(&mut self, number: usize, cell: &CellEnd);
}

/// Runs every planned cell and writes the journal. Of a run that was cut short, what was run `before` is not run again.
///
/// # Errors
/// A journal that cannot be written, or a run that cannot be gone on with; it stops there.
pub fn run(
    setting: &Setting,
    cells: &Plan,
    before: Option<&Before>,
    journal: &mut Journal,
    progress: &mut dyn Progress,
) -> Result<(), RunError> {
    let started = Instant::now();
    let (mut runner, found) = Runner::start(&setting.sources, &setting.endpoints);
    let plan_ms = setting.found_ms + started.elapsed().as_millis() as u64;
    let about = about(setting.board.as_ref(), cells.len(), runner.oracles(), plan_ms);
    let run = event::Run { part: setting.part.clone(), ..about };
    let expect = setting.board.as_ref().map(|board| &board.expect);
    let mut so_far = before.map(|before| before.so_far.clone()).unwrap_or_default();
    let mut pending: Vec<Event> = match before {
        None => std::iter::once(Event::Run(run.clone())).chain(found.iter().cloned().map(Event::Endpoint)).collect(),
        Some(before) => {
            before.check(&run.kernel, cells, &found)?;
            let (open, suspects) = (before.crashed_in().map(str::to_owned), before.suspects().to_vec());
            let oracles = run.oracles.clone();
            let begun = before.elsewhere.then(|| Event::Run(run.clone()));
            let endpoints = found.iter().filter(|_| before.elsewhere).cloned().map(Event::Endpoint);
            let resumed = Event::Resumed(Resumed { open, suspects, oracles, taint: run.taint });
            begun.into_iter().chain(endpoints).chain([resumed]).collect()
        }
    };
    progress.planned(&run, &found);
    if let Some(ended) = before.and_then(|before| before.end_without_devices(cells)) {
        so_far.learn(&ended);
        progress.cell(so_far.number, &ended);
        pending.push(Event::Cell(ended));
    }
    let started = Instant::now();
    let left = cells.iter().filter(|cell| !before.is_some_and(|before| before.has(&cell.id)));
    let suspects = before.into_iter().flat_map(|before| before.suspects()).cloned();
    let mut waiting = Waiting::new(left, suspects, setting.jobs);
    loop {
        let together = waiting.take();
        if together.is_empty() {
            break;
        }
        let (crashed, begun): (Vec<Rc<Cell>>, Vec<Rc<Cell>>) =
            together.into_iter().partition(|cell| before.is_some_and(|before| before.crashed_in() == Some(&cell.id)));
        let mut ended: Vec<(Rc<Cell>, Shown)> = Vec::new();
        ended.extend(
            crashed.into_iter().filter_map(|cell| before.map(|before| before.end_of(&cell)).map(|end| (cell, end))),
        );
        if !begun.is_empty() {
            pending.extend(begun.iter().map(|cell| Event::CellStart(CellStart { id: cell.id.clone() })));
            journal.write(&std::mem::take(&mut pending))?;
            begun.iter().for_each(|cell| progress.begins(&cell.id));
            let longest = begun.iter().map(|cell| cell.case.deadline.0).max().unwrap_or_default();
            setting.watchdog.iter().for_each(|watchdog| watchdog.allow(longest));
        }
        let known = |cell: &Cell| so_far.deadly.spares(cell).or_else(|| Runner::not_run(cell));
        let mut run: Vec<Rc<Cell>> = Vec::new();
        for cell in begun {
            match known(&cell) {
                Some(shown) => ended.push((cell, shown)),
                None => run.push(cell),
            }
        }
        match if run.is_empty() { Ok(Vec::new()) } else { runner.run_together(&run) } {
            Ok(shown) => ended.extend(run.into_iter().zip(shown)),
            Err(undecided) => {
                let ids = run.iter().map(|cell| cell.id.clone()).collect();
                pending.push(Event::Again(Again { cells: ids, seen: undecided.0 }));
                waiting.again(&run);
            }
        }
        for (cell, shown) in ended {
            let ended = cell_end(&cell, &shown, expect);
            so_far.learn(&ended);
            progress.cell(so_far.number, &ended);
            // Written with the start of the next cell: nothing happens in between.
            pending.push(Event::Cell(ended));
        }
    }
    let mut end = so_far.end;
    // What was reached before is on a console.
    let whole = setting.whole && !before.is_some_and(|before| before.elsewhere);
    let by_board = expect.filter(|_| whole).map(|expect| missing(expect, &found, &so_far.reached));
    let mut missing = by_board.unwrap_or_default();
    for vanished in before.map(|before| before.vanished(&found)).unwrap_or_default() {
        if !missing.iter().any(|missing| missing.name == vanished) {
            missing.push(Missing { what: "endpoint".into(), name: vanished, outcome: Outcome::Missing });
        }
    }
    for missing in missing {
        *end.outcomes.entry(missing.outcome.word().into()).or_insert(0) += 1;
        pending.push(Event::Missing(missing));
    }
    let time = started.elapsed();
    end.cells_ms += time.as_millis() as u64;
    end.own_ms = Some(time.saturating_sub(runner.steps()).as_millis() as u64);
    end.peak_kib = uapi::process::peak_memory();
    end.taint = kernel_log::taint(Path::new("/proc"));
    pending.push(Event::End(end));
    Ok(journal.write(&pending)?)
}

/// What runs, on what.
pub fn about(board: Option<&Board>, cells: usize, oracles: Vec<OracleState>, plan_ms: u64) -> event::Run {
    let (kernel, architecture) = uapi::process::kernel().unwrap_or_default();
    event::Run {
        version: event::VERSION,
        program: env!("CARGO_PKG_VERSION").into(),
        board: board.map(|board| board.name.clone()),
        kernel,
        architecture,
        cmdline: std::fs::read_to_string("/proc/cmdline").unwrap_or_default().trim().into(),
        taint: kernel_log::taint(Path::new("/proc")),
        oracles,
        cells,
        plan_ms,
        part: None,
    }
}

#[cfg(test)]
mod tests {
    use spec::verdict::Verdict;

    use super::*;

    #[test]
    fn without_a_board_file_only_what_is_broken_is_unexpected() {
        let shown = |verdict| Shown {
            verdict,
            findings: vec![],
            map_dma_buf: vec![],
            device_access: vec![],
            damaged_by: None,
            time: std::time::Duration::ZERO,
        };
        assert_eq!(outcome(None, "a.b.c", &shown(Verdict::Refused)).0, Outcome::Expected);
        assert_eq!(outcome(None, "a.b.c", &shown(Verdict::Crash)).0, Outcome::Regression);
    }
}
