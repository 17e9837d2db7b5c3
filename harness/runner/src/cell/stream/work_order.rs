//! What a device is asked to do, and with which bytes in the buffers.

use device::{Buffers, Work};
use event::Blame;
use oracle::content::word;
use spec::step::Stream;

/// What the buffers that are to be read hold.
pub(crate) const INPUT: u32 = 1;
/// What those that are to be written hold before.
pub(crate) const BEFORE: u32 = 2;
/// What those hold that were taken back, and those that no one may read yet.
pub(crate) const LEFT: u32 = 3;

/// The device's own buffers may be so many times as large as the imported ones: what a codec writes is small, and the
/// room for it large.
pub(crate) const OWN_ROOM: u64 = 4;

/// Both sides take part in it: the one gives the addresses, the other uses them.
pub(crate) const BLAME: Blame = Blame::Undecided;

/// What the rule asks for.
pub(crate) const EXPECTED: &str = "imported buffers hold, byte for byte, what the device's own do after the same work";

/// What a work is to be done with, of which the own and the imported buffers are but different.
pub fn work_of<'a>(
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
pub fn input(seed: u32, at: u64, offset: u64) -> u64 {
    word(seed, at.wrapping_sub(offset) % oracle::content::POSITIONS)
}

/// What one of the device's own holds.
pub(crate) fn own_input(at: u64) -> u64 {
    input(INPUT, at, 0)
}
