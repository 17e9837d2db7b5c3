//! Runs of words, for whole buffers: as `read_word` and `write_word` do one, with wide accesses.
//!
//! No cache holds write-combined memory: each load goes to it by itself, so that what is read at once is what it costs. The
//! loads are as wide as those of libc's memcmp(3).

use super::Mapping;

/// The unit of a read or write. Within [`with_vectors`] it is one access where the processor has one that is so wide; else
/// it is several.
#[cfg(target_arch = "x86_64")]
type Wide = core::arch::x86_64::__m256i;
#[cfg(target_arch = "aarch64")]
type Wide = core::arch::aarch64::uint64x2_t;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Wide = u64;

/// Words in one access.
const WIDE: usize = size_of::<Wide>() / 8;

/// Words of a [`Line`].
pub const LINE: usize = 8;

/// Bytes of a [`Line`].
pub const LINE_SIZE: usize = LINE * 8;

/// 64 bytes, which is what most caches and write-combining buffers hold at once.
pub type Line = [u64; LINE];

impl Mapping {
    /// Reads the words from `offset` on, a multiple of 8; each of them once and in order.
    ///
    /// A page that the exporter does not back ends the process with SIGBUS.
    ///
    /// # Panics
    /// For words that are not all within the mapping.
    pub fn read_run(&self, offset: usize, words: &mut [u64]) {
        self.run(offset, words.len());
        let head = (offset.next_multiple_of(LINE_SIZE) - offset) / 8;
        let (head, rest) = words.split_at_mut(head.min(words.len()));
        let (lines, tail) = rest.as_chunks_mut::<LINE>();
        let first = offset + head.len() * 8;
        let behind = first + lines.len() * LINE_SIZE;
        for (index, word) in head.iter_mut().enumerate() {
            *word = self.read_word(offset + index * 8);
        }
        if !lines.is_empty() {
            let count = lines.len();
            lines.iter_mut().zip(self.lines(first, count)).for_each(|(line, seen)| *line = seen);
        }
        for (index, word) in tail.iter_mut().enumerate() {
            *word = self.read_word(behind + index * 8);
        }
    }

    /// Reads this many lines from `offset` on, a multiple of 64, each when it is asked for.
    ///
    /// A page that the exporter does not back ends the process with SIGBUS.
    ///
    /// # Panics
    /// For lines that are not all within the mapping.
    #[inline]
    pub fn lines(&self, offset: usize, count: usize) -> impl ExactSizeIterator<Item = Line> {
        let from = self.lines_at(offset, count);
        (0..count).map(move |number| {
            let mut line = [0; LINE];
            for index in 0..LINE / WIDE {
                // SAFETY: `lines_at` holds the lines within the mapping, which lives as long as `self`, and aligned;
                // volatile, so that memory which a device changes is not a data race for the compiler. The line has WIDE
                // words for each index, and any bits are words.
                unsafe {
                    let seen = from.add(number * (LINE / WIDE) + index).read_volatile();
                    line.as_mut_ptr().cast::<Wide>().add(index).write_unaligned(seen);
                }
            }
            line
        })
    }

    /// Writes lines one after the other from `offset` on, a multiple of 64, as long as they come.
    ///
    /// A page that the exporter does not back ends the process with SIGBUS.
    ///
    /// # Panics
    /// For a mapping made for reading, and for lines that do not fit.
    #[inline]
    pub fn write_lines(&self, offset: usize, lines: impl ExactSizeIterator<Item = Line>) {
        assert!(self.writable(), "write through a mapping made for reading");
        let count = lines.len();
        let to = self.lines_at(offset, count);
        for (number, line) in lines.take(count).enumerate() {
            for index in 0..LINE / WIDE {
                // SAFETY: as in `lines`, and the mapping was made with PROT_WRITE; no more lines are taken than were
                // promised.
                unsafe {
                    let wide = line.as_ptr().cast::<Wide>().add(index).read_unaligned();
                    to.add(number * (LINE / WIDE) + index).write_volatile(wide);
                }
            }
        }
    }

    /// As [`Mapping::write_lines`], past the caches: for more than they hold, so that no line is read from memory only to be
    /// written over. What comes after [`Mapping::streamed`] sees it.
    ///
    /// # Panics
    /// As [`Mapping::write_lines`].
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub fn stream_lines(&self, offset: usize, lines: impl ExactSizeIterator<Item = Line>) {
        use core::arch::x86_64::{__m128i, _mm_stream_si128};
        assert!(self.writable(), "write through a mapping made for reading");
        let count = lines.len();
        let to = self.lines_at(offset, count).cast::<[__m128i; LINE / 2]>();
        for (number, line) in lines.take(count).enumerate() {
            for (index, part) in line.as_chunks::<2>().0.iter().enumerate() {
                // SAFETY: as in `write_lines`, and an address in a line is a multiple of 16. The intrinsic is an asm!, which
                // is done as often and where it stands; SSE2 is in every processor of this architecture.
                unsafe {
                    let part = part.as_ptr().cast::<__m128i>().read_unaligned();
                    _mm_stream_si128(to.add(number).cast::<__m128i>().add(index), part);
                }
            }
        }
    }

    /// As [`Mapping::write_lines`]: there are no such stores here.
    ///
    /// # Panics
    /// As [`Mapping::write_lines`].
    #[cfg(not(target_arch = "x86_64"))]
    #[inline]
    pub fn stream_lines(&self, offset: usize, lines: impl ExactSizeIterator<Item = Line>) {
        self.write_lines(offset, lines);
    }

    /// Orders writes: what was written past the caches is in memory before anything that is written after this.
    pub fn streamed(&self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction is part of SSE, which every processor of this architecture has.
        unsafe {
            core::arch::x86_64::_mm_sfence();
        }
    }

