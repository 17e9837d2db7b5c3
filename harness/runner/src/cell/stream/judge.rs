//! What a device has done to imported buffers, compared with what it has done to its own.

use device::work::place;
use device::{Plane, WorkResult};
use event::Oracle;
use oracle::content::{compare, word};

use super::view::View;
use super::work_order::{BEFORE, BLAME, EXPECTED, INPUT, LEFT};
use crate::cell::stop::Stop;
use crate::cell::world::World;

/// Returns whether no buffer shows what a device has done.
pub fn unwritten(worked: &WorkResult) -> bool {
    worked.written.iter().all(Option::is_none)
}

/// Returns whether a device writes the same into its own buffers each time, and anything at all.
pub fn steady(first: &WorkResult, second: &WorkResult) -> Result<(), String> {
    if first.crc != second.crc {
        return Err(format!("the CRC of the device's own buffer is {:?}, then {:?}", first.crc, second.crc));
    }
    let mut wrote = unwritten(first) && first.crc.is_some();
    for (number, (first, second)) in first.written.iter().zip(&second.written).enumerate() {
        wrote |= match (first, second) {
            (None, None) => false,
            (Some(first), Some(second)) => same(first, second).map_err(|why| format!("buffer {number}: {why}"))?,
            _ => return Err(format!("buffer {number}: the device wrote it in one of two runs")),
        };
    }
    if wrote { Ok(()) } else { Err("the device writes nothing into its own buffers".into()) }
}

/// Returns whether a device wrote any byte of a buffer, the same each time.
fn same(first: &Plane, second: &Plane) -> Result<bool, String> {
    if first.used != second.used || first.bytes.len() != second.bytes.len() {
        return Err(format!("the device wrote {} bytes in one run, {} in another", first.used, second.used));
    }
    let mut wrote = false;
    for (index, (one, other)) in first.bytes.chunks(8).zip(second.bytes.chunks(8)).enumerate() {
        let fill = word(BEFORE, index as u64 * 8).to_ne_bytes();
        if one == other {
            wrote = true;
            continue;
        }
        for (at, (&one, &other)) in one.iter().zip(other).enumerate() {
            wrote |= one == other;
            if one != other && (one != fill[at] || other != !fill[at]) {
                let at = index * 8 + at;
                return Err(format!(
                    "the device's own buffers do not show the same in two runs: byte {at} is {one:02x}, then {other:02x}"
                ));
            }
        }
    }
    Ok(wrote)
}

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
        let mut expected = filled(seen.len(), |at| word(seed, at));
        if let Some(own) = own {
            let len = own.bytes.len().min(seen.len());
            expected[..len].copy_from_slice(&own.bytes[..len]);
        }
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

/// Returns this many bytes as they were filled.
pub fn filled(len: usize, word: impl Fn(u64) -> u64) -> Vec<u8> {
    let mut bytes = vec![0; len.next_multiple_of(8)];
    for (index, place) in bytes.chunks_exact_mut(8).enumerate() {
        place.copy_from_slice(&word(index as u64 * 8).to_ne_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// A buffer that is read stays as it was.
pub fn unchanged(world: &World, files: &[View], held: impl Fn(u64) -> u64, read: u64) -> Result<(), Stop> {
    for (number, shown) in files.iter().enumerate().filter(|(_, shown)| !shown.is_gone()) {
        let seen = shown.bytes(world)?;
        let expected = filled(seen.len(), |at| held(place(number, at)));
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

    fn own(complement: bool) -> Vec<u8> {
        filled(16, |at| if complement { !word(BEFORE, at) } else { word(BEFORE, at) })
    }

    fn worked(bytes: Vec<u8>) -> WorkResult {
        WorkResult { written: vec![Some(Plane { used: 16, bytes })], ..WorkResult::default() }
    }

    #[test]
    fn what_a_device_leaves_alone_is_told_from_what_it_writes() {
        let (mut one, mut other) = (own(false), own(true));
        assert!(steady(&worked(one.clone()), &worked(other.clone())).unwrap_err().contains("writes nothing"));
        // The very byte that was there before is written as well.
        other[1] = one[1];
        assert_eq!(steady(&worked(one.clone()), &worked(other.clone())), Ok(()));
        one[8..].fill(7);
        other[8..].fill(7);
        assert_eq!(steady(&worked(one), &worked(other)), Ok(()));
    }

    #[test]
    fn a_crc_that_differs_fails_and_one_that_is_missing_tells_nothing() {
        let verdict = |imported, own| judge_crc(imported, own).err().map(|stop| stop.0.verdict);
        assert_eq!(verdict(Some("0x1"), Some("0x1")), None);
        assert_eq!(verdict(None, None), None);
        assert_eq!(verdict(Some("0x1"), Some("0x2")), Some(Verdict::Fail));
        assert_eq!(verdict(None, Some("0x2")), Some(Verdict::NotObservable));
        assert_eq!(verdict(Some("0x1"), None), Some(Verdict::NotObservable));
    }

    #[test]
    fn a_source_that_is_not_the_same_twice_is_found_out() {
        let (mut one, mut other) = (own(false), own(true));
        (one[11], other[11]) = (1, 2);
        let why = steady(&worked(one), &worked(other)).unwrap_err();
        assert!(why.contains("byte 11 is 01, then 02"), "{why}");
        let short = WorkResult { written: vec![Some(Plane { used: 8, bytes: own(true) })], ..WorkResult::default() };
        assert!(steady(&worked(own(false)), &short).is_err());
    }
}
