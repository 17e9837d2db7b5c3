//! What happens inside a cell's process: the devices are opened, the steps are done one by one, and the first finding
//! that is worse than a property ends it.

mod access;
mod counts;
mod descriptors;
mod devices;
pub mod documented;
mod fences;
mod memory;
pub mod message;
mod misuse;
mod names;
mod planes;
mod processes;
mod requirements;
mod rounds;
mod stream;
mod world;
mod zero;

use std::rc::Rc;

use document::case::Case;
use document::step::Step;
use document::verdict::Verdict;

use crate::event::{Blame, Finding};
use crate::plan::Cell;
use message::Message;
pub(crate) use misuse::word;
pub(crate) use stream::{BEFORE, INPUT, filled, own_input, steady};
use world::World;

/// The name under which an answer is told that was an errno.
pub const REFUSAL: &str = "refusal";

/// Does a cell's steps, with each of its sizes, and tells what they show. Runs in the cell's own process.
pub fn execute(cell: &Cell, say: &mut dyn FnMut(&Message)) {
    let cell = Rc::new(cell.clone());
    let sizes = cell.sizes();
    let mut checks = 0;
    for size in &sizes {
        let many = (sizes.len() > 1).then(|| format!(", with buffers of {size} bytes"));
        let mut said = |message: &Message| match (message, &many) {
            (Message::Finding(finding), Some(many)) => {
                let step = finding.step.as_ref().map(|step| format!("{step}{many}"));
                say(&Message::Finding(Finding { step, ..finding.clone() }));
            }
            _ => say(message),
        };
        let mut world = match World::open(&cell, *size) {
            Ok(world) => world,
            Err(Stop(finding)) => return said(&Message::Finding(*finding)),
        };
        run_steps(&mut world, &cell.case.steps, 0, &mut said);
        for exported in std::mem::take(&mut world.exported) {
            said(&Message::Exported(exported));
        }
        for access in std::mem::take(&mut world.device_access) {
            said(&Message::Access(access));
        }
        checks += world.checks;
        if world.ended.is_some() {
            break;
        }
        if world.checks == 0 {
            let mut finding = Stop::suite("the steps checked nothing", "a case asserts something").0;
            finding.step = None;
            said(&Message::Finding(*finding));
        }
    }
    say(&Message::Done { checks });
}

/// Does steps until one of them ends the cell. Steps are numbered from `before` + 1.
fn run_steps(world: &mut World, steps: &[Step], before: usize, say: &mut dyn FnMut(&Message)) {
    for (number, step) in steps.iter().enumerate() {
        let name = format!("{} {}", before + number + 1, step.verb());
        say(&Message::Step(name.clone()));
        let done = run_step(world, step, say);
        for mut property in std::mem::take(&mut world.properties) {
            property.step = Some(name.clone());
            say(&Message::Finding(property));
        }
        if let Err(Stop(mut finding)) = done {
            finding.step.get_or_insert(name);
            world.ended = Some(finding.verdict);
            return say(&Message::Finding(*finding));
        }
        if world.ended.is_some() || world.satisfied {
            return;
        }
    }
}

fn run_step(world: &mut World, step: &Step, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    match step {
        Step::Allocate(step) => devices::allocate(world, step),
        Step::Export(step) => devices::export(world, step),
        Step::Planes(step) => planes::planes(world, step),
        Step::Import(step) => devices::import(world, step),
        Step::SameHandle(step) => devices::same_handle(world, step),
        Step::Release(step) => world.release(&step.0),
        Step::Map(step) => memory::map(world, step),
        Step::Fill(step) => memory::fill(world, step),
        Step::Check(step) => memory::check(world, step),
        Step::Sync(step) => memory::sync(world, step),
        Step::Pin(step) => memory::pin(world, step),
        Step::DeviceFill(step) => access::fill(world, step),
        Step::DeviceCheck(step) => access::check(world, step),
        Step::Stream(step) => stream::stream(world, step),
        Step::Untouched(step) => access::untouched(world, step),
        Step::Grow(step) => memory::grow(world, step),
        Step::MakeWritable(step) => memory::make_writable(world, step),
        Step::Reopen(step) => descriptors::reopen(world, step),
        Step::Orders(step) => rounds::orders(world, step, say),
        Step::Fork(step) => processes::fork(world, step, say),
        Step::Send(step) => processes::send(world, step, say),
        Step::Receive(step) => processes::receive(world, step, say),
        Step::Exec(step) => processes::exec(world, step),
        Step::Race(step) => rounds::race(world, step, say),
        Step::Repeat(step) => rounds::repeat(world, step, say),
        Step::Limit(step) => rounds::limit(world, step, say),
        Step::Duplicate(step) => descriptors::duplicate(world, step),
        Step::Open(step) => descriptors::open(world, step),
        Step::SameFile(step) => descriptors::same_file(world, step),
        Step::Size(step) => descriptors::size(world, step),
        Step::Seek(step) => descriptors::seek(world, step),
        Step::Flags(step) => descriptors::flags(world, step),
        Step::DmaBuf(step) => descriptors::dma_buf(world, step),
        Step::Snapshot(step) => counts::snapshot(world, step),
        Step::Balance(step) => counts::balance(world, step),
        Step::Poll(step) => fences::poll(world, step),
        Step::ExportSyncFile(step) => fences::export_sync_file(world, step),
        Step::ImportSyncFile(step) => fences::import_sync_file(world, step),
        Step::AttachFence(step) => fences::attach_fence(world, step),
        Step::Signal(step) => fences::signal(world, step),
        Step::SyncFlags(step) => misuse::sync_flags(world, step),
        Step::SetName(step) => names::set_name(world, step),
        Step::Name(step) => names::name(world, step),
        Step::CheckZero(step) => zero::check_zero(world, step),
        Step::Misuse(step) => misuse::misuse(world, step),
        Step::MisuseFile(step) => misuse::misuse_file(world, step),
    }
}

/// A finding that ends the cell.
struct Stop(Box<Finding>);

impl Stop {
    fn new(oracle: &str, verdict: Verdict, blame: Blame, seen: impl Into<String>, expected: impl Into<String>) -> Self {
        let (seen, expected) = (seen.into(), expected.into());
        Self(Box::new(Finding { oracle: oracle.into(), verdict, step: None, expected, seen, blame, lines: Vec::new() }))
    }

    fn fail(oracle: &str, blame: Blame, seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::new(oracle, Verdict::Fail, blame, seen, expected)
    }

    fn not_observable(oracle: &str, seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::new(oracle, Verdict::NotObservable, Blame::Nobody, seen, expected)
    }

    fn suite(seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::new("suite", Verdict::Error, Blame::Suite, seen, expected)
    }
}

/// The deadline of a cell's process.
pub fn deadline(case: &Rc<Case>) -> std::time::Duration {
    case.deadline.0
}
