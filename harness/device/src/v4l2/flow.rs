//! A continuous stream over imported buffers: what comes back is queued again at once, with other buffers where its feed
//! gives others.

use std::collections::BTreeSet;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use uapi::v4l2::{self, Format, Memory, PlaneFile, QueueType};

use super::OpenQueue;
use super::run::{still_set, with_frames};
use crate::flow::{Back, Feed, Next, Queue, Shape};
use crate::refusal::Refusal;
use crate::work::{Work, WorkError};

/// The time without a frame after which the stream has stalled. Longer than for a few frames on a machine that does nothing else.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lets a queue's device work for as long as it is fed.
pub fn flow(queue: &OpenQueue, work: &Work<'_>, at_once: usize, feed: &mut dyn Feed) -> Result<(), WorkError> {
    with_frames(queue, work, |device, (capture, output), frames| {
        feed.begin(&Shape {
            frames: frames.words(),
            capture_planes: frames.capture.sizes.len(),
            output_planes: frames.output.as_ref().map(|format| format.sizes.len()),
        });
        // What is read is queued first: a device begins when it has both.
        let mut lines = Vec::new();
        if let (Some(queue), Some(format)) = (output, &frames.output) {
            lines.push(Line::new(device, queue, format, at_once)?);
        }
        lines.push(Line::new(device, capture, &frames.capture, at_once)?);
        if output.is_none() {
            still_set(device, capture, &frames.capture)?;
        }
        let ran = run(&mut lines, at_once, feed);
        // Also after an error: what was queued is to be accounted for.
        let stopped: Vec<_> = lines.iter_mut().map(|line| line.stop(feed)).collect();
        ran.and_then(|()| stopped.into_iter().collect())
    })
}

fn run(lines: &mut [Line<'_>], at_once: usize, feed: &mut dyn Feed) -> Result<(), WorkError> {
    let (mut fed, mut running, mut number) = (true, false, 0);
    loop {
        let free: Vec<usize> =
            (0..at_once).filter(|index| lines.iter().all(|line| !line.held.contains(index))).collect();
        for index in free.into_iter().filter(|_| fed) {
            let given = match feed.next(index) {
                Next::Frame(given) => given,
                Next::Later => break,
                Next::End => {
                    fed = false;
                    break;
                }
            };
            lines.iter_mut().try_for_each(|line| {
                let files = if line.queue.output() { &given.output } else { &given.capture };
                line.queue(index, files, feed)
            })?;
        }
        if lines.iter().all(|line| line.held.is_empty()) || !fed && !feed.drains() {
            return Ok(());
        }
        if !std::mem::replace(&mut running, true) {
            lines.iter().try_for_each(Line::start)?;
        }
        number += 1;
        wait(lines, number, feed)?;
    }
}

/// Waits until a frame has come back, and takes all that have.
fn wait(lines: &mut [Line<'_>], number: usize, feed: &mut dyn Feed) -> Result<(), WorkError> {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut taken = 0;
        for line in lines.iter_mut() {
            taken += line.take(feed)?;
        }
        if taken > 0 {
            return Ok(());
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let of = lines.iter().map(|line| line.held.len()).max().unwrap_or(0);
            return Err(WorkError::Late { frame: number, of: number + of, seconds: PATIENCE.as_secs() });
        }
        // The written frame comes last; where none is awaited any more, the one that was read.
        let output = lines.iter().rev().find(|line| !line.held.is_empty()).is_some_and(|line| line.queue.output());
        let Some(line) = lines.first() else { return Ok(()) };
        let ready = v4l2::wait_done(line.device, output, left).map_err(call("poll"))?;
        if ready {
            // With POLLERR it is ready at once, and has nothing.
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

fn call(call: &'static str) -> impl Fn(uapi::Errno) -> WorkError {
    move |errno| WorkError::Call(Refusal::of(call)(errno))
}

/// A queue of imported buffers, and what of it is with the device. Dropping it stops it and frees it.
struct Line<'a> {
    device: BorrowedFd<'a>,
    queue: QueueType,
    sizes: Vec<u32>,
    held: BTreeSet<usize>,
}

impl<'a> Line<'a> {
    fn new(device: BorrowedFd<'a>, queue: QueueType, format: &Format, count: usize) -> Result<Self, WorkError> {
        let line = Self { device, queue, sizes: format.sizes.clone(), held: BTreeSet::new() };
        v4l2::request_buffers(device, queue, Memory::DmaBuf, count as u32).map_err(call("VIDIOC_REQBUFS"))?;
        Ok(line)
    }

    fn name(&self) -> Queue {
        if self.queue.output() { Queue::Output } else { Queue::Capture }
    }

    fn start(&self) -> Result<(), WorkError> {
        v4l2::stream_on(self.device, self.queue).map_err(call("VIDIOC_STREAMON"))
    }

    fn queue(&mut self, index: usize, files: &[i32], feed: &mut dyn Feed) -> Result<(), WorkError> {
        let plane = |(&number, &size): (&i32, &u32)| {
            let used = if self.queue.output() { size } else { 0 };
            // Without a length it is the file's; but `__verify_length` compare what a multi-planar output uses with it.
            let length = if self.queue.multi_planar() { used } else { 0 };
            PlaneFile { number, length, used, offset: 0 }
        };
        let given: Vec<PlaneFile> = files.iter().zip(&self.sizes).map(plane).collect();
        let answer = v4l2::queue_dma_buf(self.device, self.queue, index as u32, &given);
        answer.map_err(Refusal::of("VIDIOC_QBUF")).map_err(WorkError::Import)?;
        self.held.insert(index);
        feed.queued(self.name(), index);
        Ok(())
    }

    /// Takes back what is done, and returns the number of frames.
    fn take(&mut self, feed: &mut dyn Feed) -> Result<usize, WorkError> {
        let mut taken = 0;
        while !self.held.is_empty() {
            let done = v4l2::take_done(self.device, self.queue, Memory::DmaBuf).map_err(call("VIDIOC_DQBUF"))?;
            let Some(done) = done else { break };
            let index = done.index as usize;
            self.held.remove(&index);
            let v4l2::Done { sequence, field, used, faulty, .. } = done;
            feed.done(self.name(), &Back { index, sequence, field, used, faulty });
            taken += 1;
        }
        Ok(taken)
    }

    /// Stops it, and looks whether every frame that was with the device has been returned.
    fn stop(&mut self, feed: &mut dyn Feed) -> Result<(), WorkError> {
        let stopped = v4l2::stream_off(self.device, self.queue).map_err(call("VIDIOC_STREAMOFF"));
        for index in std::mem::take(&mut self.held) {
            let held = v4l2::with_device(self.device, self.queue, index as u32);
            feed.stopped(self.name(), index, stopped.is_ok() && held == Ok(false));
        }
        stopped
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let _ = v4l2::stream_off(self.device, self.queue);
        let _ = v4l2::request_buffers(self.device, self.queue, Memory::DmaBuf, 0);
    }
}
