//! The bijection behind the pattern.

use serde::{Deserialize, Serialize};

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

/// Bits of the index of a word: `POSITIONS / 8` of them.
const INDEX_BITS: u32 = 37;
/// One multiplication that a loop over positions turns into an addition, one that mixes.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const MIX: u64 = 0xbf58_476d_1ce4_e5b9;
/// Keeps zeros, ones and other fillings from being the word of a plausible place.
const OFFSET: u64 = 0x94d0_49bb_1331_11eb;
const STEP_INVERSE: u64 = inverse(STEP);
const MIX_INVERSE: u64 = inverse(MIX);

/// The word at byte `position` (a multiple of 8) of a buffer filled with `seed`; different for every two places of
/// seeds below [`SEEDS`] and positions below [`POSITIONS`].
#[inline]
pub const fn word(seed: u32, position: u64) -> u64 {
    mix(start(seed, position))
}

/// The words from a position on, one addition apart: what a loop over a buffer costs must not show beside the memory.
pub(super) struct Words {
    stepped: u64,
}

impl Words {
    pub(super) const fn from(seed: u32, position: u64) -> Self {
        Self { stepped: start(seed, position) }
    }

    #[inline(always)]
    pub(super) const fn next(&mut self) -> u64 {
        let word = mix(self.stepped);
        self.stepped = self.stepped.wrapping_add(STEP);
        word
    }
}

const fn start(seed: u32, position: u64) -> u64 {
    let index = ((seed as u64) << INDEX_BITS) | (position / 8);
    index.wrapping_mul(STEP).wrapping_add(OFFSET)
}

#[inline(always)]
const fn mix(stepped: u64) -> u64 {
    let mixed = (stepped ^ (stepped >> 32)).wrapping_mul(MIX);
    mixed ^ (mixed >> 32)
}

/// Where a word belongs, if it is one of the pattern. One random word in 2048 is taken for one; two neighbours that
/// agree are not chance.
pub const fn origin(word: u64) -> Option<Origin> {
    let mixed = (word ^ (word >> 32)).wrapping_mul(MIX_INVERSE);
    let index = (mixed ^ (mixed >> 32)).wrapping_sub(OFFSET).wrapping_mul(STEP_INVERSE);
    let (seed, position) = (index >> INDEX_BITS, (index & ((1 << INDEX_BITS) - 1)) * 8);
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
        fn a_word_that_has_an_origin_is_the_word_of_it(random: u64) {
            if let Some(Origin { seed, position }) = origin(random) {
                prop_assert_eq!(word(seed, position), random);
            }
        }
    }

    #[test]
    fn one_after_the_other_they_are_the_same_words() {
        let mut words = Words::from(9, 1 << 33);
        assert!((0..1000).all(|index| words.next() == word(9, (1 << 33) + index * 8)));
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
