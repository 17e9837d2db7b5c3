//! Counts the differing words as they come, in constant memory.

use super::difference::{Bytes, Difference, Seen, Shape};
use super::pattern::origin;

const LINE: u64 = 64;

/// One differing word.
#[derive(Debug, Clone, Copy)]
struct Word {
    position: u64,
    expected: [u8; 8],
    seen: [u8; 8],
}

impl Word {
    fn differs(&self, place: usize) -> bool {
        self.expected[place] != self.seen[place]
    }

    fn first(&self) -> u64 {
        self.position + (0..8).find(|&place| self.differs(place)).unwrap_or(0) as u64
    }

    fn last(&self) -> u64 {
        self.position + (0..8).rfind(|&place| self.differs(place)).unwrap_or(7) as u64
    }
}

/// Blocks of the buffer (pages, cache lines) with differing words: how many, and whether all of each differs.
#[derive(Debug)]
struct Blocks {
    size: u64,
    count: u64,
    whole: bool,
    current: u64,
    bytes: u64,
}

impl Blocks {
    fn new(size: u64) -> Self {
        Self { size, count: 0, whole: true, current: 0, bytes: 0 }
    }

    fn add(&mut self, tally: (u64, u64), position: u64) {
        let block = position / self.size;
        if self.count == 0 || block != self.current {
            self.close(tally);
            (self.current, self.bytes) = (block, 0);
            self.count += 1;
        }
        self.bytes += 8;
    }

    /// A block that the mapping cuts off is whole when all of it that is mapped differs.
    fn close(&mut self, (start, end): (u64, u64)) {
        let (from, to) = (self.current * self.size, (self.current + 1) * self.size);
        self.whole &= self.count == 0 || self.bytes == to.min(end) - from.max(start);
    }
}

pub(super) struct Tally {
    seed: u32,
    start: u64,
    end: u64,
    pages: Blocks,
    lines: Blocks,
    words: u64,
    runs: u64,
    differing: u64,
    run_start: u64,
    last: Option<Word>,
    first: Vec<Word>,
}

/// The number of words that are examined to find the origin of the bytes seen.
const SAMPLES: usize = 8;

impl Tally {
    pub(super) fn new(seed: u32, start: u64, len: u64, page_size: u64) -> Self {
        Self {
            seed,
            start,
            end: start + len,
            pages: Blocks::new(page_size),
            lines: Blocks::new(LINE),
            words: 0,
            runs: 0,
            differing: 0,
            run_start: 0,
            last: None,
            first: Vec::with_capacity(SAMPLES),
        }
    }

    pub(super) fn add(&mut self, position: u64, expected: u64, seen: u64) {
        let word = Word { position, expected: expected.to_ne_bytes(), seen: seen.to_ne_bytes() };
        let range = (self.start, self.end);
        self.pages.add(range, position);
        self.lines.add(range, position);
        self.words += 1;
        if self.last.is_none_or(|last| last.position + 8 != position) {
            self.close_run();
            self.run_start = word.first();
            self.runs += 1;
        }
        self.last = Some(word);
        if self.first.len() < SAMPLES {
            self.first.push(word);
        }
    }

    fn close_run(&mut self) {
        self.differing += self.last.map_or(0, |last| last.last() + 1 - self.run_start);
    }

    /// Returns the difference; at least one word was added.
    pub(super) fn difference(mut self) -> Difference {
        self.close_run();
        self.pages.close((self.start, self.end));
        self.lines.close((self.start, self.end));
        let first = self.first[0];
        Difference {
            position: first.first(),
            offset: first.first() - self.start,
            expected: Bytes(first.expected),
            seen: Bytes(first.seen),
            what: self.what(),
            differing: self.differing,
            total: self.end - self.start,
            pages: self.pages.count,
            shape: self.shape(),
            seed: self.seed,
            page_size: self.pages.size,
        }
    }

    fn shape(&self) -> Shape {
        let everything = self.words * 8 == self.end - self.start;
        match (self.pages.whole, self.lines.whole, self.runs) {
            (true, ..) if everything && self.pages.count > 1 => Shape::Everything,
            (true, ..) => Shape::WholePages { pages: self.pages.count },
            (_, true, _) => Shape::CacheLines { lines: self.lines.count },
            (_, _, 1) => Shape::Run { bytes: self.differing },
            (.., runs) => Shape::Scattered { runs },
        }
    }

    fn what(&self) -> Seen {
        let seen = self.first.iter().flat_map(|word| (0..8).filter(|&at| word.differs(at)).map(|at| word.seen[at]));
        let mut seen = seen.peekable();
        let byte = seen.peek().copied().unwrap_or_default();
        let same = seen.clone().all(|other| other == byte);
        match (same, byte) {
            (true, 0) => return Seen::Zeros,
            // Fewer bytes are alike by chance.
            (true, byte) if seen.count() >= 4 => return Seen::Filled { byte },
            _ => {}
        }
        let flipped = |word: &Word| {
            let difference = u64::from_ne_bytes(word.expected) ^ u64::from_ne_bytes(word.seen);
            difference.is_power_of_two()
        };
        if flipped(&self.first[0]) {
            return Seen::FlippedBit;
        }
        // The first word may be torn: half of it right, half of it wrong.
        self.first.iter().take(2).find_map(|word| self.origin_of(word)).unwrap_or(Seen::Unknown)
    }

    /// Where a word came from. That both seed and position are others is believed only when a second word agrees.
    fn origin_of(&self, word: &Word) -> Option<Seen> {
        let found = origin(u64::from_ne_bytes(word.seen))?;
        let moved = found.position.wrapping_sub(word.position);
        if found.seed == self.seed {
            return Some(Seen::Elsewhere { position: found.position });
        }
        if moved == 0 {
            return Some(Seen::OtherContent { seed: found.seed });
        }
        let agrees = |other: &&Word| {
            let origin = origin(u64::from_ne_bytes(other.seen));
            origin.is_some_and(|o| o.seed == found.seed && o.position.wrapping_sub(other.position) == moved)
        };
        let agreeing = self.first.iter().filter(agrees).count();
        (agreeing > 1).then_some(Seen::OtherContentElsewhere { seed: found.seed, position: found.position })
    }
}
