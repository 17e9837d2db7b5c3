//! A device's work on imported buffers, held against its work on its own.
//!
//! Nothing needs to be known of what a device does with a frame: with the same input it does the same to every buffer. It
//! works on its own buffers twice, filled beforehand with bytes and then with their complements, so that each byte is one
//! that it wrote, one that it left alone, or one that differs from run to run.

use device::{Buffers, Work};
use document::step::Stream;
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
mod work;

pub(crate) use judge::{filled, steady};
use shown::Shown;
use undone::without_reference;

/// What the buffers that are to be read hold.
pub(crate) const INPUT: u32 = 1;
/// What those that are to be written hold before.
pub(crate) const BEFORE: u32 = 2;
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
    let mut formats = formats(world.side(step.by)?, step)?;
    if !step.gives_up.is_empty() {
        // What was given up is there for one format alone.
        formats.truncate(1);
    }
    for format in formats {
        if step.test_only {
            let seen = tested::tested(world, step, format)?;
            world.checks += 1;
            world.property("display", seen);
            continue;
        }
        let (seen, judged) = match work::at_work(world, step, format) {
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
fn work_of<'a>(
    step: &'a Stream,
    room: u64,
    format: Option<u32>,
    fill: &'a dyn Fn(u64) -> u64,
    read: &'a dyn Fn(u64) -> u64,
) -> Work<'a> {
    let files = step.capture.len().max(step.output.len());
    let of = |files: &[String]| if files.is_empty() { room * OWN_ROOM } else { room };
    Work {
        capture_room: of(&step.capture),
        output_room: of(&step.output),
        format,
        ..Work::new(step, files, room, Buffers::Own(fill), Buffers::Own(read))
    }
}

/// What a buffer that is read holds at a byte: the data begins at an offset.
fn input(seed: u32, at: u64, offset: u64) -> u64 {
    word(seed, at.wrapping_sub(offset) % oracle::content::POSITIONS)
}

/// What one of the device's own holds.
pub(crate) fn own_input(at: u64) -> u64 {
    input(INPUT, at, 0)
}
