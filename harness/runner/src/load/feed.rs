//! What a worker's streams are fed with, and what is done with each frame that comes back.

use event::Oracle;
use std::collections::BTreeMap;

use device::Feed;
use device::flow::{Back, Given, Next, Queue, Shape};
use uapi::memory::Mapping;

use super::frame_ledger::{Account, Strange};
use super::pool::{LentBuffer, Pool};
use super::reference::{self, Reference};
use super::worker_report::WorkerReport;

/// The number of frames after which the stream is stopped and started again.
const STREAM: usize = 300;

/// One frame out of this many is compared, in addition to the first frames of a stream.
const SAMPLE: usize = 8;

/// The demand on a stream.
pub const EXPECTED: &str =
    "each frame that was queued comes back, with the bytes that the device writes into its own buffers";

/// The feed of all streams of a worker.
pub struct Fed<'a, 'b> {
    /// Its worker.
    pub report: &'a mut WorkerReport<'b>,
    /// The exporters of what is written.
    pub capture: Pool,
    /// The exporters of what is read.
    pub output: Pool,
    /// The reference: what the device does to its own buffers.
    pub known: Option<Reference>,
    /// The shift in which the queue streams, where it has one owner.
    pub shift: Option<u32>,
    accounts: BTreeMap<Queue, Account>,
    planes: (usize, usize),
    at: BTreeMap<usize, Frame>,
    /// The buffers that lay at each index last: a queue imports another one, and closes that.
    before: BTreeMap<usize, Given>,
    /// The index that was given buffers last.
    last: usize,
    given: usize,
    back: usize,
    streams: u64,
    /// The fault of the first wrong sequence number.
    misnumbered: Option<String>,
}

/// The buffers of a frame that is with the device.
#[derive(Default)]
struct Frame {
    capture: Vec<LentBuffer>,
    output: Vec<LentBuffer>,
    looked_at: bool,
}

impl<'a, 'b> Fed<'a, 'b> {
    /// Creates the feed of a worker, with the exporters of its buffers.
    pub fn new(report: &'a mut WorkerReport<'b>, capture: Pool, output: Pool, shift: Option<u32>) -> Self {
        let (accounts, at) = (BTreeMap::new(), BTreeMap::new());
        Self {
            report,
            capture,
            output,
            known: None,
            shift,
            accounts,
            planes: (1, 0),
            at,
            before: BTreeMap::new(),
            last: 0,
            given: 0,
            back: 0,
            streams: 0,
            misnumbered: None,
        }
    }

    /// Returns whether the queue is others' now.
    pub fn lent(&self) -> bool {
        self.shift.is_some_and(|shift| self.report.clock().shift() % 2 != shift)
    }

    /// Takes back every buffer after a stream. Returns whether any frame was queued.
    pub fn stopped(&mut self) -> bool {
        for frame in std::mem::take(&mut self.at).into_values() {
            self.give(frame);
        }
        self.given > 0
    }

    /// Closes every buffer.
    pub fn clear(&mut self) {
        self.capture.clear();
        self.output.clear();
    }

    /// Drops the exporters of the frame that was queued last: one of them was refused.
    pub fn leave_last(&mut self) {
        let pairs = |lent: &[LentBuffer]| lent.iter().map(|lent| lent.pair).collect::<Vec<_>>();
        let Some(last) = self.at.get(&self.last) else { return };
        let (capture, output) = (pairs(&last.capture), pairs(&last.output));
        capture.into_iter().for_each(|pair| self.capture.leave(pair));
        output.into_iter().for_each(|pair| self.output.leave(pair));
    }

    /// Adds everything up and says what is wrong with it.
    pub fn end(&mut self) {
        let sum = |of: fn(&Account) -> u64| self.accounts.values().map(of).sum::<u64>();
        let of = |queue| self.accounts.get(&queue).map_or(0, |account: &Account| account.done);
        let (written, read, lost) = (of(Queue::Capture), of(Queue::Output), sum(Account::lost));
        let misnumbered = sum(|account| account.misnumbered);
        let figures = [
            ("frames-written", written),
            ("frames-read", read),
            ("frames-queued", sum(|account| account.queued)),
            ("frames-faulty", sum(|account| account.faulty)),
            ("frames-dropped", sum(|account| account.dropped)),
            ("frames-given-back", sum(|account| account.given_back)),
            ("frames-misnumbered", misnumbered),
            ("frames-lost", lost),
            ("exporters", self.capture.used().max(self.output.used())),
        ];
        figures.into_iter().for_each(|(name, value)| self.report.set(name, value));
        if let Some(first) = self.misnumbered.take() {
            let seen = format!("v4l2_buffer.sequence did not rise at {misnumbered} frames; the first: {first}");
            self.report.fail(Oracle::Frames, seen, EXPECTED);
        }
        if lost > 0 {
            let seen = format!("{lost} frames were queued and neither came back nor were returned by VIDIOC_STREAMOFF");
            self.report.fail(Oracle::Frames, seen, EXPECTED);
        }
        if self.report.failed() {
            return;
        }
        if written + read == 0 {
            self.report.unseen(Oracle::Device, "the device gave no frame", EXPECTED);
        } else if self.report.figure("bytes-compared") == 0 {
            self.report.unseen(Oracle::Content, "no frame could be looked at", EXPECTED);
        }
    }

    fn give(&mut self, frame: Frame) {
        frame.capture.into_iter().for_each(|lent| self.capture.give(lent));
        frame.output.into_iter().for_each(|lent| self.output.give(lent));
    }

