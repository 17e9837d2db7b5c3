//! What a device makes of its own buffers: what it makes of imported ones must be the same, byte for byte.

use device::{Buffers, Device, Endpoint, Work, WorkError, WorkResult};
use oracle::content::{compare, word};
use spec::step::Stream;

use super::survey::SIZE;
use crate::cell::{BEFORE, INPUT, filled, own_input, steady};

/// The number of frames of a stream that are known by their numbers: an encoder writes its first frame unlike the next.
pub const FRAMES: usize = 12;

/// The number of the device's own buffers at a time.
const QUEUED: u32 = 4;

/// Frames of a device's own buffers.
pub struct Reference {
    own: WorkResult,
    planes: usize,
    /// Every frame is the same.
    alike: bool,
}

/// Returns the work that a device is asked for, for this many frames.
pub fn asked() -> Stream {
    Stream { queued: Some(QUEUED), ..Stream::default() }
}

/// Work in frames for which buffers of `room` bytes have room.
pub fn work<'a>(asked: &'a Stream, room: u64, files: usize, capture: Buffers<'a>, output: Buffers<'a>) -> Work<'a> {
    Work::new(asked, files, room, capture, output)
}

/// The room that a device's frames need, in bytes, of both its queues.
pub fn room(importer: &Endpoint, output: Option<&Endpoint>) -> u64 {
    importer.smallest.max(output.map_or(0, |output| output.smallest)).max(SIZE)
}

/// Returns what a buffer that is written holds before.
pub fn before(at: u64) -> u64 {
    word(BEFORE, at)
}

/// Returns what any buffer that is read holds: a stream takes any of them at any time.
pub fn read(at: u64) -> u64 {
    own_input(device::work::within(at))
}

impl Reference {
    /// Lets the device work on its own buffers, twice, filled with bytes and then with their complements. With the reason
    /// if it does not do the same both times.
    ///
    /// # Errors
    /// The error of the device.
    pub fn of(
        device: &dyn Device,
        room: u64,
        frames: usize,
        asked: &Stream,
    ) -> Result<Result<Self, String>, WorkError> {
        let run = |fill: &dyn Fn(u64) -> u64| {
            device.work(&work(asked, room, frames, Buffers::Own(fill), Buffers::Own(&read)))
        };
        let (first, second) = (run(&before)?, run(&|at| !before(at))?);
        Ok(steady(&first, &second).map(|()| {
            let alike = first.written.windows(2).all(|pair| pair[0] == pair[1]);
            Self { planes: 1, alike, own: first }
        }))
    }

    /// Says of how many planes a frame is.
    pub fn with_planes(self, planes: usize) -> Self {
        let frames: Vec<_> = self.own.written.chunks(planes).collect();
        let alike = frames.windows(2).all(|pair| pair[0] == pair[1]);
        Self { planes, alike, ..self }
    }

    /// Returns whether it is of such frames, in the device's words.
    pub fn is_of(&self, frames: &str) -> bool {
        self.own.frames == frames
    }

    /// The CRC of what was shown.
    pub fn crc(&self) -> Option<&str> {
        self.own.crc.as_deref()
    }

    /// Returns whether the frame of this number in its stream is known.
    pub fn knows(&self, number: usize) -> bool {
        !self.own.written.is_empty() && (self.alike || (number + 1) * self.planes <= self.own.written.len())
    }

    /// Holds a buffer of the frame of this number, filled beforehand, against the device's own. Tells how many bytes are
    /// alike.
    ///
    /// # Errors
    /// The difference, in words.
    pub fn compare(&self, number: usize, plane: usize, used: u32, seen: &[u8]) -> Result<u64, String> {
        let number = if self.alike { 0 } else { number };
        let Some(Some(own)) = self.own.written.get(number * self.planes + plane) else { return Ok(0) };
        if own.used != used {
            return Err(format!("the device says it wrote {used} bytes, into its own buffer {}", own.used));
        }
        let mut expected = filled(0..seen.len(), before);
        let len = own.bytes.len().min(seen.len());
        expected[..len].copy_from_slice(&own.bytes[..len]);
        compare(&expected, seen, BEFORE).map_err(|difference| difference.to_string())?;
        Ok(seen.len() as u64)
    }
}

/// Compares a buffer that was read with what it held before. Returns the number of equal bytes.
///
/// # Errors
/// The difference, in words.
pub fn unchanged(seen: &[u8]) -> Result<u64, String> {
    let expected = filled(0..seen.len(), read);
    compare(&expected, seen, INPUT).map_err(|difference| format!("a buffer that the device reads: {difference}"))?;
    Ok(seen.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use device::Plane;

    fn reference(frames: &[&[u8]]) -> Reference {
        let written = frames.iter().map(|bytes| Some(Plane { used: 8, bytes: bytes.to_vec() })).collect();
        let own = WorkResult { written, ..WorkResult::default() };
        Reference { own, planes: 1, alike: false }.with_planes(1)
    }

    #[test]
    fn what_the_device_left_alone_stays_as_it_was_filled() {
        let reference = reference(&[&[7; 8], &[7; 8]]);
        let mut seen = filled(0..32, before);
        seen[..8].fill(7);
        assert_eq!(reference.compare(99, 0, 8, &seen), Ok(32));
        assert!(reference.compare(0, 0, 9, &seen).unwrap_err().contains("wrote 9 bytes"));
        seen[31] ^= 1;
        assert!(reference.compare(0, 0, 8, &seen).is_err(), "a byte past the frame");
    }

    #[test]
    fn what_is_made_of_other_frames_is_not_held_against_it() {
        let own = WorkResult { frames: "256x127 YUYV".into(), ..WorkResult::default() };
        let reference = Reference { own, planes: 1, alike: false };
        assert!(reference.is_of("256x127 YUYV") && !reference.is_of("128x128 GREY"));
    }

    #[test]
    fn frames_that_differ_are_known_by_their_numbers_alone() {
        let reference = reference(&[&[7; 8], &[8; 8]]);
        assert_eq!((reference.knows(1), reference.knows(2)), (true, false));
        assert!(reference.compare(1, 0, 8, &[8; 8]).is_ok() && reference.compare(0, 0, 8, &[8; 8]).is_err());
        assert!(self::reference(&[&[7; 8]]).knows(2));
    }

    #[test]
    fn what_is_read_is_not_written() {
        let mut seen = filled(0..64, read);
        assert_eq!(unchanged(&seen), Ok(64));
        seen[63] ^= 1;
        assert!(unchanged(&seen).is_err());
    }
}
