//! Bytes without a pattern: compares what a device has written with what it should have written.

use super::difference::{Difference, Seen};
use super::tally::Tally;
use super::{Checked, word};

/// The number of bytes that identify a place.
const KNOWN_BY: usize = 64;

/// Compares bytes with those that should be there. Before, the buffer was filled with the pattern of a seed: what is
/// left of it was not written.
///
/// # Errors
/// The difference, with what the bytes seen are.
pub fn compare(expected: &[u8], seen: &[u8], before: u32) -> Result<Checked, Difference> {
    let len = expected.len().min(seen.len());
    let (expected, seen) = (&expected[..len], &seen[..len]);
    if expected == seen {
        return Ok(Checked { bytes: len as u64 });
    }
    let mut tally = Tally::new(before, 0, len.next_multiple_of(8) as u64, uapi::memory::page_size() as u64);
    let mut first = None;
    for at in (0..len).step_by(8) {
        let (expected, seen) = (padded(&expected[at..]), padded(&seen[at..]));
        if expected != seen {
            tally.add(at as u64, expected, seen);
            first.get_or_insert((at, seen));
        }
    }
    let mut difference = tally.difference();
    difference.total = len as u64;
    if let Some((at, now)) = first {
        difference.what = match difference.what {
            _ if now == word(before, at as u64) => Seen::Before,
            Seen::Zeros | Seen::FlippedBit => difference.what,
            _ => elsewhere(expected, seen, at).unwrap_or(difference.what),
        };
    }
    Err(difference)
}

/// Returns the first 8 bytes, zeros after the end.
fn padded(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    let len = bytes.len().min(8);
    word[..len].copy_from_slice(&bytes[..len]);
    u64::from_ne_bytes(word)
}

/// The page in which the bytes seen at a place belong, at the same place of it.
fn elsewhere(expected: &[u8], seen: &[u8], at: usize) -> Option<Seen> {
    let page = uapi::memory::page_size();
    let known = seen.get(at..at + KNOWN_BY)?;
    // What is the same all over is nowhere.
    known.iter().any(|byte| *byte != known[0]).then_some(())?;
    let mut places = (at % page..expected.len()).step_by(page).filter(|&place| place != at);
    let place = places.find(|&place| expected.get(place..place + KNOWN_BY) == Some(known))?;
    Some(Seen::Elsewhere { position: place as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Shape;

    fn pattern(seed: u32, len: usize) -> Vec<u8> {
        (0..len).step_by(8).flat_map(|at| word(seed, at as u64).to_ne_bytes()).take(len).collect()
    }

    #[test]
    fn equal_bytes_are_equal_to_the_last_of_them() {
        let frame = pattern(9, 10_001);
        assert_eq!(compare(&frame, &frame, 3), Ok(Checked { bytes: 10_001 }));
        let mut other = frame.clone();
        other[10_000] ^= 1;
        let difference = compare(&frame, &other, 3).unwrap_err();
        assert_eq!((difference.position, difference.differing, difference.total), (10_000, 1, 10_001));
    }

    #[test]
    fn a_page_that_was_not_written_a_swapped_page_and_a_stale_line_are_told_apart() {
        let (frame, before) = (pattern(9, 4 * 4096), pattern(3, 4 * 4096));
        let mut unwritten = frame.clone();
        unwritten[3 * 4096..].copy_from_slice(&before[3 * 4096..]);
        let difference = compare(&frame, &unwritten, 3).unwrap_err();
        assert_eq!((difference.what, difference.shape), (Seen::Before, Shape::WholePages { pages: 1 }));
        let mut swapped = frame.clone();
        swapped.rotate_left(4096);
        let difference = compare(&frame, &swapped, 3).unwrap_err();
        assert_eq!((difference.what, difference.shape), (Seen::Elsewhere { position: 4096 }, Shape::Everything));
        let mut stale = frame.clone();
        stale[128..192].copy_from_slice(&before[128..192]);
        let difference = compare(&frame, &stale, 3).unwrap_err();
        assert_eq!((difference.what, difference.shape), (Seen::Before, Shape::CacheLines { lines: 1 }));
        assert!(difference.to_string().contains("what was there before"), "{difference}");
    }
}
