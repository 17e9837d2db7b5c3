//! A cell from its first step to its last, once for each size of its buffers.

use std::rc::Rc;
use std::time::Duration;

use event::Finding;
use spec::case::Case;

use super::message::Message;
use super::steps::run_steps;
use super::stop::Stop;
use super::world::World;
use crate::plan::Cell;

/// Does a cell's steps, with each of its sizes, and reports what they show. What is not balanced within `settle` is a leak.
/// Runs in the cell's own process.
pub fn execute(cell: &Cell, settle: Duration, say: &mut dyn FnMut(&Message)) {
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
        let mut world = match World::open(&cell, *size, settle, run_steps) {
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

/// The deadline of a cell's process.
pub fn deadline(case: &Rc<Case>) -> Duration {
    case.deadline.0
}
