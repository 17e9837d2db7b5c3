//! A device's work on imported buffers, held against its work on its own.
//!
//! Nothing needs to be known of what a device does with a frame: with the same input it does the same to every buffer. It
//! works on its own buffers twice, filled beforehand with bytes and then with their complements, so that each byte is one
//! that it wrote, one that it left alone, or one that differs from run to run.

use device::{Buffers, Plane, Undone, Work, Worked};
use document::case::Kind;
use document::step::{Side, Stream};
use document::verdict::Verdict;
use oracle::content::{compare, word};

use super::world::{Opened, World, unexpected};
use super::{REFUSAL, Stop, documented};
use crate::event::Blame;

mod shown;

use shown::Shown;

/// What the buffers that are to be read hold.
pub(crate) const INPUT: u32 = 1;
/// What those that are to be written hold before.
pub(crate) const BEFORE: u32 = 2;
/// What those hold that were taken back.
const LEFT: u32 = 3;

/// The device's own buffers may be so many times as large as the imported ones: what a codec writes is small, and the
/// room for it large.
const OWN_ROOM: u64 = 4;

/// Both sides take part in it: the one gives the addresses, the other uses them.
const BLAME: Blame = Blame::Undecided;

pub fn stream(world: &mut World, step: &Stream) -> Result<(), Stop> {
    let (seen, judged) = at_work(world, step)?;
    for (how, files) in [("write", &step.capture), ("read", &step.output)] {
        if !files.is_empty() {
            world.accessed(how);
        }
    }
    world.checks += 1;
    world.property("content", seen);
    judged
}

/// Lets the device work. Tells what it worked on, and whether that is as it must be.
fn at_work(world: &World, step: &Stream) -> Result<(String, Result<(), Stop>), Stop> {
    let (capture, output) = (Shown::of(world, &step.capture)?, Shown::of(world, &step.output)?);
    let offset = step.offset.0;
    output.iter().try_for_each(|shown| shown.fill(world, |at| input(at, offset)))?;
    capture.iter().try_for_each(|shown| shown.fill(world, |at| word(BEFORE, at)))?;

    let importer = world.side(Side::Importer)?;
    let left = || {
        for shown in capture.iter().skip(1) {
            // A file that cannot be made coherent was told of when it was filled.
            let _ = shown.fill(world, |at| word(LEFT, at));
        }
    };
    let (written_files, read_files) = (shown::files(&capture), shown::files(&output));
    let room = capture.iter().chain(&output).map(|shown| shown.size).min().unwrap_or(0);
    let (own_input, before) = (|at| input(at, 0), |at| word(BEFORE, at));
    let imported = Work {
        asked: step,
        files: capture.len().max(output.len()),
        capture_room: if capture.is_empty() { room * OWN_ROOM } else { room },
        output_room: if output.is_empty() { room * OWN_ROOM } else { room },
        capture: if capture.is_empty() { Buffers::Own(&before) } else { Buffers::Imported(&written_files) },
        output: if output.is_empty() { Buffers::Own(&own_input) } else { Buffers::Imported(&read_files) },
        stopped: &left,
    };
    let own = |fill: &dyn Fn(u64) -> u64| {
        let (capture, output) = (Buffers::Own(fill), Buffers::Own(&own_input));
        importer.device.work(&Work { capture, output, stopped: &|| {}, ..imported })
    };
    let done = match importer.device.work(&imported) {
        Ok(done) => done,
        Err(undone) => return Err(why_not(world, importer, &undone, || own(&before))),
    };
    let reference = [own(&before), own(&|at| !word(BEFORE, at))];
    let (first, second) = match reference {
        [Ok(first), Ok(second)] => (first, second),
        [Err(undone), _] | [_, Err(undone)] => return Err(without_reference(importer, &undone)),
    };
    if unwritten(&first) && first.crc.is_some() {
        let other = |at| !own_input(at);
        let (capture, output) = (Buffers::Own(&before), Buffers::Own(&other));
        let other = importer.device.work(&Work { capture, output, stopped: &|| {}, ..imported });
        if other.is_ok_and(|other| other.crc == first.crc) {
            return Err(Stop::not_observable("content", "the CRC is the same for other bytes", EXPECTED));
        }
    }
    steady(&first, &second).map_err(|why| Stop::not_observable("content", why, EXPECTED))?;
    let judged = judge(world, &done, &first, &capture).and_then(|()| unchanged(world, &output, offset, done.read));
    let crc = done.crc.as_ref().map_or(String::new(), |crc| format!(", CRC {crc}"));
    Ok((format!("{}, {}{crc}", done.frames, amount(&first)), judged))
}

/// What a buffer that is read holds at a byte: the data begins at an offset.
pub(crate) fn input(at: u64, offset: u64) -> u64 {
    word(INPUT, at.wrapping_sub(offset) % oracle::content::POSITIONS)
}

/// What the rule asks for.
const EXPECTED: &str = "imported buffers hold, byte for byte, what the device's own do after the same work";

fn amount(worked: &Worked) -> String {
    let used: Vec<u32> = worked.written.iter().flatten().map(|plane| plane.used).collect();
    format!("{} buffers with {} bytes written", used.len(), used.iter().map(|&used| u64::from(used)).sum::<u64>())
}

/// Whether no buffer tells what a device has done.
fn unwritten(worked: &Worked) -> bool {
    worked.written.iter().all(Option::is_none)
}

