//! What a device's work on its own buffers is worth: whether it does anything, and the same each time.

use device::{Plane, WorkResult};
use oracle::content::{Words, word};

use super::judge::filled;
use super::work_order::BEFORE;

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

/// Returns whether what a device did depends on what it read: it wrote or showed something then, and not the same for other
/// bytes. An imported buffer of which it made the same needs no second look: the two are two runs that agree.
pub fn depends(first: &WorkResult, other: &WorkResult) -> bool {
    if unwritten(first) {
        return first.crc.is_some() && other.crc.is_some() && first.crc != other.crc;
    }
    first.written.iter().zip(&other.written).any(|pair| matches!(pair, (Some(first), Some(other)) if first != other))
}

/// What a device's own buffers would hold had they been filled as the imported ones were and not with the complements:
/// where it wrote all of what it says that it wrote and nothing behind that, there is nothing else to know of it. Imported
/// buffers that hold the same are the second run that agrees: a byte that it left alone in one of the two is another.
pub fn as_before(second: &WorkResult) -> Option<WorkResult> {
    let (mut first, before) = (second.clone(), Words::of(BEFORE));
    for plane in first.written.iter_mut().flatten() {
        let end = plane.used as usize;
        let (len, rest) = (plane.bytes.len(), plane.bytes.get_mut(end..).filter(|_| end > 0)?);
        let alone = filled(end..len, |at| !before.at(at));
        if rest != alone {
            return None;
        }
        rest.iter_mut().for_each(|byte| *byte = !*byte);
    }
    (!unwritten(&first)).then_some(first)
}

/// Returns whether a device wrote any byte of a buffer, the same each time.
fn same(first: &Plane, second: &Plane) -> Result<bool, String> {
    if first.used != second.used || first.bytes.len() != second.bytes.len() {
        return Err(format!("the device wrote {} bytes in one run, {} in another", first.used, second.used));
    }
    let mut wrote = false;
    for (index, (one, other)) in first.bytes.chunks(8).zip(second.bytes.chunks(8)).enumerate() {
        if one == other {
            wrote = true;
            continue;
        }
        let fill = word(BEFORE, index as u64 * 8).to_ne_bytes();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn own(complement: bool) -> Vec<u8> {
        filled(0..16, |at| if complement { !word(BEFORE, at) } else { word(BEFORE, at) })
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
    fn a_source_that_is_not_the_same_twice_is_found_out() {
        let (mut one, mut other) = (own(false), own(true));
        (one[11], other[11]) = (1, 2);
        let why = steady(&worked(one), &worked(other)).unwrap_err();
        assert!(why.contains("byte 11 is 01, then 02"), "{why}");
        let short = WorkResult { written: vec![Some(Plane { used: 8, bytes: own(true) })], ..WorkResult::default() };
        assert!(steady(&worked(own(false)), &short).is_err());
    }

    #[test]
    fn what_a_device_says_that_it_wrote_is_what_it_wrote() {
        let used =
            |used, bytes| WorkResult { written: vec![None, Some(Plane { used, bytes })], ..WorkResult::default() };
        let (mut one, mut other) = (own(false), own(true));
        one[..10].fill(7);
        other[..10].fill(7);
        assert_eq!(as_before(&used(10, other.clone())), Some(used(10, one)));
        assert_eq!(as_before(&used(9, other.clone())), None, "it wrote another byte behind them");
        assert_eq!(as_before(&used(17, other)), None, "more than the buffer has");
        assert_eq!(as_before(&used(0, own(true))), None, "it wrote nothing");
        assert_eq!(as_before(&WorkResult::default()), None);
    }

    #[test]
    fn a_display_that_reads_shows_it_in_what_it_writes_or_else_in_its_crc() {
        let shown = |crc: Option<&str>| WorkResult { crc: crc.map(str::to_owned), ..WorkResult::default() };
        assert!(depends(&shown(Some("1")), &shown(Some("2"))));
        assert!(!depends(&shown(Some("1")), &shown(Some("1"))));
        assert!(!depends(&shown(Some("1")), &shown(None)), "a CRC that is missing is not another");
        let both = |byte: u8, crc: &str| WorkResult { crc: Some(crc.to_owned()), ..worked(vec![byte; 16]) };
        assert!(depends(&both(1, "1"), &both(2, "1")));
        assert!(!depends(&both(1, "1"), &both(1, "2")), "what was to be written was not");
        let taken = WorkResult { written: vec![None], ..shown(Some("1")) };
        assert!(!depends(&both(1, "1"), &taken), "the other run wrote nothing");
    }
}
