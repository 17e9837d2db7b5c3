//! The messages of a worker at work: figures from time to time, and findings.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use device::{Refusal, WorkError};
use oracle::balance;
use spec::case::Kind;
use spec::verdict::Verdict;
use uapi::Errno;

use super::clock::{Clock, PAUSE};
use super::plan::Pair;
use crate::cell::documented;
use crate::cell::message::Message;
use event::{Blame, Finding, Oracle};

/// The interval at which figures are reported: a process that dies loses no more.
const EVERY: Duration = Duration::from_secs(1);

/// Sends a worker's figures and findings to the parent.
pub struct WorkerReport<'a> {
    say: &'a mut dyn FnMut(&Message),
    clock: &'a Clock,
    number: usize,
    figures: BTreeMap<String, u64>,
    said: Instant,
    /// Something was found that ends the work.
    failed: bool,
    files: Option<usize>,
}

impl<'a> WorkerReport<'a> {
    /// For the worker of this number.
    pub fn new(say: &'a mut dyn FnMut(&Message), clock: &'a Clock, number: usize) -> Self {
        let files = balance::open_files(Path::new("/proc")).ok();
        Self { say, clock, number, figures: BTreeMap::new(), said: Instant::now(), failed: false, files }
    }

    /// The time.
    pub fn clock(&self) -> &'a Clock {
        self.clock
    }

    /// Returns whether to end: the time is over, or something was found.
    pub fn over(&self) -> bool {
        self.failed || self.clock.over()
    }

    /// The work can begin. Waits until it does, or will not.
    pub fn ready(&mut self) {
        self.clock.ready(self.number);
        while !self.begun() && !self.over() {
            self.now_and_then();
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until every worker before this one is ready: devices that are looked at one after the other do not take each
    /// other's time. As long as the work has not begun.
    pub fn wait_for_turn(&mut self) {
        while !(0..self.number).all(|before| self.clock.is_ready(before)) && !self.begun() && !self.over() {
            self.now_and_then();
            std::thread::sleep(PAUSE);
        }
    }

    /// Returns whether the work has begun: it does without a worker that takes too long to be ready.
    pub fn begun(&self) -> bool {
        self.clock.began().is_some()
    }

    /// Returns whether something was found that ends the work.
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// The work is at a pair, by its number.
    pub fn at(&mut self, pair: usize) {
        self.clock.at(self.number, pair);
        self.now_and_then();
    }

    /// Lets the others hear that this worker lives.
    pub fn now_and_then(&mut self) {
        if self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            (self.say)(&Message::Figures(self.figures.clone()));
        }
    }

    /// Counts.
    pub fn add(&mut self, name: &str, more: u64) {
        *self.figures.entry(name.to_owned()).or_insert(0) += more;
    }

    /// Sets a figure.
    pub fn set(&mut self, name: &str, value: u64) {
        self.figures.insert(name.to_owned(), value);
    }

    /// Returns a figure.
    pub fn figure(&self, name: &str) -> u64 {
        self.figures.get(name).copied().unwrap_or(0)
    }

    /// Something was found. One that fails ends the work.
    pub fn found(&mut self, finding: Finding) {
        self.failed |= finding.verdict.broken();
        (self.say)(&Message::Finding(finding));
    }

    /// A rule was broken.
    pub fn fail(&mut self, oracle: Oracle, seen: impl Into<String>, expected: &str) {
        self.found(Finding::new(oracle, Verdict::Fail, Blame::Undecided, seen.into(), expected));
    }

    /// Something could not be looked at.
    pub fn unseen(&mut self, oracle: Oracle, seen: impl Into<String>, expected: &str) {
        self.found(Finding::new(oracle, Verdict::NotObservable, Blame::Nobody, seen.into(), expected));
    }

    /// Nothing can be looked at, now or later: the work ends.
    pub fn give_up(&mut self, seen: impl Into<String>, expected: &str) {
        self.unseen(Oracle::Device, seen, expected);
        self.failed = true;
    }

    /// The work is done, and everything that it had was released.
    pub fn done(mut self) {
        let now = balance::open_files(Path::new("/proc")).ok();
        if let (Some(before), Some(now)) = (self.files, now)
            && before != now
        {
            let seen = format!("{now} open descriptors of the worker");
            self.fail(Oracle::Balance, seen, &format!("{before} open descriptors, as before"));
        }
        (self.say)(&Message::Figures(self.figures.clone()));
        (self.say)(&Message::Done { checks: 1 });
    }
}

