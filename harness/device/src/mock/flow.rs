//! What a mock does with frames for as long as it is fed: it turns over every bit of each, as in its [work](super::work).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use uapi::Errno;

use super::{Fault, work};
use crate::flow::{Back, Feed, Next, Queue, Shape};
use crate::refusal::Refusal;
use crate::work::{Buffers, Work, WorkError};

/// The mock that loses frames loses one out of this many.
const LOST_EVERY: u32 = 5;

pub fn flow(fault: Fault, work: &Work<'_>, at_once: usize, feed: &mut dyn Feed) -> Result<(), WorkError> {
    feed.begin(&Shape { frames: work::words(work), capture_planes: 1, output_planes: Some(1) });
    let mut lost = Vec::new();
    let both = [Queue::Output, Queue::Capture];
    let mut ended = Ok(());
    for sequence in 0.. {
        let free = (0..at_once).cycle().skip(sequence as usize).take(at_once).find(|index| !lost.contains(index));
        // With every frame lost nothing comes back any more.
        let Some(index) = free else {
            ended = Err(WorkError::Late { frame: sequence as usize, of: at_once, seconds: 0 });
            break;
        };
        let Next::Frame(given) = feed.next(index) else { break };
        both.iter().for_each(|queue| feed.queued(*queue, index));
        if fault == Fault::NeverDone {
            ended = Err(WorkError::Late { frame: 1, of: 1, seconds: 0 });
            both.iter().for_each(|queue| feed.stopped(*queue, index, true));
            break;
        }
        let used = one(fault, work, &given.output, &given.capture)?;
        if fault == Fault::LosesFrame && sequence % LOST_EVERY == LOST_EVERY - 1 {
            lost.push(index);
            continue;
        }
        let sequence = if fault == Fault::SequenceStands { 0 } else { sequence };
        both.iter().for_each(|queue| {
            let used = if *queue == Queue::Capture { vec![used] } else { vec![0] };
            feed.done(*queue, &Back { index, sequence, field: 1, used, faulty: false });
        });
    }
    for index in lost {
        both.iter().for_each(|queue| feed.stopped(*queue, index, false));
    }
    ended
}

/// Works on a frame in imported buffers, and returns the bytes that it claims to have written.
fn one(fault: Fault, work: &Work<'_>, output: &[i32], capture: &[i32]) -> Result<u32, WorkError> {
    let open = |numbers: &[i32]| {
        let number = *numbers.first().ok_or(Errno::EINVAL)?;
        uapi::dma_buf::duplicate_number(number)
    };
    let refused = |errno| WorkError::Import(Refusal::of("mock queue")(errno));
    let (output, capture): (OwnedFd, OwnedFd) = (open(output).map_err(refused)?, open(capture).map_err(refused)?);
    let (output, capture): ([BorrowedFd<'_>; 1], [BorrowedFd<'_>; 1]) = ([output.as_fd()], [capture.as_fd()]);
    let one = Work {
        capture: Buffers::Imported(&capture),
        output: Buffers::Imported(&output),
        files: 1,
        stopped: &|| {},
        ..*work
    };
    let written = work::work(fault, &one)?.written;
    Ok(written.first().and_then(Option::as_ref).map_or(0, |plane| plane.used))
}
