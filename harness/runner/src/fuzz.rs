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

use crate::numbers::Numbers;

/// An ioctl of the header, `fixtures/kmod/include/uapi/prime_canary.h`.
struct Ioctl {
    name: &'static str,
    direction: u32,
    number: u32,
    size: u32,
    /// An argument that the module takes where its handle or descriptor is there and the form allowed.
    good: fn(&mut Numbers) -> Vec<u64>,
}

/// The two halves of a word.
fn pair(low: u64, high: u64) -> u64 {
    high << 32 | low
}

fn handle(numbers: &mut Numbers) -> u64 {
    1 + numbers.below(12)
}

fn descriptor(numbers: &mut Numbers) -> u64 {
    numbers.below(24)
}

const IOCTLS: &[Ioctl] = &[
    Ioctl { name: "ABOUT", direction: 2, number: 0xc0, size: 8, good: |_| vec![0] },
    Ioctl {
        name: "ALLOCATE",
        direction: 3,
        number: 0xc1,
        size: 24,
        good: |numbers| vec![numbers.one_of(&[1, 4096, 65_536]), pair(numbers.below(5), numbers.below(2)), 0],
    },
    Ioctl {
        name: "EXPORT",
        direction: 3,
        number: 0xc2,
        size: 16,
        good: |numbers| vec![pair(handle(numbers), numbers.one_of(&[0, 2, 0o2_000_002])), 0],
    },
    Ioctl {
        name: "IMPORT",
        direction: 3,
        number: 0xc3,
        size: 16,
        good: |numbers| vec![pair(descriptor(numbers), 0), numbers.one_of(&[0, 1, 4096])],
    },
    Ioctl { name: "CLOSE", direction: 1, number: 0xc4, size: 8, good: |numbers| vec![handle(numbers)] },
    Ioctl { name: "INFO", direction: 3, number: 0xc5, size: 24, good: |numbers| vec![handle(numbers), 0, 0] },
    Ioctl {
        name: "TRANSFER",
        direction: 1,
        number: 0xc6,
        size: 32,
        good: |numbers| {
            let (offset, size) = (numbers.one_of(&[0, 1, 4095]), numbers.one_of(&[0, 1, 64]));
            vec![pair(handle(numbers), numbers.below(2)), offset, size, ADDRESS]
        },
    },
    Ioctl {
        name: "COUNTS",
        direction: 3,
        number: 0xc7,
        size: 560,
        good: |numbers| {
            let by_handle = numbers.below(2) == 0;
            let first = if by_handle { handle(numbers) } else { pair(0, descriptor(numbers)) };
            [&[first][..], &[0; 69]].concat()
        },
    },
];

/// Anything of this height is taken for an address, and led into the area.
const ADDRESS: u64 = 1 << 40;

/// Words that a check is likely to be wrong about.
const STRANGE: &[u64] =
    &[0, 1, 4095, 4096, 4097, 1 << 26, (1 << 26) + 1, 1 << 31, 1 << 32, u64::MAX, u64::MAX - 4095, ADDRESS];

/// A call: the ioctl's number, its argument and where that lies.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    number: u32,
    words: Vec<u64>,
    place: Place,
}

/// Half of them are such as the module takes, so that there is something to be wrong about; the others are changed in a
/// word or two, in the number or in their place.
fn call(numbers: &mut Numbers) -> Call {
    let ioctl = &IOCTLS[numbers.below(IOCTLS.len() as u64) as usize];
    let mut words = (ioctl.good)(numbers);
    let mut number = encoded(ioctl.direction, ioctl.number, ioctl.size);
    let mut place = Place::Whole;
    if numbers.below(2) == 0 {
        return Call { number, words, place };
    }
    for _ in 0..numbers.below(3) {
        let at = numbers.below(words.len() as u64) as usize;
        words[at] = changed(words[at], numbers);
    }
    match numbers.below(16) {
        0 => number = numbers.next() as u32,
        1 => number = encoded(numbers.below(4) as u32, ioctl.number, ioctl.size),
        2 => number = encoded(ioctl.direction, ioctl.number, numbers.below(1 << 14) as u32),
        3 => place = Place::Null,
        4 => place = Place::Torn(numbers.below(600) as usize),
        _ => {}
    }
    Call { number, words, place }
}

