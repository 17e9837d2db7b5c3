//! A device's streams over everyone's buffers: buffers and exporters change under them, and a sample of the frames is held
//! against what the device makes of its own buffers.

use event::Oracle;
use std::collections::BTreeMap;
use std::rc::Rc;

use device::{Buffers, Device, Endpoint, WorkError};

use super::clock::PAUSE;
use super::feed::{EXPECTED, Fed};
use super::plan::Pair;
use super::pool::Pool;
use super::reference::{self, FRAMES, Reference};
use super::worker_report::{Meaning, WorkerReport, meaning_of_work};

/// The number of frames that are queued at a time.
const AT_ONCE: usize = 4;

/// Streams until the time is over.
pub fn work(
    importer: &Rc<Endpoint>,
    output: Option<&Rc<Endpoint>>,
    pairs: &[Pair],
    owned: &BTreeMap<String, u32>,
    report: &mut WorkerReport<'_>,
) {
    let room = reference::room(importer, output.map(Rc::as_ref));
    let capture = Pool::new(importer, room, pairs, owned, None);
    let output = Pool::new(output.unwrap_or(importer), room, pairs, owned, Some(reference::read));
    let mut fed = Fed::new(report, capture, output, owned.get(&importer.key).copied());
    // Before anyone else works: under load it may take as long as the load.
    fed.report.wait_for_turn();
    while fed.known.is_none() && !fed.report.begun() && !fed.report.over() {
        fed.report.now_and_then();
        match device::inventory::open(importer) {
            Ok(device) => _ = known(&*device, importer, room, &mut fed),
            Err(error) => fed.report.give_up(format!("{}: {error}", importer.node.display()), EXPECTED),
        }
    }
    fed.report.ready();
    while !fed.report.over() {
        fed.report.now_and_then();
        if fed.lent() {
            fed.clear();
            std::thread::sleep(PAUSE);
            continue;
        }
        match device::inventory::open(importer) {
            Ok(device) if known(&*device, importer, room, &mut fed) => one(&*device, importer, room, &mut fed),
            Ok(_) => {}
            Err(error) => fed.report.give_up(format!("{}: {error}", importer.node.display()), EXPECTED),
        }
    }
    fed.clear();
    fed.end();
}

/// Returns whether it is known what the device makes of its own buffers; else it is looked at, and may be tried again.
fn known(device: &dyn Device, importer: &Endpoint, room: u64, fed: &mut Fed<'_, '_>) -> bool {
    if fed.known.is_some() {
        return true;
    }
    match Reference::of(device, room, FRAMES, &reference::asked()) {
        Ok(Ok(reference)) => fed.known = Some(reference),
        Ok(Err(why)) => fed.report.give_up(why, EXPECTED),
        Err(undone) if busy(importer, &undone) => {
            fed.report.add("busy", 1);
            std::thread::sleep(PAUSE);
        }
        Err(undone) => {
            fed.report.give_up(format!("the device does not work on its own buffers either: {undone}"), EXPECTED);
        }
    }
    fed.known.is_some()
}

/// Returns whether someone else has the device now.
pub fn busy(importer: &Endpoint, undone: &WorkError) -> bool {
    let asked = undone.refusal().is_some_and(|refusal| refusal.errno().is_some());
    asked && meaning_of_work(importer.kind, undone) == Some(Meaning::Busy)
}

/// One stream, from its start to its stop.
fn one(device: &dyn Device, importer: &Endpoint, room: u64, fed: &mut Fed<'_, '_>) {
    let own = |at| reference::before(at);
    let read = |at| reference::read(at);
    let asked = reference::asked();
    let work = reference::work(&asked, room, 1, Buffers::Own(&own), Buffers::Own(&read));
    let done = device.flow(&work, AT_ONCE, fed);
    fed.report.add("streams", 1);
    match done {
        Ok(()) => {}
        Err(undone) => match meaning_of_work(importer.kind, &undone) {
            Some(Meaning::Busy) => fed.report.add("busy", 1),
            // Memory that is not in one piece: the stream continues with the others.
            Some(Meaning::Short) => {
                fed.report.add("refused", 1);
                fed.leave_last();
            }
            Some(Meaning::Wrong) => fed.report.fail(Oracle::Refusal, undone.to_string(), EXPECTED),
            None => fed.report.fail(Oracle::Device, undone.to_string(), EXPECTED),
        },
    }
    if !fed.stopped() {
        std::thread::sleep(PAUSE);
    }
}
