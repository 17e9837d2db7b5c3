//! A display that shows everyone's buffers, one after the other: what it says of each is compared with what it says of
//! its own.

use event::Oracle;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;

use device::{Buffers, Device, Endpoint, Work, WorkResult};
use spec::case::Ability;
use spec::step::Stream;

use super::clock::PAUSE;
use super::plan::Pair;
use super::pool::{LentBuffer, Pool};
use super::reference::{self, Reference};
use super::stream::busy;
use super::survey::SIZE;
use super::worker_report::{Meaning, WorkerReport, meaning_of_work};

const EXPECTED: &str = "a display shows imported buffers as it shows its own";

/// Shows until the time is over.
pub fn work(importer: &Rc<Endpoint>, pairs: &[Pair], owned: &BTreeMap<String, u32>, report: &mut WorkerReport<'_>) {
    let mut shown = Pool::new(importer, SIZE, pairs, owned, Some(reference::read));
    let writes_back = importer.work.contains(&Ability::WriteBack);
    let mut written = writes_back.then(|| Pool::new(importer, SIZE, pairs, owned, None));
    let asked = Stream::default();
    let mut known: Option<Reference> = None;
    report.wait_for_turn();
    while !report.over() {
        report.now_and_then();
        let device = match device::inventory::open(importer) {
            Ok(device) => device,
            Err(error) => {
                report.give_up(format!("{}: {error}", importer.node.display()), EXPECTED);
                break;
            }
        };
        let Some(reference) = &known else {
            match Reference::of(&*device, SIZE, 1, &asked) {
                Ok(Ok(reference)) => {
                    known = Some(reference);
                    report.ready();
                }
                Ok(Err(why)) => report.give_up(why, EXPECTED),
                Err(undone) if busy(importer, &undone) => pause(report),
                Err(undone) => report.give_up(format!("its own buffers are not shown either: {undone}"), EXPECTED),
            }
            continue;
        };
        let lent = match take(&mut shown, written.as_mut(), report) {
            Ok(Some(lent)) => lent,
            Ok(None) => {
                pause(report);
                continue;
            }
            Err(seen) => {
                report.fail(Oracle::Content, seen, EXPECTED);
                break;
            }
        };
        report.at(lent.0.pair);
        one(&*device, importer, &asked, reference, &lent, report);
        shown.give(lent.0);
        if let (Some(pool), Some(target)) = (&mut written, lent.1) {
            pool.give(target);
        }
    }
    report.set("exporters", shown.used());
    if report.figure("frames-read") == 0 && !report.failed() {
        report.unseen(Oracle::Device, "the display showed no imported buffer", EXPECTED);
    } else if report.figure("frames-compared") == 0 && !report.failed() {
        report.unseen(Oracle::Content, "the display reported for no buffer what it showed", EXPECTED);
    }
}

fn pause(report: &mut WorkerReport<'_>) {
    report.add("busy", 1);
    std::thread::sleep(PAUSE);
}

/// A buffer to show, and one to write into what is shown.
fn take(
    shown: &mut Pool,
    written: Option<&mut Pool>,
    report: &mut WorkerReport<'_>,
) -> Result<Option<(LentBuffer, Option<LentBuffer>)>, String> {
    let Some(source) = shown.take(report)? else { return Ok(None) };
    let Some(pool) = written else { return Ok(Some((source, None))) };
    let Some(target) = pool.take(report)? else {
        shown.give(source);
        return Ok(None);
    };
    if let Some(mapping) = &target.mapping {
        let filled = target.memory.write(|| mapping.write_words(reference::before));
        filled.map_err(|refusal| refusal.to_string())?;
    }
    Ok(Some((source, Some(target))))
}

fn one(
    device: &dyn Device,
    importer: &Endpoint,
    asked: &Stream,
    reference: &Reference,
    (source, target): &(LentBuffer, Option<LentBuffer>),
    report: &mut WorkerReport<'_>,
) {
    let (sources, targets): ([BorrowedFd<'_>; 1], Vec<BorrowedFd<'_>>) =
        ([source.memory.file.as_fd()], target.iter().map(|target| target.memory.file.as_fd()).collect());
    let own = |at| reference::before(at);
    let capture = if targets.is_empty() { Buffers::Own(&own) } else { Buffers::Imported(&targets) };
    let work = reference::work(asked, SIZE, 1, capture, Buffers::Imported(&sources));
    match device.work(&work) {
        Ok(done) => {
            report.add("imports", 1 + targets.len() as u64);
            report.add("frames-read", 1);
            report.add("frames-written", targets.len() as u64);
            match look(&done, reference, source, target.as_ref()) {
                Ok(0) => {}
                Ok(bytes) => {
                    report.add("frames-compared", 1);
                    report.add("bytes-compared", bytes);
                }
                Err(seen) => report.fail(Oracle::Content, format!("a buffer of {}: {seen}", source.exporter), EXPECTED),
            }
        }
        Err(undone) => match meaning_of_work(importer.kind, &undone) {
            Some(Meaning::Busy) => pause(report),
            Some(Meaning::Short) => report.add("refused", 1),
            Some(Meaning::Wrong) => report.fail(Oracle::Refusal, undone.to_string(), EXPECTED),
            // What it does not do with its own buffers now either, the load is not to blame its exporters for.
            None if device.work(&Work { capture: Buffers::Own(&own), output: Buffers::Own(&own), ..work }).is_err() => {
                report.add("frames-late", 1);
            }
            None => report.fail(Oracle::Device, undone.to_string(), EXPECTED),
        },
    }
}

/// Compares what was shown with the device's own. Returns the number of bytes compared, by its CRC or in what it wrote.
fn look(
    done: &WorkResult,
    reference: &Reference,
    source: &LentBuffer,
    target: Option<&LentBuffer>,
) -> Result<u64, String> {
    let mut bytes = 0;
    if let (Some(seen), Some(wanted)) = (done.crc.as_deref(), reference.crc()) {
        if seen != wanted {
            return Err(format!("the CRC of what is shown is {seen}, of its own buffer {wanted}"));
        }
        bytes += source.memory.size;
    }
    let used = done.written.first().and_then(Option::as_ref).map(|plane| plane.used);
    if let (Some(mapping), Some(used), Some(target)) = (target.and_then(|lent| lent.mapping.as_ref()), used, target) {
        let seen = target.memory.read(|| mapping.read_bytes(mapping.len())).map_err(|refusal| refusal.to_string())?;
        bytes += reference.compare(0, 0, used, &seen)?;
    }
    Ok(bytes)
}
