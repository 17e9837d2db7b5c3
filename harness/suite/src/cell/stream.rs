//! A device's work on imported buffers, held against its work on its own.
//!
//! Nothing needs to be known of what a device does with a frame: with the same input it does the same to every buffer. It
//! works on its own buffers twice, filled beforehand with bytes and then with their complements, so that each byte is one
//! that it wrote, one that it left alone, or one that differs from run to run.

use device::work::place;
use device::{Buffers, Work, Worked};
use document::case::Kind;
use document::step::{Side, Stream};
use document::verdict::Verdict;
use oracle::content::word;

use super::Stop;
use super::world::{Opened, World};
use crate::event::Blame;

mod judge;
mod shown;
mod tested;
mod undone;
mod waiting;

use judge::{judge, steady, unchanged, unwritten};
use shown::Shown;
use undone::{why_not, without_reference};
use waiting::Waiting;

/// What the buffers that are to be read hold.
const INPUT: u32 = 1;
/// What those that are to be written hold before.
const BEFORE: u32 = 2;
/// What those hold that were taken back, and those that nobody may read yet.
const LEFT: u32 = 3;

/// The device's own buffers may be so many times as large as the imported ones: what a codec writes is small, and the
/// room for it large.
const OWN_ROOM: u64 = 4;

/// Both sides take part in it: the one gives the addresses, the other uses them.
const BLAME: Blame = Blame::Undecided;

/// What the rule asks for.
const EXPECTED: &str = "imported buffers hold, byte for byte, what the device's own do after the same work";

pub fn stream(world: &mut World, step: &Stream) -> Result<(), Stop> {
    let mut unseen = None;
    for format in formats(world.side(Side::Importer)?, step)? {
        if step.test_only {
            let seen = tested::tested(world, step, format)?;
            world.checks += 1;
            world.property("display", seen);
            continue;
        }
        let (seen, judged) = match at_work(world, step, format) {
            Ok(done) => done,
            // Another format may show more.
            Err(Stop(finding)) if format.is_some() && finding.verdict == Verdict::NotObservable => {
                unseen.get_or_insert(Stop(finding));
                continue;
            }
            Err(stop) => return Err(stop),
        };
        for (how, files) in [("write", &step.capture), ("read", &step.output)] {
            if !files.is_empty() {
                world.accessed(how);
            }
        }
        world.checks += 1;
        world.property("content", seen);
        judged?;
    }
    unseen.map_or(Ok(()), Err)
}

/// The formats in which a device is to work, or none for one of its own choice.
fn formats(importer: &Opened, step: &Stream) -> Result<Vec<Option<u32>>, Stop> {
    let named = importer.device.formats(step).map_err(|undone| without_reference(importer, &undone))?;
    Ok(if named.is_empty() { vec![None] } else { named.into_iter().map(Some).collect() })
}

/// What a work is to be done with, of which the own and the imported buffers are but different.
fn work_of<'a>(step: &'a Stream, room: u64, format: Option<u32>, fill: &'a dyn Fn(u64) -> u64) -> Work<'a> {
    Work {
        asked: step,
        files: step.capture.len().max(step.output.len()),
        capture_room: if step.capture.is_empty() { room * OWN_ROOM } else { room },
        output_room: if step.output.is_empty() { room * OWN_ROOM } else { room },
        capture: Buffers::Own(fill),
        output: Buffers::Own(&own_input),
        format,
        wait: None,
        stopped: &|| {},
    }
}

/// Lets the device work. Tells what it worked on, and whether that is as it must be.
fn at_work(world: &World, step: &Stream, format: Option<u32>) -> Result<(String, Result<(), Stop>), Stop> {
    let (capture, output) = (Shown::of(world, &step.capture)?, Shown::of(world, &step.output)?);
    let offset = step.offset.0;
    capture.iter().try_for_each(|shown| shown.fill(world, |at| word(BEFORE, at)))?;
    let first = if step.wait.is_some() { LEFT } else { INPUT };
    let fill = |(number, shown): (usize, &Shown)| shown.fill(world, |at| input(first, place(number, at), offset));
    output.iter().enumerate().try_for_each(fill)?;

    let importer = world.side(Side::Importer)?;
    let left = || {
        for shown in capture.iter().skip(1) {
            // A file that cannot be made coherent was told of when it was filled.
            let _ = shown.fill(world, |at| word(LEFT, at));
        }
    };
    let (written_files, read_files) = (shown::files(&capture), shown::files(&output));
    let room = capture.iter().chain(&output).map(|shown| shown.size).min().unwrap_or(0);
    let before = |at| word(BEFORE, at);
    let own = |fill: &dyn Fn(u64) -> u64| importer.device.work(&work_of(step, room, format, fill));
    let waiting = step.wait.map(|how| Waiting::begin(world, how, &output)).transpose()?;
    let signal =
        || waiting.as_ref().map_or(Ok(()), |waiting| waiting.end(|number, at| input(INPUT, place(number, at), offset)));
    let wait = waiting.as_ref().map(|waiting| device::Wait { file: waiting.file(), signal: &signal });
    let own_work = work_of(step, room, format, &before);
    let imported = Work {
        capture: if capture.is_empty() { own_work.capture } else { Buffers::Imported(&written_files) },
        output: if output.is_empty() { own_work.output } else { Buffers::Imported(&read_files) },
        wait: wait.as_ref(),
        stopped: &left,
        ..own_work
    };
    let done = importer.device.work(&imported);
    if let Some(waiting) = &waiting {
        waiting.over()?;
    }
    let done = done.map_err(|undone| why_not(world, importer, &undone, || own(&before)))?;
    let reference = [own(&before), own(&|at| !word(BEFORE, at))];
    let (first, second) = match reference {
        [Ok(first), Ok(second)] => (first, second),
        [Err(undone), _] | [_, Err(undone)] => return Err(without_reference(importer, &undone)),
    };
    if !step.output.is_empty() && (importer.endpoint.kind == Kind::Drm || unwritten(&first)) {
        let other = |at| !own_input(at);
        let work = Work { output: Buffers::Own(&other), ..work_of(step, room, format, &before) };
        if importer
            .device
            .work(&work)
            .is_ok_and(|other| (other.crc, other.written) == (first.crc.clone(), first.written.clone()))
        {
            return Err(Stop::not_observable("content", "what is shown is the same for other bytes", EXPECTED));
        }
    }
    steady(&first, &second).map_err(|why| Stop::not_observable("content", why, EXPECTED))?;
    let judged = waiting::judge_early(&done)
        .and_then(|()| judge(world, &done, &first, &capture))
        .and_then(|()| unchanged(world, &output, offset, done.read));
    let crc = done.crc.as_ref().map_or(String::new(), |crc| format!(", CRC {crc}"));
    let waited = step.wait.map_or("", |_| ", after the fence was signalled and not before");
    Ok((format!("{}, {}{crc}{waited}", done.frames, amount(&first)), judged))
}

/// What a buffer that is read holds at a byte: the data begins at an offset.
fn input(seed: u32, at: u64, offset: u64) -> u64 {
    word(seed, at.wrapping_sub(offset) % oracle::content::POSITIONS)
}

/// What one of the device's own holds.
fn own_input(at: u64) -> u64 {
    input(INPUT, at, 0)
}

fn amount(worked: &Worked) -> String {
    let used: Vec<u32> = worked.written.iter().flatten().map(|plane| plane.used).collect();
    format!("{} buffers with {} bytes written", used.len(), used.iter().map(|&used| u64::from(used)).sum::<u64>())
}
