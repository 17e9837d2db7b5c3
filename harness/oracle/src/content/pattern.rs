//! The bijection that makes the pattern.

use std::cell::Cell;

use serde::{Deserialize, Serialize};
use uapi::memory::{LINE, Line};

/// Seeds are below this.
pub const SEEDS: u32 = 1 << 16;

/// Positions are below this: 1 TiB.
pub const POSITIONS: u64 = 1 << 40;

/// Where a word of the pattern belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The seed that it was made with.
    pub seed: u32,
    /// The byte of the buffer at which it begins.
    pub position: u64,
}

/// Words of a block: within one they are an addition apart, so that what a loop over a buffer costs does not show beside
/// the memory. What a block begins with is mixed well.
pub(super) const BLOCK: u64 = 1 << BLOCK_BITS;
const BLOCK_BITS: u32 = 9;
/// Bits of the number of a block: `POSITIONS / 8 / BLOCK` of them.
const NUMBER_BITS: u32 = 28;
/// Bits of what is mixed; the rest of a word is left to the place within the block.
const MIXED_BITS: u32 = 64 - BLOCK_BITS;
const MIXED: u64 = (1 << MIXED_BITS) - 1;
/// More than half of the bits: shifted in twice, nothing of them is left, and it is its own inverse.
const SHIFT: u32 = MIXED_BITS / 2 + 1;
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const FIRST: u64 = 0xbf58_476d_1ce4_e5b9;
const SECOND: u64 = 0xff51_afd7_ed55_8ccd;
/// Keeps zeros, ones and other fillings from being the word of a plausible place.
const OFFSET: u64 = 0x94d0_49bb_1331_11eb;
const STEP_INVERSE: u64 = inverse(STEP);
const FIRST_INVERSE: u64 = inverse(FIRST);
const SECOND_INVERSE: u64 = inverse(SECOND);

/// The word at byte `position` (a multiple of 8) of a buffer filled with `seed`; different for every two places of
/// seeds below [`SEEDS`] and positions below [`POSITIONS`].
#[inline]
pub const fn word(seed: u32, position: u64) -> u64 {
    let (number, place) = (position / 8 / BLOCK, position / 8 % BLOCK);
    let (first, step) = block(seed, number);
    folded(first.wrapping_add(place.wrapping_mul(step)))
}

/// The words of a seed, for whoever wants one after the other: what a block begins with is mixed once.
pub struct Words {
    seed: u32,
    block: Cell<(u64, u64, u64)>,
}

impl Words {
    /// The words of a seed.
    pub fn of(seed: u32) -> Self {
        let (first, step) = block(seed, 0);
        Self { seed, block: Cell::new((0, first, step)) }
    }

    /// The same as [`word`].
    pub fn at(&self, position: u64) -> u64 {
        let (number, place) = (position / 8 / BLOCK, position / 8 % BLOCK);
        let (mut known, mut first, mut step) = self.block.get();
        if known != number {
            (known, (first, step)) = (number, block(self.seed, number));
            self.block.set((known, first, step));
        }
        folded(first.wrapping_add(place.wrapping_mul(step)))
    }
}

/// The lines from a position on, which is a multiple of 64, to the end of its block.
pub(super) struct Lines {
    stepped: Line,
    step: Line,
    left: usize,
}

impl Lines {
    #[inline]
    pub(super) fn from(seed: u32, position: u64) -> Self {
        let index = position / 8;
        let (first, step) = block(seed, index / BLOCK);
        let mut stepped = [0; LINE];
        for (word, place) in stepped.iter_mut().zip(index % BLOCK..) {
            *word = first.wrapping_add(place.wrapping_mul(step));
        }
        // A compiler that knew that they are equal would add word by word, where it can add vectors.
        let step = std::hint::black_box([step.wrapping_mul(LINE as u64); LINE]);
        Self { stepped, step, left: (BLOCK - index % BLOCK) as usize / LINE }
    }
}

impl Iterator for Lines {
    type Item = Line;

