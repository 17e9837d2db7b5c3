//! The speed of filling and checking a buffer, compared with libc's memcpy and memcmp on the same mapping in the same run.
//!
//! Each round measures all of them, one after the other, so that what else the machine does hits all alike; the ratio is
//! the median of those of the rounds. `--heap NAME` takes the memory of a dma-heap in place of a memfd's, `--mib N` a buffer of
//! that size alone: 4096 needs 8 GiB, the buffer's and as much for what libc copies from.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use nix::fcntl::OFlag;
use oracle::content::{check, fill, word};
use uapi::memory::{Access, Mapping, Sharing, Window, measure};

/// A frame that stays in a cache, one of 1080p, one that stays in no cache.
const SIZES: [usize; 3] = [1 << 20, 8 << 20, 64 << 20];
/// The least number of bytes that are processed at each size.
const BYTES: usize = 4 << 30;
const SEED: u32 = 1;

/// What is given behind a word of the command line.
fn given(word: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != word).nth(1)
}

fn memory(size: usize) -> OwnedFd {
    match given("--heap") {
        None => {
            let file = uapi::dma_buf::ordinary_file().expect("a memfd");
            let file = std::fs::File::from(file);
            file.set_len(size as u64).expect("its size");
            file.into()
        }
        Some(heap) => {
            let heap = std::fs::File::open(format!("/dev/dma_heap/{heap}")).expect("a heap of that name");
            uapi::heap::allocate(heap.as_fd(), size as u64, OFlag::O_RDWR | OFlag::O_CLOEXEC)
                .expect("a buffer of the heap")
        }
    }
}

/// Seconds that it took.
fn timed(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A line of the table: what was measured, its speed, the measure's, and how much of it that is.
fn tell(what: &str, size: usize, rounds: &[[f64; 4]], ours: usize, libc: usize) {
    let speed = |which: usize| size as f64 / median(rounds.iter().map(|round| round[which]).collect()) / 1e9;
    let ratio = median(rounds.iter().map(|round| round[libc] / round[ours]).collect());
    let mib = size >> 20;
    println!("{what:6} {mib:4} MiB  {:6.1} GB/s  {:6.1} GB/s  {:5.0} %", speed(ours), speed(libc), ratio * 100.0);
}

fn main() {
    println!("{:6} {:8}  {:>11}  {:>11}  {:>7}", "", "buffer", "prime-cts", "libc", "ratio");
    let size = given("--mib").map(|mib| mib.parse::<usize>().expect("a number of MiB") << 20);
    for size in size.map_or(SIZES.to_vec(), |size| vec![size]) {
        let file = memory(size);
        let window = Window { offset: 0, len: size };
        let mapping = Mapping::of_file(file.as_fd(), window, Access::ReadWrite, Sharing::Shared).expect("a mapping");
        let expected: Vec<u8> = (0..size).step_by(8).flat_map(|at| word(SEED, at as u64).to_ne_bytes()).collect();
        let round = || {
            [
                timed(|| measure::copy(&mapping, &expected)),
                timed(|| fill(&mapping, SEED, 0)),
                timed(|| assert!(measure::equal(&mapping, &expected))),
                timed(|| assert!(check(&mapping, SEED, 0).is_ok())),
            ]
        };
        round();
        let rounds: Vec<[f64; 4]> =
            (0..(BYTES / size).clamp(if size > BYTES / 4 { 5 } else { 15 }, 400)).map(|_| round()).collect();
        tell("fill", size, &rounds, 1, 0);
        tell("check", size, &rounds, 3, 2);
    }
}
