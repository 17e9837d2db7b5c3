//! How long a load goes on, known to all its processes: a page that they share says when it is to end early, and which pair
//! each of them is at.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use uapi::Errno;
use uapi::memory::{Access, Mapping, Sharing, Window, page_size};

use super::plan::SHIFTS;

/// The time of a load. Made before its processes are, which inherit it.
pub struct Clock {
    begin: Instant,
    length: Duration,
    /// The first word is not 0 once the load is to end; then a word a worker: the number of its pair from 1.
    shared: Mapping,
}

impl Clock {
    /// A load of this length, that begins now.
    ///
    /// # Errors
    /// Those of memfd_create(2) and mmap(2).
    pub fn start(length: Duration) -> Result<Self, Errno> {
        let file = uapi::dma_buf::ordinary_file()?;
        let window = Window { offset: 0, len: page_size() };
        let shared = Mapping::of_file(file.as_fd(), window, Access::ReadWrite, Sharing::Shared)?;
        Ok(Self { begin: Instant::now(), length, shared })
    }

    /// Lets every process end its work.
    pub fn stop(&self) {
        self.shared.write_word(0, 1);
    }

    /// Whether it was ended early.
    pub fn stopped(&self) -> bool {
        self.shared.read_word(0) != 0
    }

    /// Whether the work is to end.
    pub fn over(&self) -> bool {
        self.stopped() || self.begin.elapsed() >= self.length
    }

    /// When it ends by itself.
    pub fn end(&self) -> Instant {
        self.begin + self.length
    }

    /// The shift that it is in.
    pub fn shift(&self) -> u32 {
        let shift = (self.length / SHIFTS).max(Duration::from_nanos(1));
        u32::try_from(self.begin.elapsed().as_nanos() / shift.as_nanos()).unwrap_or(u32::MAX)
    }

    /// A worker is at a pair.
    pub fn at(&self, worker: usize, pair: usize) {
        if let Some(place) = self.place(worker) {
            self.shared.write_word(place, pair as u64 + 1);
        }
    }

    /// The pair that a worker was at last.
    pub fn was_at(&self, worker: usize) -> Option<usize> {
        let word = self.place(worker).map_or(0, |place| self.shared.read_word(place));
        usize::try_from(word).ok()?.checked_sub(1)
    }

    fn place(&self, worker: usize) -> Option<usize> {
        let place = (worker + 1) * 8;
        (place < self.shared.len()).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_when_its_time_is_or_when_it_was_stopped() {
        assert!(Clock::start(Duration::ZERO).unwrap().over());
        let clock = Clock::start(Duration::from_secs(3600)).unwrap();
        assert!(!clock.over() && clock.shift() == 0);
        clock.stop();
        assert!(clock.over() && clock.stopped());
    }

    #[test]
    fn where_a_worker_was_is_known_after_its_process() {
        let clock = Clock::start(Duration::ZERO).unwrap();
        assert_eq!(clock.was_at(3), None);
        let child = uapi::process::spawn(|_| {
            clock.at(3, 0);
            0
        });
        child.unwrap().supervise(Duration::from_secs(60), |_| {}).unwrap();
        assert_eq!((clock.was_at(3), clock.was_at(2)), (Some(0), None));
        clock.at(1_000_000, 1);
        assert_eq!(clock.was_at(1_000_000), None, "there is no room for so many");
    }
}
