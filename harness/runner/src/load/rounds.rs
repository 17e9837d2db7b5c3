//! Rounds of export, import, map and close over all pairs, in an order that a seed repeats.

use event::Oracle;
use std::collections::BTreeMap;
use std::rc::Rc;

use device::{Buffer, Device, Endpoint, ImportSize, Refusal};
use oracle::content;
use spec::case::Kind;
use uapi::memory::Mapping;

use super::memory::Memory;
use super::plan::Pair;
use super::worker_report::{Meaning, WorkerReport, meaning};
use crate::numbers::Numbers;

/// The number of rounds after which the devices are opened again.
const OPEN_FOR: u64 = 100;

/// One round out of this many compares the bytes; the others are shorter without.
const LOOKED_AT: u64 = 8;

/// The reason why a round stops.
pub enum RoundError {
    /// A device said no.
    Refused(Kind, Refusal),
    /// A rule was broken: by what oracle it was seen, and what.
    Broken(Oracle, String),
}

/// Goes round until the time is over. Queues of one owner are left to their streams as importers.
pub fn work(pairs: &[Pair], owned: &BTreeMap<String, u32>, seed: u64, report: &mut WorkerReport<'_>) {
    let numbers_of: Vec<usize> =
        (0..pairs.len()).filter(|&number| !owned.contains_key(&pairs[number].importer.key)).collect();
    if numbers_of.is_empty() {
        return report.unseen(Oracle::Device, "no pair is free while the devices stream", EXPECTED);
    }
    report.set("seed", seed);
    report.set("pairs", numbers_of.len() as u64);
    let mut numbers = Numbers::of_seed(seed);
    let mut shelf = Shelf::default();
    report.ready();
    while !report.over() {
        let number = numbers.one_of(&numbers_of);
        let pair = &pairs[number];
        report.at(number);
        let lent = owned.get(&pair.exporter.key).is_none_or(|shift| report.clock().shift() % 2 != *shift);
        if !lent {
            // Its queue streams now. Others are free.
            report.add("busy", 1);
            continue;
        }
        if shelf.used >= OPEN_FOR {
            shelf = Shelf::default();
        }
        let done = round(pair, number, &mut shelf, &mut numbers, report);
        if settle(done, pair, report) {
            report.add("rounds", 1);
        }
    }
    drop(shelf);
    if report.figure("rounds") == 0 && !report.failed() {
        report.unseen(Oracle::Device, "no round came to its end", EXPECTED);
    }
}

const EXPECTED: &str = "buffers are exported, imported, mapped and closed over and over";

/// Reports what stopped a round, if anything did. Returns whether it came to its end.
pub fn settle(done: Result<(), RoundError>, pair: &Pair, report: &mut WorkerReport<'_>) -> bool {
    match done {
        Ok(()) => return true,
        Err(RoundError::Broken(oracle, seen)) => report.fail(oracle, format!("{}: {seen}", pair.words()), EXPECTED),
        Err(RoundError::Refused(kind, refusal)) => match meaning(kind, &refusal) {
            Meaning::Busy => {
                report.add("busy", 1);
                std::thread::yield_now();
            }
            Meaning::Short => report.add("refused", 1),
            Meaning::Wrong => {
                let seen = format!("{}: {refusal}, where it went well before the load", pair.words());
                report.fail(Oracle::Refusal, seen, EXPECTED);
            }
        },
    }
    false
}

/// The devices that are open, each once as an exporter and once as an importer.
#[derive(Default)]
struct Shelf {
    open: BTreeMap<(String, bool), Rc<dyn Device>>,
    used: u64,
}

impl Shelf {
    fn open(&mut self, endpoint: &Endpoint, exports: bool) -> Result<Rc<dyn Device>, RoundError> {
        let key = (endpoint.key.clone(), exports);
        if let Some(open) = self.open.get(&key) {
            return Ok(open.clone());
        }
        let opened = open(endpoint)?;
        self.open.insert(key, opened.clone());
        Ok(opened)
    }
}

/// Opens an endpoint.
///
/// # Errors
/// The errno of open(2) of its node.
pub fn open(endpoint: &Endpoint) -> Result<Rc<dyn Device>, RoundError> {
    device::inventory::open(endpoint).map_err(|error| RoundError::Refused(endpoint.kind, Refusal::of("open")(error)))
}

/// The things that a round makes, and releases in any order.
enum Made {
    Memory,
    Import,
    First,
    Second,
}

fn round(
    pair: &Pair,
    number: usize,
    shelf: &mut Shelf,
    numbers: &mut Numbers,
    report: &mut WorkerReport<'_>,
) -> Result<(), RoundError> {
    shelf.used += 1;
    let source = shelf.open(&pair.exporter, true)?;
    let target = shelf.open(&pair.importer, false)?;
    let of_exporter = |refusal| RoundError::Refused(pair.exporter.kind, refusal);
    let memory = Memory::new(&source, &pair.exporter, pair.importer.smallest, number).map_err(of_exporter)?;
    let imported = target.import(memory.number(), ImportSize::Within(memory.size));
    let imported = imported.map_err(|refusal| RoundError::Refused(pair.importer.kind, refusal))?;
    report.add("imports", 1);
    let (mut first, mut second) = (None, None);
    if numbers.below(LOOKED_AT) == 0 {
        (first, second) = (memory.map().map_err(of_exporter)?, memory.map().map_err(of_exporter)?);
        if let (Some(first), Some(second)) = (&first, &second) {
            look(&memory, first, second, numbers).map_err(|refusal| match refusal {
                Ok(refusal) => of_exporter(refusal),
                Err(difference) => RoundError::Broken(Oracle::Content, difference),
            })?;
            report.add("bytes-compared", second.len() as u64);
        }
    }
    let mut order = [Made::Memory, Made::Import, Made::First, Made::Second];
    for at in (1..order.len()).rev() {
        order.swap(at, numbers.below(at as u64 + 1) as usize);
    }
    let (mut memory, mut imported): (Option<Memory>, Option<Rc<dyn Buffer>>) = (Some(memory), Some(imported));
    for made in order {
        match made {
            Made::Memory => drop(memory.take()),
            Made::Import => drop(imported.take()),
            Made::First => drop(first.take()),
            Made::Second => drop(second.take()),
        }
    }
    Ok(())
}

/// Writes a pattern through one mapping and looks for it in another.
fn look(
    memory: &Memory,
    first: &Mapping,
    second: &Mapping,
    numbers: &mut Numbers,
) -> Result<(), Result<Refusal, String>> {
    let seed = numbers.below(u64::from(content::SEEDS)) as u32;
    memory.write(|| content::fill(first, seed, 0)).map_err(Ok)?;
    let checked = memory.read(|| content::check(second, seed, 0)).map_err(Ok)?;
    checked.map(drop).map_err(|difference| Err(difference.to_string()))
}
