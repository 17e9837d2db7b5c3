//! What a device is asked to do, and with which bytes in the buffers.

use device::{Buffers, Work};
use event::Blame;
use oracle::content::{Words, word};
use spec::step::Stream;

/// The seed of the buffers that are read.
pub(crate) const INPUT: u32 = 1;
/// The seed of the buffers that are written, before.
pub(crate) const BEFORE: u32 = 2;
/// The seed of buffers that were taken back, and of those that no one may read yet.
pub(crate) const LEFT: u32 = 3;

/// How many times as large as the imported buffers the device's own may be: what a codec writes is small, and the
/// room for it large.
pub(crate) const OWN_ROOM: u64 = 4;

/// Both sides take part in it: the one gives the addresses, the other uses them.
pub(crate) const BLAME: Blame = Blame::Undecided;

/// The demand of the rule.
pub(crate) const EXPECTED: &str = "imported buffers hold, byte for byte, what the device's own do after the same work";

/// Returns the work to be done: the same for the device's own and for imported buffers, but for the buffers.
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

/// Returns the word that a buffer which is read has at a byte: the data begins at an offset.
pub fn input(words: &Words, at: u64, offset: u64) -> u64 {
    words.at(at.wrapping_sub(offset) % oracle::content::POSITIONS)
}

/// Returns the word that one of the device's own buffers has.
pub(crate) fn own_input(at: u64) -> u64 {
    word(INPUT, at % oracle::content::POSITIONS)
}
