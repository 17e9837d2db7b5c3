//! Whether a buffer holds the bytes that were written into it: a pattern in which every 8 bytes say where they belong.
//!
//! The pattern is a bijection of seed and position, so bytes that turn up in the wrong place tell where they came
//! from: another page of this buffer, or what the buffer held before.

mod bytes;
mod difference;
mod pattern;
mod tally;

pub use bytes::compare;
pub use difference::{Bytes, Difference, Seen, Shape};
pub use pattern::{Origin, POSITIONS, SEEDS, origin, word};

use serde::{Deserialize, Serialize};
use uapi::memory::{Mapping, page_size};

use pattern::Words;
use tally::Tally;

/// So many words are read before they are looked at, each of them once: a loop without branches.
const BLOCK: usize = 64;

/// What was compared and found equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// How many bytes.
    pub bytes: u64,
}

/// Writes the pattern through a mapping that begins at byte `position` of the buffer, front to back.
///
/// # Panics
/// For a position or a length that is no multiple of 8, a seed of [`SEEDS`] or more, a mapping made for reading.
pub fn fill(mapping: &Mapping, seed: u32, position: u64) {
    let len = aligned(mapping.len(), seed, position);
    let mut words = Words::from(seed, position);
    for offset in (0..len).step_by(8) {
        mapping.write_word(offset, words.next());
    }
}

/// Compares a mapping that begins at byte `position` of the buffer with the pattern. Each word is read once and in
/// order: reads of write-combined memory are slow, and a second read could see something else.
///
/// # Errors
/// The difference, with what the bytes seen are.
///
/// # Panics
/// For a position or a length that is no multiple of 8, a seed of [`SEEDS`] or more.
pub fn check(mapping: &Mapping, seed: u32, position: u64) -> Result<Checked, Difference> {
    let len = aligned(mapping.len(), seed, position);
    check_words(len, seed, position, |offset| mapping.read_word(offset))
}

/// As [`check`], for content that is not mapped: `read` is asked for each word once, at rising offsets below `len`.
///
/// # Errors
/// The difference, with what the bytes seen are.
///
/// # Panics
/// As [`check`].
pub fn check_words(
    len: usize,
    seed: u32,
    position: u64,
    mut read: impl FnMut(usize) -> u64,
) -> Result<Checked, Difference> {
    let len = aligned(len, seed, position);
    let mut tally = None;
    let mut words = Words::from(seed, position);
    let mut block = [0; BLOCK];
    for start in (0..len).step_by(BLOCK * 8) {
        let block = &mut block[..(len - start).div_ceil(8).min(BLOCK)];
        let mut differs = 0;
        for (index, word) in block.iter_mut().enumerate() {
            *word = read(start + index * 8);
            differs |= *word ^ words.next();
        }
        if differs != 0 {
            note(&mut tally, seed, position, len, (start, block));
        }
    }
    match tally {
        None => Ok(Checked { bytes: len as u64 }),
        Some(tally) => Err(tally.difference()),
    }
}

/// Kept out of the loop, which runs over whole buffers that do not differ.
#[cold]
fn note(tally: &mut Option<Tally>, seed: u32, position: u64, len: usize, (start, block): (usize, &[u64])) {
    let tally = tally.get_or_insert_with(|| Tally::new(seed, position, len as u64, page_size() as u64));
    for (index, &seen) in block.iter().enumerate() {
        let here = position + (start + index * 8) as u64;
        let expected = word(seed, here);
        if expected != seen {
            tally.add(here, expected, seen);
        }
    }
}

fn aligned(len: usize, seed: u32, position: u64) -> usize {
    assert!(len.is_multiple_of(8) && position.is_multiple_of(8), "content of {len} bytes at {position}");
    assert!(seed < SEEDS && position + len as u64 <= POSITIONS, "seed {seed} at {position}");
    len
}
