//! Which cells run at the same time (`--jobs`), and when what they showed does not count.
//!
//! Cells run together if they have no device in common and none of them looks at the machine as a whole. The kernel's log
//! and its taint are the machine's, too: where they show something while several cells run, or one of these does not
//! end by itself, no one can say whose it is. Then nothing of what any of them showed counts, a pass as little as a
//! failure, and each is run by itself.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use spec::step::Scope;
use uapi::process::Ending;

use super::child::ChildOutcome;
use super::watch::Observations;
use crate::plan::Cell;

/// The number of cells that are searched for some that can run with others.
const WINDOW: usize = 1024;

/// Buffers that are larger take memory away from others, bytes.
const LARGE: u64 = 64 << 20;

/// Cells that have yet to be run. No more of them are held than are looked through.
pub struct Waiting<I> {
    next: VecDeque<Rc<Cell>>,
    rest: I,
    /// The ids of those that run alone, whatever they do.
    alone: BTreeSet<String>,
    jobs: usize,
}

impl<I: Iterator<Item = Cell>> Waiting<I> {
    /// Queues cells in this order, up to `jobs` at the same time; `alone` are ids of cells that run by themselves.
    pub fn new(cells: I, alone: impl IntoIterator<Item = String>, jobs: usize) -> Self {
        Self { next: VecDeque::new(), rest: cells, alone: alone.into_iter().collect(), jobs }
    }

    /// The first of them, with others that can run at the same time.
    pub fn take(&mut self) -> Vec<Rc<Cell>> {
        self.look_at(1);
        let Some(first) = self.next.pop_front() else { return Vec::new() };
        let mut together = vec![first.clone()];
        if self.jobs < 2 || self.is_alone(&first) {
            return together;
        }
        self.look_at(WINDOW);
        let mut taken: BTreeSet<String> = locks(&first);
        let mut place = 0;
        while together.len() < self.jobs && place < self.next.len().min(WINDOW) {
            let cell = &self.next[place];
            let wanted = locks(cell);
            if self.is_alone(cell) || !taken.is_disjoint(&wanted) {
                place += 1;
                continue;
            }
            taken.extend(wanted);
            together.extend(self.next.remove(place));
        }
        together
    }

    /// Makes this many of the next cells, as far as there are that many.
    fn look_at(&mut self, count: usize) {
        let missing = count.saturating_sub(self.next.len());
        self.next.extend(self.rest.by_ref().take(missing).map(Rc::new));
    }

    /// Discards what these showed: each is next, and runs by itself.
    pub fn again(&mut self, cells: &[Rc<Cell>]) {
        for cell in cells.iter().rev() {
            self.alone.insert(cell.id.clone());
            self.next.push_front(cell.clone());
        }
    }

    fn is_alone(&self, cell: &Cell) -> bool {
        self.alone.contains(&cell.id) || looks_at_the_machine(cell)
    }
}

/// Returns the things that a cell takes for itself.
fn locks(cell: &Cell) -> BTreeSet<String> {
    cell.endpoints().flat_map(|endpoint| endpoint.locks()).collect()
}

/// Returns whether a cell counts what others change, or takes away what others need.
pub fn looks_at_the_machine(cell: &Cell) -> bool {
    cell.case.steps.iter().any(|step| step.scope() == Scope::Machine) || cell.sizes().iter().any(|&size| size > LARGE)
}

/// Something that was seen while several cells ran, and that may be of any of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided(pub String);

impl Undecided {
    /// Finds it in a process and in what was seen while it ran.
    pub(super) fn of(ran: &ChildOutcome, seen: &Observations) -> Option<Self> {
        // Named one by one: what is new there is the machine's, and asked for here, or the process's own.
        let Observations { splats, dumps, taint, lost, lost_calls, touched: _, shared: _, frames: _, exported: _ } =
            seen;
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

    fn taken(cells: &Plan, jobs: usize) -> Vec<usize> {
        let mut waiting = Waiting::new(cells.iter(), [], jobs);
        std::iter::from_fn(|| Some(waiting.take().len()).filter(|count| *count > 0)).collect()
    }

    #[test]
    fn as_many_are_taken_as_may_run_and_large_buffers_and_balances_run_alone() {
        assert_eq!(taken(&cells("4KiB", STEPS), 1), [1, 1, 1]);
        assert_eq!(taken(&cells("4KiB", STEPS), 2), [2, 1]);
        assert_eq!(taken(&cells("65MiB", STEPS), 2), [1, 1, 1]);
        let balance = "  - allocate: {as: b}\n  - export: {buffer: b, as: f}\n  - snapshot: {as: s, file: f}\n  - balance: {since: s, file: f}\n";
        assert_eq!(taken(&cells("4KiB", balance), 2), [1, 1, 1]);
    }

    #[test]
    fn what_does_not_count_is_next_and_alone() {
        let cells = cells("4KiB", STEPS);
        let mut waiting = Waiting::new(cells.iter(), [], 2);
        let first = waiting.take();
        waiting.again(&first);
        let ids = |cells: Vec<Rc<Cell>>| cells.iter().map(|cell| cell.id.clone()).collect::<Vec<_>>();
        assert_eq!([ids(waiting.take()), ids(waiting.take())].concat(), ids(first));
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