/// Judges a refusal under load: the pair succeeded before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Someone else has the device, or all that there is of it: it is tried again.
    Busy,
    /// There is not enough memory now, or not in one piece.
    Short,
    /// It may not be refused.
    Wrong,
}

/// Judges a refusal of an importer or an exporter of a kind.
pub fn meaning(kind: Kind, refusal: &Refusal) -> Meaning {
    match refusal.errno() {
        None | Some(Errno::EBUSY) => Meaning::Busy,
        Some(Errno::ENOMEM) => Meaning::Short,
        Some(errno) if documented::import(kind, errno).is_some() => Meaning::Short,
        Some(_) => Meaning::Wrong,
    }
}

/// As [`meaning`], of a device that did not do its work; nothing where that was not a refusal.
pub fn meaning_of_work(kind: Kind, undone: &WorkError) -> Option<Meaning> {
    undone.refusal().map(|refusal| meaning(kind, refusal))
}

/// The name that a buffer of a pair gets: what is not released shows who made it.
pub fn name(pair: usize) -> std::ffi::CString {
    std::ffi::CString::new(format!("{NAME}{pair}")).unwrap_or_default()
}

const NAME: &str = "prime-cts-load-";

/// The pair whose buffer has this name.
pub fn named<'a>(name: &str, pairs: &'a [Pair]) -> Option<&'a Pair> {
    pairs.get(name.strip_prefix(NAME)?.parse::<usize>().ok()?)
}

/// Returns whether a buffer of this name is a load's.
pub fn ours(name: &str) -> bool {
    name.starts_with(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_waits_for_those_before_it() {
        let clock = Clock::new(Duration::from_secs(3600)).unwrap();
        let child = uapi::process::spawn(|_| {
            let mut say = |_: &Message| {};
            let mut report = WorkerReport::new(&mut say, &clock, 1);
            clock.at(1, 3);
            report.wait_for_turn();
            clock.at(1, 7);
            0
        });
        let seen = std::iter::repeat_with(|| clock.was_at(1)).flatten().next();
        assert_eq!(seen, Some(3), "it did not wait");
        clock.ready(0);
        child.unwrap().supervise(Duration::from_secs(60), |_| {}).unwrap();
        assert_eq!(clock.was_at(1), Some(7));
        clock.begin();
        // No one is waited for any more.
        WorkerReport::new(&mut |_| {}, &clock, 9).wait_for_turn();
    }

    #[test]
    fn only_what_a_full_board_may_say_is_let_pass() {
        let refusal = |errno| Refusal::Kernel { call: "c", errno };
        assert_eq!(meaning(Kind::V4l2, &refusal(Errno::EBUSY)), Meaning::Busy);
        assert_eq!(meaning(Kind::V4l2, &refusal(Errno::EFAULT)), Meaning::Short);
        assert_eq!(meaning(Kind::V4l2, &refusal(Errno::EINVAL)), Meaning::Wrong);
        assert_eq!(meaning(Kind::Heap, &refusal(Errno::ENOMEM)), Meaning::Short);
        assert_eq!(meaning(Kind::Drm, &Refusal::NotAsked("no more")), Meaning::Busy);
        assert_eq!(meaning_of_work(Kind::V4l2, &WorkError::Late { frame: 1, of: 1, seconds: 1 }), None);
    }

    #[test]
    fn a_name_tells_the_pair_and_fits_into_the_kernel_s_31_bytes() {
        assert!(name(99_999).as_bytes().len() <= 31);
        assert!(ours(name(3).to_str().unwrap()) && !ours("weston"));
        assert!(named("prime-cts-load-0", &[]).is_none() && named("x", &[]).is_none());
    }
}
