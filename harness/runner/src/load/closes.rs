//! The same buffer is closed by many at the same time: by threads that have its file, a device of their own that imported it
//! and a mapping, by threads that drop one and the same GEM handle, and by a process that ends while it has all of that.

use event::Oracle;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Barrier;
use std::time::Duration;

use device::{Endpoint, ImportSize};
use spec::case::Kind;
use uapi::process::Ending;
use uapi::{CallError, Errno};

use super::memory::Memory;
use super::plan::Pair;
use super::rounds::{RoundError, open, settle};
use super::worker_report::WorkerReport;
use crate::numbers::Numbers;

/// The number of threads that close at a time, in addition to the one that made the buffer.
const THREADS: usize = 4;

/// One round out of this many has a process among them.
const WITH_PROCESS: u64 = 4;

/// The time after which a process that only has to end hangs.
const PATIENCE: Duration = Duration::from_secs(10);

const EXPECTED: &str = "many close one buffer at the same time";

/// Goes on until the time is over. Queues of one owner are left to their streams.
pub fn work(pairs: &[Pair], owned: &BTreeMap<String, u32>, seed: u64, report: &mut WorkerReport<'_>) {
    let free = |endpoint: &Endpoint| !owned.contains_key(&endpoint.key);
    let numbers_of: Vec<usize> =
        (0..pairs.len()).filter(|&number| free(&pairs[number].importer) && free(&pairs[number].exporter)).collect();
    if numbers_of.is_empty() {
        return report.unseen(Oracle::Device, "no pair is free while the devices stream", EXPECTED);
    }
    report.set("seed", seed);
    report.set("pairs", numbers_of.len() as u64);
    let mut numbers = Numbers::of_seed(seed);
    report.ready();
    while !report.over() {
        let number = numbers.one_of(&numbers_of);
        let pair = &pairs[number];
        report.at(number);
        let done = round(pair, number, numbers.below(WITH_PROCESS) == 0, report);
        if settle(done, pair, report) {
            report.add("rounds", 1);
        }
    }
    if report.figure("closes") == 0 && !report.failed() {
        report.unseen(Oracle::Device, "nothing came to be closed", EXPECTED);
    }
}

fn refused<E: Into<CallError>>(kind: Kind, call: &'static str) -> impl Fn(E) -> RoundError {
    move |error| RoundError::Refused(kind, device::Refusal::of(call)(error))
}

fn round(pair: &Pair, number: usize, with_process: bool, report: &mut WorkerReport<'_>) -> Result<(), RoundError> {
    let source = open(&pair.exporter)?;
    let memory = Memory::new(&source, &pair.exporter, pair.importer.smallest, number);
    let memory = memory.map_err(|refusal| RoundError::Refused(pair.exporter.kind, refusal))?;
    let size = memory.size;
    let importer = &*pair.importer;
    let child = with_process.then(|| {
        uapi::process::spawn(|_| {
            let imported = open(importer)
                .ok()
                .and_then(|device| Some((device.import(memory.number(), ImportSize::Within(size)).ok()?, device)));
            let mapping = memory.map();
            // It ends with all of it: the kernel closes what it had.
            std::mem::forget((imported, mapping));
            0
        })
    });
    let child = child.transpose().map_err(refused(pair.importer.kind, "fork"))?;
    let card = shared_card(importer, &memory)?;
    let duplicate = |_| uapi::dma_buf::duplicate(memory.file.as_fd());
    let files: Result<Vec<OwnedFd>, Errno> = (0..THREADS).map(duplicate).collect();
    let files = files.map_err(refused(pair.exporter.kind, "fcntl(F_DUPFD)"))?;
    let mappings: Vec<_> = (0..THREADS).map(|_| memory.map()).collect();
    let barrier = Barrier::new(THREADS + 1);
    let (mut imports, mut handles) = (0, 0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = files
            .into_iter()
            .map(|file| {
                let (barrier, card) = (&barrier, card.as_ref());
                scope.spawn(move || close(importer, file, size, card, barrier))
            })
            .collect();
        barrier.wait();
        drop(memory);
        drop(mappings);
        for thread in threads {
            let (imported, handle) = thread.join().unwrap_or_default();
            (imports, handles) = (imports + usize::from(imported), handles + usize::from(handle));
        }
    });
    // The file's descriptors, what was imported, the handle, and the buffer itself.
    report.add("closes", (THREADS + 1 + imports + handles) as u64);
    report.add("imports", imports as u64);
    if card.is_some() && handles != 1 {
        let seen = format!("{handles} of {THREADS} DRM_IOCTL_GEM_CLOSE of one handle went well");
        return Err(RoundError::Broken(Oracle::Identity, seen));
    }
    let Some(child) = child else { return Ok(()) };
    report.add("exits", 1);
    match child.supervise(PATIENCE, |_| {}) {
        Ok(Ending::Exited(0)) => Ok(()),
        other => {
            Err(RoundError::Broken(Oracle::Process, format!("a process that ends with the buffer open: {other:?}")))
        }
    }
}

/// A card, with a handle of the buffer that all threads know.
fn shared_card(importer: &Endpoint, memory: &Memory) -> Result<Option<(File, u32)>, RoundError> {
    if importer.kind != Kind::Drm {
        return Ok(None);
    }
    let opened = File::options().read(true).write(true).open(&importer.node);
    let card = opened.map_err(refused(importer.kind, "open"))?;
    let handle = uapi::drm::fd_to_handle(card.as_fd(), memory.number());
    let handle = handle.map_err(refused(importer.kind, "DRM_IOCTL_PRIME_FD_TO_HANDLE"))?;
    Ok(Some((card, handle)))
}

/// One thread: imports the buffer into a device of its own, and closes everything when all others do. Whether it had
/// imported it, and whether it was the one to drop the handle.
fn close(importer: &Endpoint, file: OwnedFd, size: u64, card: Option<&(File, u32)>, barrier: &Barrier) -> (bool, bool) {
    let device = open(importer).ok();
    let number = file.as_raw_fd();
    let imported = device.as_ref().and_then(|device| device.import(number, ImportSize::Within(size)).ok());
    let had = imported.is_some();
    barrier.wait();
    let handle = card.is_some_and(|(card, handle)| uapi::drm::close_handle(card.as_fd(), *handle).is_ok());
    drop(file);
    drop(imported);
    drop(device);
    (had, handle)
}
