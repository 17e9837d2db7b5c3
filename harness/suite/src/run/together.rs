//! Which cells run at the same time (`--jobs`), and when what they showed does not count.
//!
//! Cells run together that have no device in common, and of which none looks at the machine as a whole. The kernel's log
//! and its taint are the machine's, too: where they tell of something while several cells run, or one of these does not
//! end by itself, nobody can say whose it is. Then nothing of what any of them showed counts, a pass as little as a
//! failure, and each is run alone.

use std::collections::{BTreeSet, VecDeque};

use document::step::Step;
use uapi::process::Ending;

use super::child::Ran;
use super::watch::Seen;
use crate::plan::Cell;

/// So many cells are looked through for some that can run beside others.
const WINDOW: usize = 1024;

/// Buffers that are larger take memory away from others, bytes.
const LARGE: u64 = 64 << 20;

/// Cells that have yet to be run.
pub struct Waiting<'a> {
    cells: VecDeque<&'a Cell>,
    /// The ids of those that run alone, whatever they do.
    alone: BTreeSet<&'a str>,
    jobs: usize,
}

impl<'a> Waiting<'a> {
    /// In this order, so many at the same time; `alone` are ids of cells that run alone.
    pub fn new(cells: impl Iterator<Item = &'a Cell>, alone: impl Iterator<Item = &'a str>, jobs: usize) -> Self {
        Self { cells: cells.collect(), alone: alone.collect(), jobs }
    }

    /// The first of them, with others that can run at the same time.
    pub fn take(&mut self) -> Vec<&'a Cell> {
        let Some(first) = self.cells.pop_front() else { return Vec::new() };
        let mut together = vec![first];
        if self.jobs < 2 || self.is_alone(first) {
            return together;
        }
        let mut taken: BTreeSet<String> = locks(first);
        let mut place = 0;
        while together.len() < self.jobs && place < self.cells.len().min(WINDOW) {
            let cell = self.cells[place];
            let wanted = locks(cell);
            if self.is_alone(cell) || !taken.is_disjoint(&wanted) {
                place += 1;
                continue;
            }
            taken.extend(wanted);
            together.extend(self.cells.remove(place));
        }
        together
    }

    /// What these showed does not count: each is next, and runs alone.
    pub fn again(&mut self, cells: &[&'a Cell]) {
        for cell in cells.iter().rev() {
            self.alone.insert(&cell.id);
            self.cells.push_front(cell);
        }
    }

    fn is_alone(&self, cell: &Cell) -> bool {
        self.alone.contains(cell.id.as_str()) || looks_at_the_machine(cell)
    }
}

/// What a cell takes for itself.
fn locks(cell: &Cell) -> BTreeSet<String> {
    cell.endpoints().flat_map(|endpoint| endpoint.locks()).collect()
}

/// Whether a cell counts what others change, or takes away what others need.
pub fn looks_at_the_machine(cell: &Cell) -> bool {
    cell.case.steps.iter().any(of_the_machine) || cell.sizes().iter().any(|&size| size > LARGE)
}

fn of_the_machine(step: &Step) -> bool {
    let itself = match step {
        // dma-bufs, memory and attachments of everybody; descriptors and processors.
        Step::Snapshot(_) | Step::Balance(_) | Step::Limit(_) | Step::Race(_) => true,
        Step::Allocate(_) | Step::Export(_) | Step::Planes(_) | Step::Import(_) | Step::SameHandle(_) => false,
        Step::Release(_) | Step::Map(_) | Step::Fill(_) | Step::Check(_) | Step::Sync(_) | Step::Pin(_) => false,
        Step::DeviceFill(_) | Step::DeviceCheck(_) | Step::Stream(_) | Step::Untouched(_) | Step::Grow(_) => false,
        Step::MakeWritable(_) | Step::Reopen(_) | Step::Orders(_) | Step::Fork(_) | Step::Send(_) => false,
        Step::Receive(_) | Step::Exec(_) | Step::Repeat(_) | Step::Duplicate(_) | Step::Open(_) => false,
        Step::SameFile(_) | Step::Size(_) | Step::Seek(_) | Step::Flags(_) | Step::DmaBuf(_) | Step::Poll(_) => false,
        Step::ExportSyncFile(_) | Step::ImportSyncFile(_) | Step::AttachFence(_) | Step::Signal(_) => false,
        Step::SyncFlags(_) | Step::SetName(_) | Step::Name(_) | Step::CheckZero(_) => false,
        Step::Misuse(_) | Step::MisuseFile(_) => false,
    };
    itself || step.inner().into_iter().flatten().any(of_the_machine)
}

/// Something that was seen while several cells ran, and that may be of any of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided(pub String);

impl Undecided {
    /// What there is of it in a process and in what was seen while it ran.
    pub(super) fn of(ran: &Ran, seen: &Seen) -> Option<Self> {
        let said = seen.splats.first().or(seen.dumps.first()).map(|splat| splat.title.clone());
        let taint =
            (seen.taint & oracle::kernel_log::TAINT_TROUBLE != 0).then(|| "the kernel is tainted now".to_owned());
        let lost =
            (seen.lost + seen.lost_calls > 0).then(|| "records were overwritten before they could be read".into());
        let ending = match &ran.ending {
            Ok(Ending::Exited(0)) => None,
            Ok(Ending::Exited(code)) => Some(format!("a cell's process ended with exit code {code}")),
            Ok(Ending::Signalled(signal)) => Some(format!("{signal} ended a cell's process")),
            Ok(Ending::TimedOut | Ending::Stuck { .. }) => Some("a cell's process hangs".to_owned()),
            Err(why) => Some(why.clone()),
        };
        said.or(taint).or(lost).or(ending).map(Self)
    }
}
