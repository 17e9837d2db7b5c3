//! What became of the frames of a queue: each one that was queued came back, or was released when the stream was stopped,
//! or is lost. Pure.

use std::collections::BTreeSet;

use device::flow::{BOTTOM, Back, TOP};

/// Something that a driver may not say of frames.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Strange {
    /// VIDIOC_DQBUF returned an index that was not with the device.
    #[error("a frame came back at index {0}, at which none was queued")]
    NotQueued(usize),
    /// v4l2_buffer.sequence did not rise.
    #[error("frame number {now} (v4l2_buffer.sequence) came after number {before}")]
    Number {
        /// The number of the frame before.
        before: u32,
        /// The number of this frame.
        now: u32,
    },
}

/// The frames of one queue, over as many streams as it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Handed to the device.
    pub queued: u64,
    /// Come back, the faulty ones among them.
    pub done: u64,
    /// Come back with V4L2_BUF_FLAG_ERROR.
    pub faulty: u64,
    /// Numbers that the driver left out: frames that it had no buffer for, or no time.
    pub dropped: u64,
    /// Returned by VIDIOC_STREAMOFF.
    pub given_back: u64,
    /// Still with the device after VIDIOC_STREAMOFF.
    pub kept: u64,
    /// Numbers that did not rise.
    pub misnumbered: u64,
    last: Option<(u32, u32)>,
    held: BTreeSet<usize>,
}

impl Account {
    /// A stream starts: its numbers begin again.
    pub fn start(&mut self) {
        self.last = None;
    }

    /// A frame was queued.
    pub fn queued(&mut self, index: usize) {
        self.queued += 1;
        self.held.insert(index);
    }

    /// A frame came back.
    ///
    /// # Errors
    /// Returns what is impossible about it.
    pub fn done(&mut self, back: &Back) -> Result<(), Strange> {
        if !self.held.remove(&back.index) {
            return Err(Strange::NotQueued(back.index));
        }
        self.done += 1;
        self.faulty += u64::from(back.faulty);
        let Some((before, field)) = self.last.replace((back.sequence, back.field)) else { return Ok(()) };
        // The two fields of a frame have one number (V4L2_FIELD_ALTERNATE).
        if before == back.sequence && [[TOP, BOTTOM], [BOTTOM, TOP]].contains(&[field, back.field]) {
            return Ok(());
        }
        // The numbers may wrap around. Half of them is more than any driver leaves out.
        match back.sequence.wrapping_sub(before) {
            0 | 0x8000_0000.. => {
                self.misnumbered += 1;
                Err(Strange::Number { before, now: back.sequence })
            }
            step => {
                self.dropped += u64::from(step - 1);
                Ok(())
            }
        }
    }

    /// The stream was stopped while a frame was with the device.
    pub fn stopped(&mut self, index: usize, given_back: bool) {
        if self.held.remove(&index) {
            *(if given_back { &mut self.given_back } else { &mut self.kept }) += 1;
        }
    }

    /// Returns the frames that are neither queued nor returned.
    pub fn lost(&self) -> u64 {
        self.queued.saturating_sub(self.done + self.given_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(index: usize, sequence: u32) -> Back {
        Back { index, sequence, field: 1, used: vec![], faulty: false }
    }

    fn queued(count: usize) -> Account {
        let mut account = Account::default();
        account.start();
        (0..count).for_each(|index| account.queued(index));
        account
    }

    #[test]
    fn what_comes_back_or_is_given_back_is_not_lost() {
        let mut account = queued(3);
        assert_eq!(account.lost(), 3);
        account.done(&back(0, 0)).unwrap();
        account.done(&Back { faulty: true, ..back(1, 1) }).unwrap();
        account.stopped(2, true);
        assert_eq!((account.lost(), account.done, account.faulty, account.given_back), (0, 2, 1, 1));
    }

    #[test]
    fn what_the_driver_keeps_is_lost() {
        let mut account = queued(2);
        account.done(&back(0, 0)).unwrap();
        account.stopped(1, false);
        assert_eq!((account.lost(), account.kept), (1, 1));
        // Forgotten altogether.
        assert_eq!(queued(1).lost(), 1);
    }

    #[test]
    fn numbers_that_are_left_out_are_frames_that_were_dropped() {
        let mut account = queued(4);
        for (index, number) in [(0, u32::MAX - 1), (1, u32::MAX), (2, 2), (3, 3)] {
            account.done(&back(index, number)).unwrap();
        }
        assert_eq!(account.dropped, 2, "0 and 1, behind the largest number");
    }

    #[test]
    fn numbers_rise_within_a_stream() {
        let strange = |before, now| {
            let mut account = queued(2);
            account.done(&back(0, before)).unwrap();
            account.done(&back(1, now)).unwrap_err()
        };
        assert_eq!(strange(5, 5), Strange::Number { before: 5, now: 5 });
        assert_eq!(strange(5, 4), Strange::Number { before: 5, now: 4 });
        let mut account = queued(2);
        account.done(&back(0, 5)).unwrap();
        account.start();
        account.done(&back(1, 0)).unwrap();
    }

    #[test]
    fn the_two_fields_of_a_frame_have_one_number() {
        let mut account = queued(4);
        for (index, number, field) in [(0, 7, TOP), (1, 7, BOTTOM), (2, 8, TOP)] {
            account.done(&Back { field, ..back(index, number) }).unwrap();
        }
        assert!(account.done(&Back { field: TOP, ..back(3, 8) }).is_err(), "the same field again");
        assert_eq!((account.dropped, account.misnumbered), (0, 1));
    }

    #[test]
    fn a_frame_comes_back_once_and_only_where_one_was_queued() {
        let mut account = queued(1);
        assert_eq!(account.done(&back(7, 0)), Err(Strange::NotQueued(7)));
        account.done(&back(0, 0)).unwrap();
        assert_eq!(account.done(&back(0, 1)), Err(Strange::NotQueued(0)));
        assert_eq!(account.lost(), 0);
    }
}
