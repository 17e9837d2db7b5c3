//! What a device has done to imported buffers, compared with what it has done to its own.

use std::ops::Range;

use device::work::place;
use device::{Plane, WorkResult};
use event::Oracle;
use oracle::content::{Words, compare};

use super::view::View;
use super::work_order::{BEFORE, BLAME, EXPECTED, INPUT, LEFT};
use crate::cell::stop::Stop;
use crate::cell::world::World;

/// Compares the amount that the device reports as written with that of its own buffers.
pub fn judge_amounts(done: &WorkResult, own: &WorkResult) -> Result<(), Stop> {
    for (number, own) in own.written.iter().enumerate() {
        let used = |plane: Option<&Plane>| plane.map(|plane| plane.used);
        let (seen, wanted) = (used(done.written.get(number).and_then(Option::as_ref)), used(own.as_ref()));
        if seen != wanted {
            let said = |used: Option<u32>| used.map_or("nothing".to_owned(), |used| format!("{used} bytes"));
            let (seen, wanted) = (said(seen), said(wanted));
            let seen = format!("buffer {number}: the device says it wrote {seen}, into its own {wanted}");
            return Err(Stop::fail(Oracle::Content, BLAME, seen, EXPECTED));
        }
    }
    Ok(())
}

/// Compares the imported buffers with the device's own, which were filled with the same before.
pub fn judge(world: &World, done: &WorkResult, own: &WorkResult, files: &[View]) -> Result<(), Stop> {
    for (number, own) in own.written.iter().enumerate() {
        let seed = if own.is_some() { BEFORE } else { LEFT };
        // What it makes of an imported buffer may lie in one of its own.
        let seen = match (files.get(number), done.written.get(number)) {
            (Some(shown), _) => shown.bytes(world)?,
            (None, Some(Some(plane))) => plane.bytes.clone(),
            (None, _) => continue,
        };
        let mut expected = own.as_ref().map_or_else(Vec::new, |own| own.bytes.clone());
        expected.truncate(seen.len());
        let words = Words::of(seed);
        expected.extend(filled(expected.len()..seen.len(), |at| words.at(at)));
        compare(&expected, &seen, seed).map_err(|difference| {
            Stop::fail(Oracle::Content, BLAME, format!("buffer {number}: {difference}"), EXPECTED)
        })?;
    }
    judge_crc(done.crc.as_deref(), own.crc.as_deref())
}

/// Compares what the display reports of an imported buffer with what it reports of its own. Where it reports nothing of one,
/// nothing is known of what it shows.
fn judge_crc(imported: Option<&str>, own: Option<&str>) -> Result<(), Stop> {
    let missing = |whose: &str| {
        Stop::not_observable(Oracle::Content, format!("the display reported no CRC of {whose}"), EXPECTED)
    };
    match (imported, own) {
        (None, Some(_)) => Err(missing("the imported buffer")),
        (Some(_), None) => Err(missing("its own buffer")),
        (Some(seen), Some(wanted)) if seen != wanted => {
            let seen = format!("the CRC of what is shown is {seen}, of its own buffer {wanted}");
            Err(Stop::fail(Oracle::Content, BLAME, seen, EXPECTED))
        }
        _ => Ok(()),
    }
}

/// Returns these bytes of a buffer as they were filled.
pub fn filled(bytes: Range<usize>, word: impl Fn(u64) -> u64) -> Vec<u8> {
    let first = bytes.start / 8 * 8;
    let mut filled = vec![0; bytes.end.saturating_sub(first).next_multiple_of(8)];
    for (index, place) in filled.chunks_exact_mut(8).enumerate() {
        place.copy_from_slice(&word((first + index * 8) as u64).to_ne_bytes());
    }
    filled.truncate(bytes.end.saturating_sub(first));
    filled.drain(..(bytes.start - first).min(filled.len()));
    filled
}

/// A buffer that is read stays as it was.
pub fn unchanged(world: &World, files: &[View], held: impl Fn(u64) -> u64, read: u64) -> Result<(), Stop> {
    for (number, shown) in files.iter().enumerate().filter(|(_, shown)| !shown.is_gone()) {
        let seen = shown.bytes(world)?;
        let expected = filled(0..seen.len(), |at| held(place(number, at)));
        compare(&expected, &seen, INPUT).map_err(|difference| {
            let seen = format!("buffer {number}, of which {read} bytes were to be read: {difference}");
            Stop::fail(Oracle::Content, BLAME, seen, "a buffer that the device reads is not written")
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use spec::verdict::Verdict;

    #[test]
    fn a_crc_that_differs_fails_and_one_that_is_missing_tells_nothing() {
        let verdict = |imported, own| judge_crc(imported, own).err().map(|stop| stop.0.verdict);
        assert_eq!(verdict(Some("0x1"), Some("0x1")), None);
        assert_eq!(verdict(None, None), None);
        assert_eq!(verdict(Some("0x1"), Some("0x2")), Some(Verdict::Fail));
        assert_eq!(verdict(None, Some("0x2")), Some(Verdict::NotObservable));
        assert_eq!(verdict(Some("0x1"), None), Some(Verdict::NotObservable));
    }
}