    /// Returns where this many lines begin, which are all within the mapping, and aligned.
    fn lines_at(&self, offset: usize, count: usize) -> *mut Wide {
        let first = self.run(offset, count.saturating_mul(LINE));
        assert!(offset.is_multiple_of(LINE_SIZE) && first.addr().is_multiple_of(LINE_SIZE), "a line at {offset}");
        first.cast()
    }

    /// Returns where this many words begin, which are all within the mapping.
    fn run(&self, offset: usize, words: usize) -> *mut u8 {
        let end = words.checked_mul(8).and_then(|len| len.checked_add(offset));
        let fits = offset.is_multiple_of(8) && end.is_some_and(|end| end <= self.len());
        assert!(fits, "{words} words at {offset} of a mapping of {}", self.len());
        // SAFETY: the offset is within the mapping, or its end.
        unsafe { self.pointer().add(offset) }
    }
}

/// Does some work, compiled for the widest vectors that this processor has and that pay: what is inlined into it is.
#[inline]
pub fn with_vectors<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { with_avx2(work) };
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// libc's memcpy and memcmp on a mapping: the measure for the benchmarks.
///
/// No one else may write the mapping meanwhile, and what they read is read as often as libc likes.
pub mod measure {
    use super::Mapping;

    /// memcpy(3) of bytes to the start of a mapping.
    ///
    /// # Panics
    /// For a mapping made for reading, and for bytes that do not fit.
    pub fn copy(mapping: &Mapping, bytes: &[u8]) {
        assert!(mapping.writable() && bytes.len() <= mapping.len(), "{} bytes for a mapping", bytes.len());
        // SAFETY: the bytes fit into the mapping, which was made with PROT_WRITE, and lie elsewhere.
        unsafe { nix::libc::memcpy(mapping.pointer().cast(), bytes.as_ptr().cast(), bytes.len()) };
    }

    /// memcmp(3) of bytes with the start of a mapping: whether they are equal.
    ///
    /// # Panics
    /// For more bytes than the mapping has.
    pub fn equal(mapping: &Mapping, bytes: &[u8]) -> bool {
        assert!(bytes.len() <= mapping.len(), "{} bytes for a mapping of {}", bytes.len(), mapping.len());
        // SAFETY: as many bytes are readable on both sides.
        unsafe { nix::libc::memcmp(mapping.pointer().cast(), bytes.as_ptr().cast(), bytes.len()) == 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Access, Sharing, Window};
    use std::os::fd::AsFd;

    fn mapping(access: Access) -> Mapping {
        let file = crate::dma_buf::ordinary_file().unwrap();
        Mapping::of_file(file.as_fd(), Window { offset: 0, len: 8192 }, access, Sharing::Shared).unwrap()
    }

    #[test]
    fn a_run_is_its_words_wherever_it_begins_and_ends() {
        let mapping = mapping(Access::ReadWrite);
        mapping.write_words(|at| at * 3 + 1);
        for start in 0..10 {
            for len in 0..40 {
                let mut words = vec![0; len];
                mapping.read_run(start * 8, &mut words);
                let single: Vec<u64> = (start..start + len).map(|index| mapping.read_word(index * 8)).collect();
                assert_eq!(words, single, "{len} words from {start}");
            }
        }
        let mut last = [0; 3];
        mapping.read_run(8192 - 24, &mut last);
        assert_eq!(last[2], mapping.read_word(8184));
    }

    #[test]
    fn lines_are_written_where_they_belong_and_nowhere_else() {
        let mapping = mapping(Access::ReadWrite);
        mapping.write_lines(128, [[7; LINE], [9; LINE]].into_iter());
        let seen: Vec<u64> = (0..40).map(|index| mapping.read_word(index * 8)).collect();
        let expected = [vec![0; 16], vec![7; 8], vec![9; 8], vec![0; 8]].concat();
        assert_eq!(seen, expected);
    }

    #[test]
    fn past_the_caches_they_are_the_same() {
        let mapping = mapping(Access::ReadWrite);
        let line = |first: u64| std::array::from_fn(|index| first + index as u64);
        mapping.stream_lines(64, [line(100), line(200)].into_iter());
        mapping.streamed();
        let seen: Vec<u64> = (0..32).map(|index| mapping.read_word(index * 8)).collect();
        assert_eq!(seen, [vec![0; 8], line(100).to_vec(), line(200).to_vec(), vec![0; 8]].concat());
    }

    #[test]
    fn the_measure_is_of_the_same_bytes() {
        let mapping = mapping(Access::ReadWrite);
        measure::copy(&mapping, &[5; 100]);
        assert!(measure::equal(&mapping, &[5; 100]));
        assert!(!measure::equal(&mapping, &[5; 101]));
    }

    #[test]
    #[should_panic(expected = "2 words at 8184 of a mapping of 8192")]
    fn no_run_goes_past_the_end() {
        mapping(Access::ReadOnly).read_run(8184, &mut [0; 2]);
    }

    #[test]
    #[should_panic(expected = "2305843009213693951 words at 8")]
    fn no_run_is_so_long_that_its_end_is_before_its_start() {
        let _ = mapping(Access::ReadOnly).run(8, usize::MAX / 8);
    }

    #[test]
    #[should_panic(expected = "16 words at 8128 of a mapping of 8192")]
    fn no_line_goes_past_the_end() {
        mapping(Access::ReadWrite).write_lines(8128, [[0; LINE]; 2].into_iter());
    }

    #[test]
    #[should_panic(expected = "made for reading")]
    fn a_read_only_mapping_takes_no_lines() {
        mapping(Access::ReadOnly).write_lines(0, [[0; LINE]].into_iter());
    }
}
