//! One work on imported buffers and the same on the device's own.

use event::Oracle;
use std::cell::RefCell;

use device::work::place;
use device::{Buffers, Work, WorkError, WorkResult};
use oracle::content::{Words, word};
use spec::case::Kind;
use spec::step::{Stream, StreamCpu};

use super::judge::{judge, judge_amounts, unchanged};
use super::reference::{as_before, depends, steady, unwritten};
use super::view::{self, Reader, View};
use super::waiting::{self, Waiting};
use super::work_error::{why_not, without_reference};
use super::work_order::{BEFORE, EXPECTED, INPUT, LEFT, input, work_of};
use crate::cell::stop::Stop;
use crate::cell::world::{OpenEndpoint, Value, World};
use crate::witness::{self, Sight};

/// Lets the device work. Tells what it worked on, and whether that is as it must be.
pub fn at_work(world: &mut World, step: &Stream, format: Option<u32>) -> Result<(String, Result<(), Stop>), Stop> {
    let (capture, output) = (View::of(world, &step.capture, step.cpu)?, View::of(world, &step.output, step.cpu)?);
    let given_up: Vec<Value> = step.gives_up.iter().map(|name| world.take(name)).collect::<Result<_, _>>()?;
    let read = Read::of(world, step, &output)?;
    let buffers = [&capture[..], &output[..]];
    let room = buffers.iter().flat_map(|buffers| buffers.iter()).map(|shown| shown.size).min().unwrap_or(0);
    let at_work = AtWork { world, step, format, buffers, read: &read, room, given_up: RefCell::new(given_up) };
    at_work.compared()
}

/// The content of the buffers that are read.
struct Read {
    /// In place of the pattern.
    bytes: Option<Vec<u8>>,
    words: Words,
    offset: u64,
}

impl Read {
    fn of(world: &World, step: &Stream, output: &[View]) -> Result<Self, Stop> {
        let bytes = match output {
            [shown] if step.as_is => Some(shown.bytes(world)?),
            _ => None,
        };
        Ok(Self { bytes, words: Words::of(INPUT), offset: step.offset.0 })
    }

    /// The word at a byte of an imported one, counted from the first.
    fn imported(&self, at: u64) -> u64 {
        let Some(bytes) = &self.bytes else { return input(&self.words, at, self.offset) };
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let word = bytes.get(at..).unwrap_or_default().first_chunk();
        word.copied().map_or(0, u64::from_ne_bytes)
    }

    /// The word at a byte of one of the device's own: that begins with the data.
    fn own(&self, at: u64) -> u64 {
        if self.bytes.is_some() { self.imported(at + self.offset) } else { input(&self.words, at, 0) }
    }
}

struct AtWork<'a> {
    world: &'a World,
    step: &'a Stream,
    format: Option<u32>,
    /// The files that are written, and those that are read.
    buffers: [&'a [View]; 2],
    read: &'a Read,
    /// The size of the smallest of them, in bytes.
    room: u64,
    given_up: RefCell<Vec<Value>>,
}