/// Whether a device writes the same into its own buffers each time, and anything at all.
pub(crate) fn steady(first: &Worked, second: &Worked) -> Result<(), String> {
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

/// Whether a device wrote any byte of a buffer, the same each time.
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

/// What the imported buffers hold, against what the device's own did: those were filled with the same before.
fn judge(world: &World, done: &Worked, own: &Worked, files: &[Shown]) -> Result<(), Stop> {
    let fail = |seen: String| Stop::fail("content", BLAME, seen, EXPECTED);
    for (number, own) in own.written.iter().enumerate() {
        let used = |plane: Option<&Plane>| plane.map(|plane| plane.used);
        let (seen, wanted) = (used(done.written.get(number).and_then(Option::as_ref)), used(own.as_ref()));
        if seen != wanted {
            let said = |used: Option<u32>| used.map_or("nothing".to_owned(), |used| format!("{used} bytes"));
            let (seen, wanted) = (said(seen), said(wanted));
            return Err(fail(format!("buffer {number}: the device says it wrote {seen}, into its own {wanted}")));
        }
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
        compare(&expected, &seen, seed).map_err(|difference| fail(format!("buffer {number}: {difference}")))?;
    }
    judge_crc(done.crc.as_deref(), own.crc.as_deref())
}

/// What the display says of an imported buffer, against what it says of its own. Where it says nothing of one of them,
/// nothing is known of what it shows.
fn judge_crc(imported: Option<&str>, own: Option<&str>) -> Result<(), Stop> {
    let missing =
        |whose: &str| Stop::not_observable("content", format!("the display told no CRC of {whose}"), EXPECTED);
    match (imported, own) {
        (None, Some(_)) => Err(missing("the imported buffer")),
        (Some(_), None) => Err(missing("its own buffer")),
        (Some(seen), Some(wanted)) if seen != wanted => {
            let seen = format!("the CRC of what is shown is {seen}, of its own buffer {wanted}");
            Err(Stop::fail("content", BLAME, seen, EXPECTED))
        }
        _ => Ok(()),
    }
}

/// So many bytes as they were filled.
pub(crate) fn filled(len: usize, word: impl Fn(u64) -> u64) -> Vec<u8> {
    let mut bytes = vec![0; len.next_multiple_of(8)];
    for (index, place) in bytes.chunks_exact_mut(8).enumerate() {
        place.copy_from_slice(&word(index as u64 * 8).to_ne_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// A buffer that is read stays as it was.
fn unchanged(world: &World, files: &[Shown], offset: u64, read: u64) -> Result<(), Stop> {
    for (number, shown) in files.iter().enumerate() {
        let seen = shown.bytes(world)?;
        let expected = filled(seen.len(), |at| input(at, offset));
        compare(&expected, &seen, INPUT).map_err(|difference| {
            let seen = format!("buffer {number}, of which {read} bytes were to be read: {difference}");
            Stop::fail("content", BLAME, seen, "a buffer that the device reads is not written")
        })?;
    }
    Ok(())
}

/// What it means that imported buffers were not worked on.
fn why_not(world: &World, importer: &Opened, undone: &Undone, own: impl FnOnce() -> Result<Worked, Undone>) -> Stop {
    let expected = "the device works on imported buffers as on its own";
    let errno = undone.refusal().map(|refusal| refusal.errno());
    let queue = importer.endpoint.kind == Kind::V4l2;
    let same_node =
        queue && world.exporter.as_ref().is_some_and(|exporter| exporter.endpoint.node == importer.endpoint.node);
    match (undone, errno) {
        (_, Some(None)) => return Stop::not_observable(REFUSAL, undone.to_string(), expected),
        (Undone::Import(_) | Undone::Call(_), Some(Some(errno))) if errno != uapi::Errno::EBUSY || same_node => {
            let documented = documented::import(importer.endpoint.kind, errno);
            let of_import = matches!(undone, Undone::Import(_)) || same_node;
            if let Some(reason) = documented.filter(|_| of_import) {
                let seen = format!("{undone}: {reason}");
                return Stop::new(REFUSAL, Verdict::Refused, Blame::Nobody, seen, "the device may refuse here");
            }
        }
        (_, Some(Some(_))) => return busy(importer, undone),
        _ => {}
    }
    match own() {
        Err(own) if own == *undone => {
            let seen = format!("{undone}; nor does the device do it with its own buffers");
            Stop::not_observable("device", seen, expected)
        }
        _ => match undone.refusal() {
            Some(refusal) => unexpected(refusal, BLAME, expected),
            None => Stop::fail("device", BLAME, format!("{undone}; with its own buffers the device does it"), expected),
        },
    }
}

fn without_reference(importer: &Opened, undone: &Undone) -> Stop {
    match undone.refusal().and_then(|refusal| refusal.errno()) {
        Some(uapi::Errno::EBUSY) => busy(importer, undone),
        _ => Stop::not_observable("device", format!("with the device's own buffers: {undone}"), EXPECTED),
    }
}

fn busy(importer: &Opened, undone: &Undone) -> Stop {
    let holders = device::holders::of(&importer.endpoint.node);
    let who = if holders.is_empty() { "another program".to_owned() } else { holders.join(", ") };
    let seen = format!("{undone}; {who} holds {}: stop it", importer.endpoint.node.display());
    Stop::new("device", Verdict::Blocked, Blame::Nobody, seen, "the device is free")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(complement: bool) -> Vec<u8> {
        filled(16, |at| if complement { !word(BEFORE, at) } else { word(BEFORE, at) })
    }

    fn worked(bytes: Vec<u8>) -> Worked {
        Worked { written: vec![Some(Plane { used: 16, bytes })], ..Worked::default() }
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
        let short = Worked { written: vec![Some(Plane { used: 8, bytes: own(true) })], ..Worked::default() };
        assert!(steady(&worked(own(false)), &short).is_err());
    }
}