    /// The buffers of a frame, if there are as many.
    fn frame(&mut self) -> Result<Option<Frame>, String> {
        let mut frame = Frame::default();
        for (pool, place, count) in [
            (&mut self.capture, &mut frame.capture, self.planes.0),
            (&mut self.output, &mut frame.output, self.planes.1),
        ] {
            for _ in 0..count {
                place.extend(pool.take(self.report)?);
            }
        }
        if (frame.capture.len(), frame.output.len()) != self.planes {
            self.give(frame);
            return Ok(None);
        }
        let first = self.known.as_ref().is_some_and(|known| known.knows(self.given) && self.given < reference::FRAMES);
        let looked_at = first || self.given.is_multiple_of(SAMPLE);
        if looked_at && self.known.as_ref().is_some_and(|known| known.knows(self.given)) {
            frame.looked_at = fill(&frame.capture)?;
        }
        Ok(Some(frame))
    }

    /// Compares a frame that came back with what is known.
    fn look(&mut self, number: usize, back: &Back) -> Result<u64, String> {
        let (Some(known), Some(frame)) = (&self.known, self.at.get(&back.index)) else { return Ok(0) };
        let mut same = 0;
        for (plane, (lent, used)) in frame.capture.iter().zip(&back.used).enumerate() {
            let seen = bytes(lent)?;
            same += known
                .compare(number, plane, *used, &seen)
                .map_err(|difference| format!("frame {number}, in a buffer of {}: {difference}", lent.exporter))?;
        }
        for lent in &frame.output {
            let read = reference::unchanged(&bytes(lent)?);
            same +=
                read.map_err(|difference| format!("frame {number}, in a buffer of {}: {difference}", lent.exporter))?;
        }
        Ok(same)
    }
}

/// Fills what a device is to write. Whether all of it can be looked at.
fn fill(lent: &[LentBuffer]) -> Result<bool, String> {
    for lent in lent {
        let Some(mapping) = &lent.mapping else { return Ok(false) };
        lent.memory.write(|| mapping.write_words(reference::before)).map_err(|refusal| refusal.to_string())?;
    }
    Ok(true)
}

/// Returns what a buffer holds; nothing for one that the CPU cannot map.
fn bytes(lent: &LentBuffer) -> Result<Vec<u8>, String> {
    let Some(mapping) = &lent.mapping else { return Ok(Vec::new()) };
    let read = |mapping: &Mapping| mapping.read_bytes(mapping.len());
    lent.memory.read(|| read(mapping)).map_err(|refusal| refusal.to_string())
}

impl Feed for Fed<'_, '_> {
    fn begin(&mut self, shape: &Shape) {
        (self.given, self.back) = (0, 0);
        self.before.clear();
        self.streams += 1;
        self.planes = (shape.capture_planes, shape.output_planes.unwrap_or(0));
        // The format of a node that is not mem2mem is everyone's: another program may have set other frames since. What
        // the device makes of those is looked at before any of them is judged.
        let known = self.known.take().filter(|known| known.is_of(&shape.frames));
        self.known = known.map(|known| known.with_planes(shape.capture_planes));
        for queue in [Queue::Capture, Queue::Output] {
            self.accounts.entry(queue).or_default().start();
        }
    }

    fn next(&mut self, index: usize) -> Next {
        if self.report.over() || self.lent() || self.known.is_none() || self.given >= STREAM {
            return Next::End;
        }
        match self.frame() {
            Ok(Some(frame)) => {
                let numbers = |lent: &[LentBuffer]| lent.iter().map(|lent| lent.memory.number()).collect();
                let given = Given { capture: numbers(&frame.capture), output: numbers(&frame.output) };
                if let Some(first) = frame.capture.first().or(frame.output.first()) {
                    self.report.at(first.pair);
                }
                let before = self.before.insert(index, given.clone()).unwrap_or_default();
                let other = |before: &[i32], now: &[i32]| {
                    now.iter().enumerate().filter(|(plane, number)| before.get(*plane) != Some(number)).count() as u64
                };
                let imports = other(&before.capture, &given.capture) + other(&before.output, &given.output);
                self.report.add("imports", imports);
                self.at.insert(index, frame);
                self.last = index;
                self.given += 1;
                Next::Frame(given)
            }
            Ok(None) => Next::Later,
            Err(seen) => {
                self.report.fail(Oracle::Content, seen, EXPECTED);
                Next::End
            }
        }
    }

    fn queued(&mut self, queue: Queue, index: usize) {
        self.accounts.entry(queue).or_default().queued(index);
    }

    fn done(&mut self, queue: Queue, back: &Back) {
        match self.accounts.entry(queue).or_default().done(back) {
            Ok(()) => {}
            // Told at the end: the frame is there, and the others are to be seen too.
            Err(strange @ Strange::Number { .. }) => {
                self.misnumbered.get_or_insert_with(|| format!("{} queue: {strange}", queue.word()));
            }
            Err(strange) => {
                let seen = format!("{} queue: {strange}", queue.word());
                return self.report.fail(Oracle::Frames, seen, EXPECTED);
            }
        }
        if queue == Queue::Output {
            return;
        }
        let number = self.back;
        self.back += 1;
        if !back.faulty && self.at.get(&back.index).is_some_and(|frame| frame.looked_at) {
            match self.look(number, back) {
                Ok(same) => self.report.add("bytes-compared", same),
                Err(seen) => self.report.fail(Oracle::Content, seen, EXPECTED),
            }
        }
        // What is read may still be with the device: its buffers live for as long as a queue has them.
        if let Some(frame) = self.at.remove(&back.index) {
            self.give(frame);
        }
    }

    fn stopped(&mut self, queue: Queue, index: usize, given_back: bool) {
        self.accounts.entry(queue).or_default().stopped(index, given_back);
    }

    fn drains(&self) -> bool {
        self.streams.is_multiple_of(2)
    }
}