    #[inline(always)]
    fn next(&mut self) -> Option<Line> {
        self.left = self.left.checked_sub(1)?;
        // Loops over whole lines, not `map`: of these the compiler makes vectors.
        let mut line = [0; LINE];
        for (word, stepped) in line.iter_mut().zip(self.stepped) {
            *word = folded(stepped);
        }
        for (stepped, step) in self.stepped.iter_mut().zip(self.step) {
            *stepped = stepped.wrapping_add(step);
        }
        Some(line)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Lines {}

/// Returns the first word of a block and the distance between its words: by a step that is another in each block, so that two
/// blocks differ in other bits at each place, and whose lowest bits are the same in all, so that they identify the place.
#[inline(always)]
const fn block(seed: u32, number: u64) -> (u64, u64) {
    let first = mixed(((seed as u64) << NUMBER_BITS) | number) << BLOCK_BITS;
    (first, first.wrapping_mul(2).wrapping_add(STEP))
}

const fn mixed(key: u64) -> u64 {
    let once = key.wrapping_mul(FIRST).wrapping_add(OFFSET) & MIXED;
    let twice = (once ^ (once >> SHIFT)).wrapping_mul(SECOND) & MIXED;
    twice ^ (twice >> SHIFT)
}

/// The low half of a block's words would differ little from that of another's.
#[inline(always)]
const fn folded(stepped: u64) -> u64 {
    stepped ^ (stepped >> 32)
}

/// Where a word belongs, if it is one of the pattern. One random word in 2048 is taken for one; two neighbours that
/// agree are not chance.
pub const fn origin(word: u64) -> Option<Origin> {
    let stepped = folded(word);
    let place = stepped.wrapping_mul(STEP_INVERSE) % BLOCK;
    // The first word, and twice as much for each place.
    let mixed =
        (stepped.wrapping_sub(place.wrapping_mul(STEP)) >> BLOCK_BITS).wrapping_mul(inverse(1 + 2 * place)) & MIXED;
    let twice = (mixed ^ (mixed >> SHIFT)).wrapping_mul(SECOND_INVERSE) & MIXED;
    let key = (twice ^ (twice >> SHIFT)).wrapping_sub(OFFSET).wrapping_mul(FIRST_INVERSE) & MIXED;
    let (seed, number) = (key >> NUMBER_BITS, key & ((1 << NUMBER_BITS) - 1));
    let position = ((number << BLOCK_BITS) | place) * 8;
    if seed < SEEDS as u64 { Some(Origin { seed: seed as u32, position }) } else { None }
}

/// The inverse of an odd number modulo 2^64; each round of Newton's method doubles the correct bits.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut round = 0;
    while round < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn origin_is_the_inverse_of_word(seed in 0..SEEDS, index in 0..POSITIONS / 8) {
            let position = index * 8;
            prop_assert_eq!(origin(word(seed, position)), Some(Origin { seed, position }));
        }

        #[test]
        fn one_after_the_other_they_are_the_same_words(seed in 0..SEEDS, indices: [u32; 4]) {
            let words = Words::of(seed);
            for position in indices.into_iter().flat_map(|index| [u64::from(index) * 8, u64::from(index) * 8 + 8, 0]) {
                prop_assert_eq!(words.at(position), word(seed, position));
            }
        }

        #[test]
        fn a_word_that_has_an_origin_is_the_word_of_it(random: u64) {
            if let Some(Origin { seed, position }) = origin(random) {
                prop_assert_eq!(word(seed, position), random);
            }
        }
    }

    #[test]
    fn line_by_line_they_are_the_same_words() {
        for (seed, start) in [(9, 1 << 33), (9, (1 << 33) + 4096 - 192), (SEEDS - 1, POSITIONS - 4096)] {
            let lines: Vec<Line> = Lines::from(seed, start).collect();
            assert_eq!(lines.len() as u64, (4096 - start % 4096) / 64);
            let words = lines.concat();
            assert!(words.iter().zip((start..).step_by(8)).all(|(&seen, at)| seen == word(seed, at)), "from {start}");
        }
    }

    #[test]
    fn the_corners_are_inverted_too() {
        for (seed, position) in [(0, 0), (SEEDS - 1, POSITIONS - 8), (0, POSITIONS - 8), (SEEDS - 1, 0)] {
            assert_eq!(origin(word(seed, position)), Some(Origin { seed, position }));
        }
    }

    #[test]
    fn what_kernels_fill_memory_with_has_no_origin() {
        // Zeros, ones, and the poisons of include/linux/poison.h.
        for byte in [0, 0xff, 0xaa, 0x5a, 0x6b, 0xa5, 0xcc, 0x55] {
            assert_eq!(origin(u64::from_ne_bytes([byte; 8])), None, "{byte:#x}");
        }
    }

    #[test]
    fn neighbours_and_generations_differ_in_most_bytes() {
        let equal =
            |one: u64, two: u64| one.to_ne_bytes().iter().zip(two.to_ne_bytes()).filter(|(a, b)| **a == *b).count();
        let places = (0..4096).map(|index| index * 8);
        let pages: usize = places.clone().map(|at| equal(word(1, at), word(1, at + 4096))).sum();
        let seeds: usize = places.map(|at| equal(word(1, at), word(2, at))).sum();
        // Of 32768 bytes, chance makes 128 equal.
        assert!(pages < 256 && seeds < 256, "{pages} and {seeds} bytes equal");
    }
}
