//! Which cells run at the same time (`--jobs`), and when what they showed does not count.
//!
//! Cells run together if they have no device in common and none of them looks at the machine as a whole. As soon as one
//! has ended, another begins. The kernel's log and its taint are the machine's, too: they are read whenever a cell ends,
//! and where they show something while several cells run, or one of these does not end by itself, no one can say whose
//! it is. Then nothing of what any of them showed counts, a pass as little as a failure, and each is run by itself. A cell
//! that fails beside others without such a sign is run by itself as well, and only that counts.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use spec::step::{Scope, Step};
use uapi::process::Ending;

use super::child::ChildOutcome;
use super::watch::Observations;
use crate::plan::Cell;

/// The number of cells that are searched for some that can run with others.
const WINDOW: usize = 1024;

/// Buffers that are larger take memory away from others, bytes.
const LARGE: u64 = 64 << 20;

/// After this many cells, those that run are waited for: what is left of the machine shows only while it is idle.
const IDLE: usize = 32;

/// Cells that have yet to be run. No more of them are held than are looked through.
pub struct Waiting<I> {
    next: VecDeque<Next>,
    rest: I,
    /// The ids of those that run alone, whatever they do.
    alone: BTreeSet<String>,
    jobs: usize,
    /// True if the kernel counts bounce buffers, of which no one can say whose they are.
    bounces: bool,
    /// The cells that have begun since the machine was idle.
    since: usize,
}

/// A cell, and the things that it takes for itself.
struct Next {
    cell: Rc<Cell>,
    locks: BTreeSet<String>,
}

impl<I: Iterator<Item = Cell>> Waiting<I> {
    /// Queues cells in this order, up to `jobs` at the same time; `alone` are ids of cells that run by themselves.
    pub fn new(cells: I, alone: impl IntoIterator<Item = String>, jobs: usize, bounces: bool) -> Self {
        let alone = alone.into_iter().collect();
        Self { next: VecDeque::new(), rest: cells, alone, jobs, bounces, since: 0 }
    }

    /// The next that can run beside those that are running; nothing where there is none, or none can until they have ended.
    pub fn next(&mut self, running: &[&Cell]) -> Option<Rc<Cell>> {
        if running.is_empty() {
            self.since = 1;
            self.look_at(1);
            return self.next.pop_front().map(|next| next.cell);
        }
        if running.len() >= self.jobs || self.since >= IDLE || running.iter().any(|cell| self.is_alone(cell)) {
            return None;
        }
        let taken: BTreeSet<String> = running.iter().flat_map(|cell| locks(cell)).collect();
        let mut place = 0;
        while place < WINDOW {
            self.look_at(place + 1);
            let next = self.next.get(place)?;
            if taken.is_disjoint(&next.locks) && !self.is_alone(&next.cell) {
                self.since += 1;
                return self.next.remove(place).map(|next| next.cell);
            }
            place += 1;
        }
        None
    }

    /// Returns whether there is none left.
    pub fn is_empty(&mut self) -> bool {
        self.look_at(1);
        self.next.is_empty()
    }

    /// Lets no more cells run at the same time.
    pub fn one_at_a_time(&mut self) {
        self.jobs = 1;
    }

    /// Makes this many of the next cells, as far as there are that many.
    fn look_at(&mut self, count: usize) {
        let missing = count.saturating_sub(self.next.len());
        let next = |cell: Cell| Next { locks: locks(&cell), cell: Rc::new(cell) };
        self.next.extend(self.rest.by_ref().take(missing).map(next));
    }

    /// Discards what these showed: each is next, and runs by itself.
    pub fn again(&mut self, cells: &[Rc<Cell>]) {
        for cell in cells.iter().rev() {
            self.alone.insert(cell.id.clone());
            self.next.push_front(Next { cell: cell.clone(), locks: locks(cell) });
        }
    }

    fn is_alone(&self, cell: &Cell) -> bool {
        self.alone.contains(&cell.id) || looks_at_the_machine(cell, self.bounces)
    }
}

/// Returns the things that a cell takes for itself.
fn locks(cell: &Cell) -> BTreeSet<String> {
    cell.endpoints().flat_map(|endpoint| endpoint.locks()).collect()
}

fn scope(cell: &Cell) -> Scope {
    cell.case.steps.iter().map(Step::scope).max().unwrap_or(Scope::Cell)
}

/// Returns whether a cell counts what others change, or takes away what others need.
fn looks_at_the_machine(cell: &Cell, bounces: bool) -> bool {
    let most = if bounces { Scope::Cell } else { Scope::Counts };
    let keeps = |step: &Step| matches!(step, Step::Repeat(repeat) if repeat.keep);
    scope(cell) > most || cell.case.steps.iter().any(keeps) || cell.sizes().iter().any(|&size| size > LARGE)
}

/// Returns whether a cell counts what other cells may have left in its process, or takes away what they need.
pub fn counts(cell: &Cell) -> bool {
    looks_at_the_machine(cell, true)
}

/// Something that was seen while several cells ran, and that may be of any of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided(pub String);

