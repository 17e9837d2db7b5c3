//! What a mock does with frames: it turns over every bit of what it reads.

use std::cell::Cell;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use uapi::Errno;

use super::{Fault, fences, reopen};
use crate::refusal::Refusal;
use crate::work::{Buffers, Plane, Wait, Work, WorkError, WorkResult, place};

/// The bytes at a buffer's end that are not part of the frame: a frame does not fill whole pages.
const BEHIND: usize = 100;

thread_local! {
    static RUNS: Cell<u8> = const { Cell::new(0) };
}

pub fn work(fault: Fault, work: &Work<'_>) -> Result<WorkResult, WorkError> {
    // A device has the buffers themselves, whatever becomes of the descriptors that it was given.
    let own = |buffers: Buffers<'_>| match buffers {
        Buffers::Imported(files) => files.iter().map(|file| file.try_clone_to_owned()).collect(),
        Buffers::Own(_) => Ok(Vec::new()),
    };
    let (written, read) = (own(work.capture).map_err(failed)?, own(work.output).map_err(failed)?);
    let (written, read) = (borrowed(&written), borrowed(&read));
    (work.queued)();
    let held = |buffers, files| match buffers {
        Buffers::Imported(_) if fault != Fault::KeepsNumber => Buffers::Imported(files),
        _ => buffers,
    };
    frames(fault, &Work { capture: held(work.capture, &written), output: held(work.output, &read), ..*work })
}

fn borrowed(files: &[OwnedFd]) -> Vec<BorrowedFd<'_>> {
    files.iter().map(AsFd::as_fd).collect()
}

/// The bytes of a frame in a buffer.
fn length(work: &Work<'_>) -> usize {
    let room = work.capture_room.min(work.output_room.saturating_sub(work.asked.offset.0));
    usize::try_from(room).unwrap_or(0).saturating_sub(BEHIND)
}

/// Its frames, in words.
pub fn words(work: &Work<'_>) -> String {
    format!("{} bytes", length(work))
}

fn frames(fault: Fault, work: &Work<'_>) -> Result<WorkResult, WorkError> {
    let faulty = work.capture.imported() || work.output.imported();
    if faulty && fault == Fault::NeverDone {
        return Err(WorkError::Late { frame: 1, of: work.files, seconds: 0 });
    }
    if faulty && fault == Fault::Refuses {
        return Err(WorkError::Import(Refusal::Kernel { call: "mock queue", errno: Errno::ENODEV }));
    }
    if work.asked.test_only {
        let refused = WorkError::Call(Refusal::Kernel { call: "mock test", errno: Errno::EINVAL });
        return if faulty && fault == Fault::NotShown { Err(refused) } else { Ok(WorkResult::default()) };
    }
    let early = work.wait.map(|wait| waited(fault, work, wait)).transpose()?;
    let length = length(work);
    let run = RUNS.get();
    RUNS.set(run.wrapping_add(1));
    let at_once = work.asked.queued.map_or(work.files, |queued| queued as usize);
    let mut written = Vec::new();
    for frame in 0..work.files {
        if work.asked.stop && frame > 0 {
            written.push(None);
            continue;
        }
        let mut bytes = match &early {
            Some(Early { read: Some(bytes), .. }) => bytes[..length].to_vec(),
            _ => read(fault, work, frame, length)?,
        };
        bytes.iter_mut().for_each(|byte| *byte = !*byte);
        if fault == Fault::Unsteady {
            bytes[0] = run;
        }
        let place = if fault == Fault::KeepsOldBuffer && frame >= at_once { 0 } else { frame };
        written.push(Some(write(fault, work, place, bytes)?));
    }
    if work.asked.stop {
        (work.stopped)();
        if fault == Fault::WritesTakenBack {
            for frame in 1..work.files {
                write(fault, work, frame, vec![7; 8])?;
            }
        }
    }
    let frames = words(work);
    (work.done)(&frames, length as u32);
    Ok(WorkResult { frames, written, read: length as u64, crc: None, early: early.and_then(|early| early.done) })
}

/// Work that was done before a fence was signalled.
struct Early {
    read: Option<Vec<u8>>,
    done: Option<&'static str>,
}

fn waited(fault: Fault, work: &Work<'_>, wait: &Wait<'_>) -> Result<Early, WorkError> {
    let pending = match (wait.file, work.output) {
        (Some(file), _) => !fences::signalled(file),
        (None, Buffers::Imported(files)) => files.iter().any(|file| !fences::signalled(*file)),
        (None, Buffers::Own(_)) => false,
    };
    // No fence was passed on, so no one waits.
    let early = !pending || fault == Fault::ReadsEarly;
    let room = usize::try_from(work.output_room).unwrap_or(0);
    let read = early.then(|| read(fault, work, 0, room)).transpose()?;
    (wait.signal)().map_err(WorkError::Call)?;
    Ok(Early { read, done: (fault == Fault::DoneEarly).then_some("the mock's fence") })
}

fn failed(_: impl std::error::Error) -> WorkError {
    WorkError::Call(Refusal::Kernel { call: "mock work", errno: Errno::EFAULT })
}

fn memory(file: BorrowedFd<'_>) -> Result<File, WorkError> {
    reopen(file, true).map_err(failed)
}

fn read(fault: Fault, work: &Work<'_>, frame: usize, length: usize) -> Result<Vec<u8>, WorkError> {
    let Buffers::Imported(files) = work.output else {
        let Buffers::Own(word) = work.output else { return Ok(Vec::new()) };
        return Ok((0..length)
            .step_by(8)
            .flat_map(|at| word(place(frame, at as u64)).to_ne_bytes())
            .take(length)
            .collect());
    };
    let (file, mut bytes) = (memory(files[if fault == Fault::FirstPlane { 0 } else { frame }])?, vec![0; length]);
    let offset = if fault == Fault::IgnoresOffset { 0 } else { work.asked.offset.0 };
    file.read_exact_at(&mut bytes, offset).map_err(failed)?;
    if fault == Fault::DeviceElsewhere {
        bytes.rotate_left(8);
    }
    if fault == Fault::DeviceWritesInput {
        file.write_all_at(b"x", 0).map_err(failed)?;
    }
    Ok(bytes)
}

fn write(fault: Fault, work: &Work<'_>, frame: usize, mut bytes: Vec<u8>) -> Result<Plane, WorkError> {
    let used = bytes.len() as u32;
    let Buffers::Imported(files) = work.capture else {
        let Buffers::Own(word) = work.capture else { return Ok(Plane::default()) };
        let tail = (bytes.len()..bytes.len() + BEHIND).map(|at| word((at / 8 * 8) as u64).to_ne_bytes()[at % 8]);
        bytes.extend(tail.collect::<Vec<u8>>());
        return Ok(Plane { used, bytes });
    };
    match fault {
        Fault::DeviceElsewhere => bytes.rotate_left(8),
        Fault::DeviceShort => bytes.truncate(bytes.len() / 4096 * 4096),
        Fault::DeviceOverruns => bytes.extend([0xff; 8]),
        _ => {}
    }
    memory(files[frame])?.write_all_at(&bytes, 0).map_err(failed)?;
    Ok(Plane { used, bytes: Vec::new() })
}
