//! Whether a buffer holds the bytes that were written into it: a pattern in which every 8 bytes say where they belong.
//!
//! The pattern is a bijection of seed and position, so bytes that turn up in the wrong place show where they came
//! from: another page of this buffer, or what the buffer held before.

mod bytes;
mod difference;
mod pattern;
mod tally;

pub use bytes::compare;
pub use difference::{Bytes, Difference, Seen, Shape};
pub use pattern::{Origin, POSITIONS, SEEDS, Words, origin, word};

use std::ops::Range;

use serde::{Deserialize, Serialize};
use uapi::memory::{LINE, LINE_SIZE, Line, Mapping, page_size, with_vectors};

use pattern::{BLOCK, Lines};
use tally::Tally;

/// Bytes that were compared and found equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The number of bytes.
    pub bytes: u64,
}

/// The size from which buffers are written past the caches, which do not hold them, as libc's memcpy does.
const UNCACHED: usize = 64 << 20;

/// Writes the pattern through a mapping that begins at byte `position` of the buffer, front to back.
///
/// # Panics
/// For a position or a length that is not a multiple of 8, a seed of [`SEEDS`] or more, a mapping made for reading.
pub fn fill(mapping: &Mapping, seed: u32, position: u64) {
    let len = aligned(mapping.len(), seed, position);
    let lined = lined(len, position);
    let mut offset = 0;
    while offset < lined {
        let lines = Lines::from(seed, position + offset as u64);
        let count = lines.len().min((lined - offset) / LINE_SIZE);
        with_vectors(
            #[inline(always)]
            || {
                if lined < UNCACHED {
                    mapping.write_lines(offset, lines.take(count));
                } else {
                    mapping.stream_lines(offset, lines.take(count));
                }
            },
        );
        offset += count * LINE_SIZE;
    }
    mapping.streamed();
    for offset in (lined..len).step_by(8) {
        mapping.write_word(offset, word(seed, position + offset as u64));
    }
}

/// Compares a mapping that begins at byte `position` of the buffer with the pattern. Each word is read once and in
/// order: reads of write-combined memory are slow, and a second read could see something else.
///
/// # Errors
/// The difference, with what the bytes seen are.
///
/// # Panics
/// For a position or a length that is not a multiple of 8, a seed of [`SEEDS`] or more.
pub fn check(mapping: &Mapping, seed: u32, position: u64) -> Result<Checked, Difference> {
    check_part(mapping, 0..mapping.len(), seed, position)
}

/// As [`check`], of a part of a mapping in bytes, which begins at byte `position` of the buffer.
///
/// # Errors
/// As [`check`].
///
/// # Panics
/// As [`check`], and for a part that is not within the mapping.
pub fn check_part(mapping: &Mapping, part: Range<usize>, seed: u32, position: u64) -> Result<Checked, Difference> {
    let len = aligned(part.len(), seed, position);
    let mut told = Told { tally: None, seed, position, len };
    let lined = lined(len, position | part.start as u64);
    let mut block = [[0; LINE]; BLOCK as usize / LINE];
    let mut offset = 0;
    while offset < lined {
        let expected = Lines::from(seed, position + offset as u64);
        let block = &mut block[..expected.len().min((lined - offset) / LINE_SIZE)];
        let seen = mapping.lines(part.start + offset, block.len());
        let differing = with_vectors(
            #[inline(always)]
            || compare_lines(block, seen, expected),
        );
        if differing {
            block.as_flattened().iter().enumerate().for_each(|(index, &word)| told.see(offset + index * 8, word));
        }
        offset += block.len() * LINE_SIZE;
    }
    (lined..len).step_by(8).for_each(|offset| told.see(offset, mapping.read_word(part.start + offset)));
    told.answer()
}

/// Keeps lines as they are seen, and says whether any differs from what is expected.
#[inline(always)]
fn compare_lines(kept: &mut [Line], seen: impl Iterator<Item = Line>, expected: impl Iterator<Item = Line>) -> bool {
    // A line's words first among themselves: what is added up waits little.
    let mut differing = [0; 4];
    for ((kept, seen), expected) in kept.iter_mut().zip(seen).zip(expected) {
        *kept = seen;
        for (word, sum) in differing.iter_mut().enumerate() {
            *sum |= (seen[word] ^ expected[word]) | (seen[word + 4] ^ expected[word + 4]);
        }
    }
    differing != [0; 4]
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
    let mut told = Told { tally: None, seed, position, len };
    (0..len).step_by(8).for_each(|offset| told.see(offset, read(offset)));
    told.answer()
}

/// The comparison of the words that were read, in order.
struct Told {
    tally: Option<Tally>,
    seed: u32,
    position: u64,
    len: usize,
}

impl Told {
    fn see(&mut self, offset: usize, seen: u64) {
        let position = self.position + offset as u64;
        let expected = word(self.seed, position);
        if expected != seen {
            let new = || Tally::new(self.seed, self.position, self.len as u64, page_size() as u64);
            self.tally.get_or_insert_with(new).add(position, expected, seen);
        }
    }

    fn answer(self) -> Result<Checked, Difference> {
        match self.tally {
            None => Ok(Checked { bytes: self.len as u64 }),
            Some(tally) => Err(tally.difference()),
        }
    }
}

/// Returns the part of this many bytes that are whole lines, if they begin with one.
fn lined(len: usize, start: u64) -> usize {
    if start.is_multiple_of(LINE_SIZE as u64) { len / LINE_SIZE * LINE_SIZE } else { 0 }
}

fn aligned(len: usize, seed: u32, position: u64) -> usize {
    assert!(len.is_multiple_of(8) && position.is_multiple_of(8), "content of {len} bytes at {position}");
    assert!(seed < SEEDS && position + len as u64 <= POSITIONS, "seed {seed} at {position}");
    len
}