impl Undecided {
    /// Finds it in a process and in what was seen while it ran.
    pub(super) fn of(ran: &ChildOutcome, seen: &Observations) -> Option<Self> {
        // Named one by one: what is new there is the machine's, and asked for here, or the process's own.
        let Observations {
            splats,
            dumps,
            taint,
            lost,
            lost_calls,
            touched: _,
            shared: _,
            frames: _,
            exported: _,
            broken: _,
        } = seen;
        let said = splats.first().or(dumps.first()).map(|splat| splat.title.clone());
        let taint = (taint & kernel_log::TAINT_TROUBLE != 0).then(|| "the kernel is tainted now".to_owned());
        let lost = (lost + lost_calls > 0).then(|| "records were overwritten before they could be read".into());
        let ending = match &ran.ending {
            Ok(Ending::Exited(0)) => None,
            Ok(Ending::Exited(code)) => Some(format!("a cell's process ended with exit code {code}")),
            Ok(Ending::Signalled(signal)) => Some(format!("{signal} ended a cell's process")),
            Ok(Ending::Vanished) => Some("a cell's process is gone without an end".to_owned()),
            Ok(Ending::TimedOut | Ending::Stuck { .. }) => Some("a cell's process hangs".to_owned()),
            Err(why) => Some(why.clone()),
        };
        said.or(taint).or(lost).or(ending).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use device::Endpoint;
    use kernel_log::{Splat, SplatKind};
    use spec::case::{Case, Kind};

    use super::*;
    use crate::cell::message::Messages;
    use crate::plan::{Plan, plan};

    fn cells(size: &str, steps: &str) -> Plan {
        let text = format!("name: c\nrule: r\nwhy: w\nreference: f\ncells: exporter\nsize: {size}\nsteps:\n{steps}");
        let case = Rc::new(Case::parse(Path::new("area/c.yaml"), &text).unwrap());
        let endpoint = |key: &str| {
            let endpoint = Endpoint::new(Kind::Drm, key, "d", PathBuf::from(format!("/dev/{key}")));
            Rc::new(Endpoint { exports: true, ..endpoint })
        };
        plan(&[case], &["a", "b", "c"].map(endpoint))
    }

    const STEPS: &str = "  - allocate: {as: b}\n  - export: {buffer: b, as: f}\n  - size: {file: f}\n";

    /// How many cells run each time that no more can begin, of which then all end.
    fn taken(cells: &Plan, jobs: usize, bounces: bool) -> Vec<usize> {
        let mut waiting = Waiting::new(cells.iter(), [], jobs, bounces);
        let mut all = Vec::new();
        loop {
            let mut running: Vec<Rc<Cell>> = Vec::new();
            while let Some(cell) = waiting.next(&running.iter().map(Rc::as_ref).collect::<Vec<_>>()) {
                running.push(cell);
            }
            if running.is_empty() {
                return all;
            }
            all.push(running.len());
        }
    }

    #[test]
    fn as_many_are_taken_as_may_run_and_large_buffers_run_alone() {
        assert_eq!(taken(&cells("4KiB", STEPS), 1, false), [1, 1, 1]);
        assert_eq!(taken(&cells("4KiB", STEPS), 2, false), [2, 1]);
        assert_eq!(taken(&cells("65MiB", STEPS), 2, false), [1, 1, 1]);
    }

    #[test]
    fn balances_run_alone_where_bounce_buffers_are_counted_and_races_everywhere() {
        let balance = "  - allocate: {as: b}\n  - export: {buffer: b, as: f}\n  - snapshot: {as: s, file: f}\n  - balance: {since: s, file: f}\n";
        assert_eq!(taken(&cells("4KiB", balance), 2, false), [2, 1]);
        assert_eq!(taken(&cells("4KiB", balance), 2, true), [1, 1, 1]);
        assert!(counts(&cells("4KiB", balance).get(0).unwrap()) && !counts(&cells("4KiB", STEPS).get(0).unwrap()));
        let limit =
            "  - allocate: {as: b}\n  - limit: {files: 9, steps: [{export: {buffer: b, as: f}}, {size: {file: f}}]}\n";
        assert_eq!(taken(&cells("4KiB", limit), 2, false), [1, 1, 1]);
    }

    #[test]
    fn now_and_then_all_are_waited_for() {
        let cells = cells("4KiB", STEPS);
        let other = cells.get(1).unwrap();
        let endless = std::iter::repeat(cells.get(0).unwrap());
        let mut waiting = Waiting::new(endless, [], 2, false);
        assert!(waiting.next(&[]).is_some());
        assert_eq!(std::iter::from_fn(|| waiting.next(&[&other])).count(), IDLE - 1);
        assert!(waiting.next(&[]).is_some() && waiting.next(&[&other]).is_some());
    }

    #[test]
    fn what_does_not_count_is_next_and_alone() {
        let cells = cells("4KiB", STEPS);
        let mut waiting = Waiting::new(cells.iter(), [], 2, false);
        let first = waiting.next(&[]).unwrap();
        let second = waiting.next(&[&first]).unwrap();
        waiting.again(&[first.clone(), second.clone()]);
        let again = waiting.next(&[]).unwrap();
        assert_eq!((&again.id, waiting.next(&[&again]).map(|cell| cell.id.clone())), (&first.id, None));
        assert_eq!(waiting.next(&[]).unwrap().id, second.id);
    }

    #[test]
    fn whatever_may_be_of_any_of_them_is_undecided() {
        let ran = |ending| ChildOutcome::of(1, Messages::default(), ending, Duration::ZERO, Duration::ZERO);
        let quiet = || ran(Ok(Ending::Exited(0)));
        assert_eq!(Undecided::of(&quiet(), &Observations::default()), None);
        let splat = || vec![Splat { kind: SplatKind::Warning, title: "t".into(), lines: vec![] }];
        let seen = [
            Observations { splats: splat(), ..Observations::default() },
            Observations { dumps: splat(), ..Observations::default() },
            Observations { taint: 1 << 9, ..Observations::default() },
            Observations { lost: 1, ..Observations::default() },
            Observations { lost_calls: 1, ..Observations::default() },
        ];
        assert!(seen.iter().all(|seen| Undecided::of(&quiet(), seen).is_some()));
        for ending in [Ending::Exited(101), Ending::Signalled("SIGSEGV"), Ending::TimedOut] {
            assert!(Undecided::of(&ran(Ok(ending)), &Observations::default()).is_some());
        }
    }
}
