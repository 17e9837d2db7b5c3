//! A device at work on frames, in a file of its own: what it did before leaves no trace.

use std::os::fd::BorrowedFd;

use uapi::v4l2::{self, Format, QueueType};

use super::OpenQueue;
use super::frames::Frames;
use super::pipeline::Pipeline;
use super::side::Side;
use super::still::Still;
use crate::refusal::Refusal;
use crate::work::{Plane, Work, WorkError, WorkResult};

/// Lets a queue's device work.
pub fn work(queue: &OpenQueue, work: &Work<'_>) -> Result<WorkResult, WorkError> {
    with_frames(queue, work, |device, queues, frames| stream(device, queues, frames, work))
}

/// Opens a queue's device again, sets its frames, and has something done with it.
pub fn with_frames<T>(
    queue: &OpenQueue,
    work: &Work<'_>,
    done: impl FnOnce(BorrowedFd<'_>, (QueueType, Option<QueueType>), &Frames) -> Result<T, WorkError>,
) -> Result<T, WorkError> {
    let kind = queue.queue;
    let (capture, output) = match (kind.output(), queue.mem2mem) {
        (true, _) => (kind.other_side(), Some(kind)),
        (false, true) => (kind, Some(kind.other_side())),
        (false, false) => (kind, None),
    };
    let opened = v4l::Device::with_path(&queue.path);
    let node = opened.map_err(|error| WorkError::Call(Refusal::of("open")(error)))?;
    let device = uapi::v4l2::descriptor(&node);
    let still = Still::make(device, output.unwrap_or(capture));
    let parts = v4l2::capability(device).is_ok_and(|about| about.capabilities & super::IO_MC != 0);
    let pipeline = if parts { Pipeline::of(device) } else { None };
    let _stills: Vec<Still<'_>> = pipeline.iter().flat_map(Pipeline::subdevices).map(Still::controls).collect();
    let frames = Frames::set(device, (capture, output), pipeline.as_ref(), work)?;
    still.hurry();
    done(device, (capture, output), &frames)
}

/// The format of a node that is not mem2mem is everyone's until the queue has buffers: another program may have set another
/// one before it had. Asked once it has them.
pub fn still_set(device: BorrowedFd<'_>, queue: QueueType, format: &Format) -> Result<(), WorkError> {
    let now = v4l2::format(device, queue).map_err(Refusal::of("VIDIOC_G_FMT")).map_err(WorkError::Call)?;
    if now.sizes == format.sizes { Ok(()) } else { Err(WorkError::Call(Refusal::NotAsked(OTHER_FRAME))) }
}

/// The errno of a call on it.
const OTHER_FRAME: &str = "another program set another frame before the queue had buffers";

fn stream(
    device: BorrowedFd<'_>,
    (capture, output): (QueueType, Option<QueueType>),
    frames: &Frames,
    work: &Work<'_>,
) -> Result<WorkResult, WorkError> {
    let planes = frames.capture.sizes.len();
    let count = work.files / planes;
    let at_once = work.asked.queued.map_or(count, |queued| (queued as usize).clamp(1, count));
    let mut source = match output.zip(frames.output.clone()) {
        Some((queue, format)) => Some(Side::new(device, queue, format, work, at_once)?),
        None => None,
    };
    let mut target = Side::new(device, capture, frames.capture.clone(), work, at_once)?;
    if source.is_none() {
        still_set(device, capture, &frames.capture)?;
    }
    let mut written = vec![None; work.files];
    for index in 0..at_once {
        source.as_mut().map_or(Ok(()), |source| source.queue(index, index))?;
        target.queue(index, index)?;
    }
    (work.queued)();
    source.as_ref().map_or(Ok(()), Side::start)?;
    target.start()?;
    let wanted = if work.asked.stop { 1 } else { count };
    let mut next = at_once;
    for number in 1..=wanted {
        let (index, frame, done) = target.done(number, count)?;
        keep(&mut written, frame * planes, target.bytes(index), done.used);
        let read = source.as_ref().map(|source| source.done(number, count)).transpose()?;
        if next < count {
            if let (Some(source), Some((index, ..))) = (&mut source, read) {
                source.queue(index, next)?;
            }
            target.queue(index, next)?;
            next += 1;
        }
    }
    if work.asked.stop {
        target.stop()?;
        (work.stopped)();
        written.fill(None);
        target.queue(0, 0)?;
        target.start()?;
        let (index, _, done) = target.done(1, 1)?;
        keep(&mut written, 0, target.bytes(index), done.used);
    }
    // What is done is read after the device was stopped: then it has nothing left to write.
    target.stop()?;
    source.as_ref().map_or(Ok(()), Side::stop)?;
    let read = frames.output.as_ref().map_or(0, |format| format.sizes.iter().map(|&size| u64::from(size)).sum());
    let (frames, first) = (frames.words(), written.first().cloned().flatten());
    (work.done)(&frames, first.map_or(0, |plane| plane.used));
    Ok(WorkResult { frames, written, read, crc: None, early: None })
}

fn keep(written: &mut [Option<Plane>], first: usize, bytes: Vec<Vec<u8>>, used: Vec<u32>) {
    for (place, (bytes, used)) in written[first..].iter_mut().zip(bytes.into_iter().zip(used)) {
        *place = Some(Plane { used, bytes });
    }
}