impl AtWork<'_> {
    fn importer(&self) -> Result<&OpenEndpoint, Stop> {
        self.world.side(self.step.by)
    }

    /// The work on the device's own buffers.
    fn own(
        &self,
        importer: &OpenEndpoint,
        before: &dyn Fn(u64) -> u64,
        read: &dyn Fn(u64) -> u64,
    ) -> Result<WorkResult, WorkError> {
        importer.device.work(&work_of(self.step, self.room, self.format, before, read))
    }

    /// The work on imported buffers.
    fn imported(&self) -> Result<WorkResult, Stop> {
        let (world, step, [capture, output]) = (self.world, self.step, self.buffers);
        let words = Words::of(BEFORE);
        capture.iter().try_for_each(|shown| shown.fill(world, |at| words.at(at)))?;
        if !step.as_is {
            let words = Words::of(if step.wait.is_some() { LEFT } else { INPUT });
            let fill = |(number, shown): (usize, &View)| {
                shown.fill(world, |at| input(&words, place(number, at), self.read.offset))
            };
            output.iter().enumerate().try_for_each(fill)?;
        }
        capture.iter().chain(output).try_for_each(|shown| shown.prefetch(world))?;
        let importer = self.importer()?;
        let left = || {
            for shown in capture.iter().skip(1) {
                // A file that cannot be made coherent was reported when it was filled.
                let _ = shown.fill(world, |at| word(LEFT, at));
            }
        };
        let (written_files, read_files) = (view::files(capture), view::files(output));
        let waiting = step.wait.map(|how| Waiting::begin(world, how, output)).transpose()?;
        let signal = || {
            waiting.as_ref().map_or(Ok(()), |waiting| waiting.end(|number, at| self.read.imported(place(number, at))))
        };
        let wait = waiting.as_ref().map(|waiting| device::Wait { file: waiting.file(), signal: &signal });
        let (before, read) = (|at| words.at(at), |at| self.read.own(at));
        let own_work = work_of(step, self.room, self.format, &before, &read);
        let gone = RefCell::new(Ok(()));
        let work = Work {
            capture: if capture.is_empty() { own_work.capture } else { Buffers::Imported(&written_files) },
            output: if output.is_empty() { own_work.output } else { Buffers::Imported(&read_files) },
            wait: wait.as_ref(),
            stopped: &left,
            queued: &|| drop(gone.replace(self.give_up())),
            done: &|frames, used| {
                let sight = Sight { cell: &world.cell.id, node: &importer.endpoint.node, frames };
                witness::ask(sight, || first_frame(world, capture.first().or(output.first()), used));
            },
            ..own_work
        };
        let reader = (step.cpu == StreamCpu::ReadsMeanwhile).then(|| Reader::of(&self.buffers)).transpose()?;
        let done = importer.device.work(&work);
        drop(reader);
        if let Some(waiting) = &waiting {
            waiting.over()?;
        }
        gone.into_inner()?;
        done.map_err(|undone| why_not(world, importer, &undone, || self.own(importer, &before, &read)))
    }

    /// Gives up what is to be given up.
    fn give_up(&self) -> Result<(), Stop> {
        if self.step.gives_up.is_empty() {
            return Ok(());
        }
        self.given_up.take();
        // What is written is looked at when it is done.
        self.buffers[1].iter().try_for_each(View::give_up)
    }

    /// As much work on the device's own buffers as it takes to judge. What they hold after it, and the judgement.
    fn references(
        &self,
        importer: &OpenEndpoint,
        judged: &dyn Fn(&WorkResult) -> Result<(), Stop>,
    ) -> Result<(WorkResult, Result<(), Stop>), Stop> {
        let undone = |undone: WorkError| without_reference(importer, &undone);
        let words = Words::of(BEFORE);
        let inverted = || self.own(importer, &|at| !words.at(at), &|at| self.read.own(at)).map_err(undone);
        let shows = importer.endpoint.kind == Kind::Drm && !self.step.output.is_empty();
        let second = if shows { None } else { Some(inverted()?) };
        if let Some(first) = second.as_ref().and_then(as_before)
            && judged(&first).is_ok()
        {
            return Ok((first, Ok(())));
        }
        let (first, reads) = self.first(importer)?;
        if reads && judged(&first).is_ok() {
            return Ok((first, Ok(())));
        }
        // Whoever is to be blamed has to do the same each time.
        let second = second.map_or_else(inverted, Ok)?;
        steady(&first, &second).map_err(|why| Stop::not_observable(Oracle::Content, why, EXPECTED))?;
        let judgement = judged(&first);
        Ok((first, judgement))
    }

    /// The work on buffers that held what the imported ones did, and whether it is known that what the device made of them
    /// depends on what it read.
    fn first(&self, importer: &OpenEndpoint) -> Result<(WorkResult, bool), Stop> {
        let words = Words::of(BEFORE);
        let before = |at| words.at(at);
        let first = self.own(importer, &before, &|at| self.read.own(at));
        let first = first.map_err(|undone| without_reference(importer, &undone))?;
        if self.step.output.is_empty() || importer.endpoint.kind != Kind::Drm && !unwritten(&first) {
            return Ok((first, false));
        }
        let reads = match self.own(importer, &before, &|at| !self.read.own(at)) {
            Ok(other) if (&other.crc, &other.written) == (&first.crc, &first.written) => {
                let seen = "what is shown is the same for other bytes";
                return Err(Stop::not_observable(Oracle::Content, seen, EXPECTED));
            }
            Ok(other) => depends(&first, &other),
            Err(_) => false,
        };
        Ok((first, reads))
    }

    fn compared(&self) -> Result<(String, Result<(), Stop>), Stop> {
        let (world, step, [capture, output]) = (self.world, self.step, self.buffers);
        let done = self.imported()?;
        let importer = self.importer()?;
        let judged = |first: &WorkResult| {
            judge(world, &done, first, capture)
                .and_then(|()| unchanged(world, output, |at| self.read.imported(at), done.read))
        };
        let (first, bytes) = self.references(importer, &judged)?;
        let (told, bytes) = match (step.cpu.defined(), bytes) {
            (true, bytes) => (String::new(), bytes),
            (false, Ok(())) => (", and the bytes are the right ones all the same".to_owned(), Ok(())),
            (false, Err(Stop(finding))) => (format!(", and the bytes are others: {}", finding.seen), Ok(())),
        };
        let judged = waiting::judge_early(&done).and_then(|()| judge_amounts(&done, &first)).and(bytes);
        let crc = done.crc.as_ref().map_or(String::new(), |crc| format!(", CRC {crc}"));
        let waited = step.wait.map_or("", |_| ", after the fence was signalled and not before");
        Ok((format!("{}, {}{crc}{waited}{told}", done.frames, amount(&first)), judged))
    }
}

/// Returns what was written into the first imported buffer; all of the first that was read where none is written.
fn first_frame(world: &World, shown: Option<&View>, used: u32) -> Vec<u8> {
    let mut bytes = shown.and_then(|shown| shown.bytes(world).ok()).unwrap_or_default();
    if used > 0 {
        bytes.truncate(used as usize);
    }
    bytes
}

fn amount(worked: &WorkResult) -> String {
    let used: Vec<u32> = worked.written.iter().flatten().map(|plane| plane.used).collect();
    format!("{} buffers with {} bytes written", used.len(), used.iter().map(|&used| u64::from(used)).sum::<u64>())
}
