//! The time of a load, known to all its processes: a page that they share says who is ready for it, when it begins and
//! when it is to end early, and which pair each of them is at.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use uapi::CallError;
use uapi::memory::{Access, Mapping, Sharing, Window, page_size};

use super::plan::SHIFTS;

/// Where the page says that the load has begun.
const BEGUN: usize = 8;

/// The time that a device is left to others before it is tried again.
pub const PAUSE: Duration = Duration::from_millis(2);

/// The time of a load. Made before its processes are, which inherit it.
pub struct Clock {
    made: Instant,
    length: Duration,
    /// The first word is not 0 once the load is to end; the second has the nanoseconds from `made` to its begin, from 1.
    /// Then two words a worker: the number of its pair from 1, and not 0 once it is ready.
    shared: Mapping,
}

impl Clock {
    /// Creates the clock of a load of this length, which begins when asked to.
    ///
    /// # Errors
    /// Those of memfd_create(2) and mmap(2).
    pub fn new(length: Duration) -> Result<Self, CallError> {
        let file = uapi::dma_buf::ordinary_file()?;
        let window = Window { offset: 0, len: page_size() };
        let shared = Mapping::of_file(file.as_fd(), window, Access::ReadWrite, Sharing::Shared)?;
        Ok(Self { made: Instant::now(), length, shared })
    }

    /// Lets the load begin.
    pub fn begin(&self) {
        let passed = u64::try_from(self.made.elapsed().as_nanos()).unwrap_or(u64::MAX - 1);
        self.shared.write_word(BEGUN, passed + 1);
    }

    /// When it began, if it has.
    pub fn began(&self) -> Option<Instant> {
        Some(self.made + Duration::from_nanos(self.shared.read_word(BEGUN).checked_sub(1)?))
    }

    /// A worker is ready.
    pub fn ready(&self, worker: usize) {
        if let Some(place) = self.place(worker) {
            self.shared.write_word(place + 8, 1);
        }
    }

    /// Returns whether a worker is ready. One that the page has no room for is not waited for.
    pub fn is_ready(&self, worker: usize) -> bool {
        self.place(worker).is_none_or(|place| self.shared.read_word(place + 8) != 0)
    }

    /// Lets every process end its work.
    pub fn stop(&self) {
        self.shared.write_word(0, 1);
    }

    /// Returns whether it was ended early.
    pub fn stopped(&self) -> bool {
        self.shared.read_word(0) != 0
    }

    /// Returns whether the work is to end.
    pub fn over(&self) -> bool {
        self.stopped() || self.end().is_some_and(|end| Instant::now() >= end)
    }

    /// When it ends by itself, once it has begun.
    pub fn end(&self) -> Option<Instant> {
        Some(self.began()? + self.length)
    }

    /// The length of the load.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// The shift that it is in.
    pub fn shift(&self) -> u32 {
        let shift = (self.length / SHIFTS).max(Duration::from_nanos(1));
        let passed = self.began().map_or(Duration::ZERO, |began| began.elapsed());
        u32::try_from(passed.as_nanos() / shift.as_nanos()).unwrap_or(u32::MAX)
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
        let place = (worker + 1) * 16;
        (place + 16 <= self.shared.len()).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_when_its_time_is_or_when_it_was_stopped() {
        let clock = Clock::new(Duration::ZERO).unwrap();
        assert!(!clock.over() && clock.end().is_none(), "it has not begun");
        clock.begin();
        assert!(clock.over() && !clock.stopped());
        let clock = Clock::new(Duration::from_secs(3600)).unwrap();
        clock.begin();
        assert!(!clock.over() && clock.shift() == 0);
        clock.stop();
        assert!(clock.over() && clock.stopped());
    }

    #[test]
    fn who_is_ready_is_known_to_all() {
        let clock = Clock::new(Duration::ZERO).unwrap();
        let child = uapi::process::spawn(|_| {
            clock.ready(1);
            0
        });
        child.unwrap().supervise(Duration::from_secs(60), |_| {}).unwrap();
        assert_eq!([0, 1, 2].map(|worker| clock.is_ready(worker)), [false, true, false]);
        assert_eq!((clock.was_at(0), clock.was_at(1)), (None, None));
        assert!(clock.is_ready(1_000_000), "no one waits for one without a place");
    }

    #[test]
    fn where_a_worker_was_is_known_after_its_process() {
        let clock = Clock::new(Duration::ZERO).unwrap();
        assert_eq!(clock.was_at(3), None);
        let child = uapi::process::spawn(|_| {
            clock.at(3, 0);
            0
        });
        child.unwrap().supervise(Duration::from_secs(60), |_| {}).unwrap();
        assert_eq!((clock.was_at(3), clock.was_at(2)), (Some(0), None));
        clock.at(1_000_000, 1);
        assert_eq!(clock.was_at(1_000_000), None, "there is no room for that many");
    }
}