fn encoded(direction: u32, number: u32, size: u32) -> u32 {
    direction << 30 | size << 16 | u32::from(b'P') << 8 | number
}

/// A word, or a half of it, with something else in its place.
fn changed(word: u64, numbers: &mut Numbers) -> u64 {
    let other = if numbers.below(3) == 0 { numbers.next() } else { numbers.one_of(STRANGE) };
    match numbers.below(3) {
        0 => other,
        1 => pair(other & 0xffff_ffff, word >> 32),
        _ => pair(word & 0xffff_ffff, other & 0xffff_ffff),
    }
}

/// The results of a child's calls.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The number that succeeded, by ioctl.
    pub allowed: BTreeMap<String, u64>,
    /// The number that were refused, by errno.
    pub refused: BTreeMap<String, u64>,
    /// Children that did not come to their end.
    pub broken: Vec<String>,
}

/// Calls of one child.
const EACH: u64 = 2_000;
/// A call that waits forever would hang its child.
const DEADLINE: Duration = Duration::from_secs(60);

/// Makes this many calls on the node, in children of their own.
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
    let mut numbers = Numbers::of_seed(seed);
    let mut counts: BTreeMap<(u32, i32), u64> = BTreeMap::new();
    for _ in 0..count {
        let Call { number, words, place } = call(&mut numbers);
        let answer = area.call(device.as_fd(), number, &words, place).map_or_else(|errno| errno as i32, |_| 0);
        *counts.entry((number, answer)).or_default() += 1;
    }
    let line = |((number, errno), count): (&(u32, i32), &u64)| format!("{number} {errno} {count}\n");
    let lines: String = counts.iter().map(line).collect();
    i32::from(output.write_all(lines.as_bytes()).is_err())
}

impl Answers {
    fn take(&mut self, said: &str) {
        for line in said.lines() {
            let numbers: Vec<i64> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
            let &[number, errno, count] = &numbers[..] else { continue };
            let into = match errno {
                0 => self.allowed.entry(name(number)),
                errno => self.refused.entry(format!("{:?}", Errno::from_raw(errno as i32))),
            };
            *into.or_default() += count as u64;
        }
    }

    /// The ioctls of which no call succeeded: what follows their first checks was not tried.
    pub fn never_allowed(&self) -> Vec<&'static str> {
        IOCTLS.iter().map(|ioctl| ioctl.name).filter(|name| !self.allowed.contains_key(*name)).collect()
    }
}

fn name(number: i64) -> String {
    let of = |ioctl: &&Ioctl| i64::from(encoded(ioctl.direction, ioctl.number, ioctl.size)) == number;
    IOCTLS.iter().find(of).map_or_else(|| format!("{number:#x}"), |ioctl| ioctl.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_calls_and_another_has_others() {
        let calls = |seed| {
            let mut numbers = Numbers::of_seed(seed);
            (0..50).map(|_| call(&mut numbers)).collect::<Vec<_>>()
        };
        assert_eq!(calls(3), calls(3));
        assert_ne!(calls(3), calls(5));
    }

    #[test]
    fn every_ioctl_of_the_module_is_among_them() {
        let mut numbers = Numbers::of_seed(1);
        let made: Vec<u32> = (0..2000).map(|_| call(&mut numbers).number).collect();
        for ioctl in IOCTLS {
            assert!(made.contains(&encoded(ioctl.direction, ioctl.number, ioctl.size)), "{}", ioctl.name);
            assert_eq!((ioctl.good)(&mut numbers).len() as u32 * 8, ioctl.size, "{}", ioctl.name);
        }
    }

    #[test]
    fn what_is_no_canary_refuses_every_call() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let answers = run(file.path(), 3000, 1);
        assert_eq!(answers.broken, Vec::<String>::new());
        assert_eq!((answers.allowed.len(), answers.refused.values().sum::<u64>()), (0, 3000));
        assert_eq!(answers.never_allowed().len(), IOCTLS.len());
    }

    #[test]
    fn a_node_that_cannot_be_opened_is_told() {
        assert_eq!(run(Path::new("/nowhere"), 1, 1).broken.len(), 1);
    }
}
