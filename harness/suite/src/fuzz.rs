//! Malformed ioctls for `/dev/prime_canary`: what runs as root on other people's boards must not fall over a wrong number.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use uapi::Errno;
use uapi::malformed::{Area, Place};
use uapi::process::Ending;

/// A sequence of numbers that a seed repeats (xorshift64*, Vigna 2016).
#[derive(Debug, Clone)]
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 8) % end
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }
}

/// The ioctls of the header, `fixtures/kmod/include/uapi/prime_canary.h`: direction, number, size.
const CALLS: &[(u32, u32, u32)] = &[
    (2, 0xc0, 8),
    (3, 0xc1, 24),
    (3, 0xc2, 16),
    (3, 0xc3, 16),
    (1, 0xc4, 8),
    (3, 0xc5, 24),
    (1, 0xc6, 32),
    (3, 0xc7, 560),
];

/// A call: the ioctl's number, its argument and where that lies.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    number: u32,
    words: Vec<u64>,
    place: Place,
}

/// Mostly what the module knows, with handles and sizes that are sometimes right: else nothing behind the first check
/// would be reached.
fn call(numbers: &mut Numbers) -> Call {
    let (direction, number, size) = numbers.one_of(CALLS);
    let ioctl = |direction: u32, number: u32, size: u32| direction << 30 | size << 16 | u32::from(b'P') << 8 | number;
    let number = match numbers.below(16) {
        0 => numbers.next() as u32,
        1 => ioctl(numbers.below(4) as u32, number, size),
        2 => ioctl(direction, number, numbers.below(1 << 14) as u32),
        _ => ioctl(direction, number, size),
    };
    let words = (0..size.div_ceil(8)).map(|_| word(numbers)).collect();
    let place = match numbers.below(24) {
        0 => Place::Null,
        1 => Place::Torn(numbers.below(600) as usize),
        _ => Place::Whole,
    };
    Call { number, words, place }
}

fn word(numbers: &mut Numbers) -> u64 {
    const STRANGE: &[u64] =
        &[0, 1, 4095, 4096, 4097, 1 << 26, (1 << 26) + 1, 1 << 31, 1 << 32, u64::MAX, u64::MAX - 4095];
    let half = |numbers: &mut Numbers| match numbers.below(8) {
        0 => numbers.next() & 0xffff_ffff,
        1 => numbers.one_of(STRANGE) & 0xffff_ffff,
        2 => 0o2_000_002,
        _ => numbers.below(8),
    };
    match numbers.below(6) {
        0 => numbers.next(),
        1 => numbers.one_of(STRANGE),
        2 => numbers.below(16) << 12,
        // Anything above is taken for an address, and led into the area.
        3 => 1 << 40 | numbers.below(1 << 20),
        _ => half(numbers) << 32 | half(numbers),
    }
}

/// How the calls of a child ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// So many succeeded.
    pub allowed: u64,
    /// So many were refused, by errno.
    pub refused: BTreeMap<String, u64>,
    /// Children that did not come to their end.
    pub broken: Vec<String>,
}

/// Calls of one child.
const EACH: u64 = 2_000;
/// A call that waits for ever would hang its child.
const DEADLINE: Duration = Duration::from_secs(60);

/// Makes so many calls on the node, in children of their own.
pub fn run(node: &Path, calls: u64, seed: u64) -> Answers {
    let mut answers = Answers::default();
    for child in 0..calls.div_ceil(EACH) {
        let count = EACH.min(calls - child * EACH);
        let mut said = Vec::new();
        let started =
            uapi::process::spawn(|output| of_child(node, count, seed.wrapping_add(child), File::from(output)));
        let ended = started.and_then(|child| child.supervise(DEADLINE, |piece| said.extend_from_slice(piece)));
        if !matches!(ended, Ok(Ending::Exited(0))) {
            answers.broken.push(format!("seed {}: {ended:?}", seed.wrapping_add(child)));
        }
        answers.take(&String::from_utf8_lossy(&said));
    }
    answers
}

fn of_child(node: &Path, count: u64, seed: u64, mut output: File) -> i32 {
    let opened = File::options().read(true).write(true).open(node);
    let (Ok(device), Ok(mut area)) = (opened, Area::new()) else { return 1 };
    // 0 is the one number that the sequence never leaves.
    let mut numbers = Numbers(seed.wrapping_mul(2).wrapping_add(1));
    let mut counts: BTreeMap<i32, u64> = BTreeMap::new();
    for _ in 0..count {
        let Call { number, words, place } = call(&mut numbers);
        let answer = area.call(device.as_fd(), number, &words, place).map_or_else(|errno| errno as i32, |_| 0);
        *counts.entry(answer).or_default() += 1;
    }
    let lines = counts.iter().map(|(errno, count)| format!("{errno} {count}\n")).collect::<String>();
    i32::from(output.write_all(lines.as_bytes()).is_err())
}

impl Answers {
    fn take(&mut self, said: &str) {
        for (errno, count) in said.lines().filter_map(|line| line.split_once(' ')) {
            let (errno, count) = (errno.parse().unwrap_or(0), count.parse().unwrap_or(0));
            match errno {
                0 => self.allowed += count,
                errno => *self.refused.entry(format!("{:?}", Errno::from_raw(errno))).or_default() += count,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_calls_and_another_has_others() {
        let calls = |seed| {
            let mut numbers = Numbers(seed);
            (0..50).map(|_| call(&mut numbers)).collect::<Vec<_>>()
        };
        assert_eq!(calls(3), calls(3));
        assert_ne!(calls(3), calls(5));
    }

    #[test]
    fn every_ioctl_of_the_module_is_among_them() {
        let mut numbers = Numbers(1);
        let made: Vec<u32> = (0..2000).map(|_| call(&mut numbers).number).collect();
        for (direction, number, size) in CALLS {
            assert!(made.contains(&(direction << 30 | size << 16 | 0x50 << 8 | number)), "{number:#x}");
        }
    }

    #[test]
    fn what_is_no_canary_refuses_every_call() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let answers = run(file.path(), 3000, 1);
        assert_eq!(answers.broken, Vec::<String>::new());
        assert_eq!((answers.allowed, answers.refused.values().sum::<u64>()), (0, 3000));
    }

    #[test]
    fn a_node_that_cannot_be_opened_is_told() {
        assert_eq!(run(Path::new("/nowhere"), 1, 1).broken.len(), 1);
    }
}
