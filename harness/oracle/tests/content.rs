//! Every way in which a buffer's content goes wrong is planted here and must be found and named.

use std::os::fd::{AsFd, OwnedFd};

use oracle::content::{Checked, Difference, Seen, Shape, check, check_words, fill, word};
use proptest::prelude::*;
use uapi::memory::{Access, Mapping, Sharing, Window, page_size};

const SEED: u32 = 7;
const PAGES: usize = 8;

fn buffer() -> OwnedFd {
    uapi::dma_buf::ordinary_file().unwrap()
}

fn map(file: &OwnedFd, offset: usize, len: usize) -> Mapping {
    let window = Window { offset: offset as u64, len };
    Mapping::of_file(file.as_fd(), window, Access::ReadWrite, Sharing::Shared).unwrap()
}

fn filled() -> (OwnedFd, Mapping) {
    let file = buffer();
    let mapping = map(&file, 0, PAGES * page_size());
    fill(&mapping, SEED, 0);
    (file, mapping)
}

/// What is found when `plant` has changed the content.
fn planted(plant: impl FnOnce(&Mapping)) -> Difference {
    let (_file, mapping) = filled();
    plant(&mapping);
    check(&mapping, SEED, 0).unwrap_err()
}

fn copy(mapping: &Mapping, from: usize, to: usize, len: usize) {
    let words: Vec<u64> = (0..len).step_by(8).map(|at| mapping.read_word(from + at)).collect();
    for (index, word) in words.into_iter().enumerate() {
        mapping.write_word(to + index * 8, word);
    }
}

fn write_byte(mapping: &Mapping, offset: usize, byte: u8) {
    let mut bytes = mapping.read_word(offset & !7).to_ne_bytes();
    bytes[offset % 8] = byte;
    mapping.write_word(offset & !7, u64::from_ne_bytes(bytes));
}

#[test]
fn what_was_written_is_found_in_the_whole_and_in_a_part() {
    let (file, mapping) = filled();
    let bytes = (PAGES * page_size()) as u64;
    assert_eq!(check(&mapping, SEED, 0), Ok(Checked { bytes }));
    let part = map(&file, 2 * page_size(), page_size());
    assert_eq!(check(&part, SEED, 2 * page_size() as u64), Ok(Checked { bytes: page_size() as u64 }));
}

#[test]
fn a_mapping_at_an_offset_that_shows_page_0() {
    let (file, _whole) = filled();
    let first = map(&file, 0, page_size());
    let found = check(&first, SEED, 2 * page_size() as u64).unwrap_err();
    assert_eq!(found.what, Seen::Elsewhere { position: 0 });
    assert_eq!(found.shape, Shape::WholePages { pages: 1 });
    assert_eq!((found.position, found.offset), (2 * page_size() as u64, 0));
    assert_eq!((found.differing, found.total), (page_size() as u64, page_size() as u64));
    assert!(found.to_string().contains("(page 0 where page 2 belongs); "), "{found}");
}

#[test]
fn two_pages_that_changed_places() {
    let page = page_size();
    let found = planted(|mapping| {
        let other = word(SEED, page as u64);
        copy(mapping, 3 * page, page, page);
        for at in (0..page).step_by(8) {
            mapping.write_word(3 * page + at, word(SEED, (page + at) as u64));
        }
        assert_eq!(mapping.read_word(3 * page), other);
    });
    assert_eq!(found.what, Seen::Elsewhere { position: 3 * page as u64 });
    assert_eq!((found.shape, found.pages), (Shape::WholePages { pages: 2 }, 2));
}

#[test]
fn the_last_page_was_never_copied() {
    let page = page_size();
    let found = planted(|mapping| {
        for at in ((PAGES - 1) * page..PAGES * page).step_by(8) {
            mapping.write_word(at, 0);
        }
    });
    assert_eq!((found.what, found.shape), (Seen::Zeros, Shape::WholePages { pages: 1 }));
    assert_eq!(found.position, ((PAGES - 1) * page) as u64);
}

#[test]
fn one_bit_turned_over() {
    let found = planted(|mapping| mapping.write_word(4096, mapping.read_word(4096) ^ (1 << 17)));
    assert_eq!((found.what, found.shape), (Seen::FlippedBit, Shape::Run { bytes: 1 }));
    assert_eq!((found.differing, found.pages), (1, 1));
    assert_eq!(found.position & !7, 4096);
    assert_ne!(found.expected, found.seen);
}

#[test]
fn an_earlier_content_everywhere() {
    let found = planted(|mapping| fill(mapping, SEED - 1, 0));
    assert_eq!((found.what, found.shape), (Seen::OtherContent { seed: SEED - 1 }, Shape::Everything));
    assert_eq!(found.pages, PAGES as u64);
}

#[test]
fn a_cache_line_that_was_not_flushed() {
    let found = planted(|mapping| {
        for at in (640..704).step_by(8) {
            mapping.write_word(at, word(SEED - 1, at as u64));
        }
    });
    assert_eq!((found.what, found.shape), (Seen::OtherContent { seed: SEED - 1 }, Shape::CacheLines { lines: 1 }));
    assert_eq!((found.position, found.differing), (640, 64));
}

#[test]
fn half_a_cache_line_is_only_a_run() {
    let found = planted(|mapping| (640..672).step_by(8).for_each(|at| mapping.write_word(at, 0)));
    assert_eq!((found.what, found.shape), (Seen::Zeros, Shape::Run { bytes: 32 }));
}

#[test]
fn another_place_of_an_earlier_content() {
    let found = planted(|mapping| {
        for at in (0..16).step_by(8) {
            mapping.write_word(512 + at, word(SEED + 1, 8192 + at as u64));
        }
    });
    assert_eq!(found.what, Seen::OtherContentElsewhere { seed: SEED + 1, position: 8192 });
}

#[test]
fn a_single_word_from_nowhere_is_not_explained() {
    let found = planted(|mapping| mapping.write_word(512, word(SEED + 1, 1 << 30)));
    assert_eq!(found.what, Seen::Unknown);
}

#[test]
fn a_poison_of_the_kernel() {
    let found = planted(|mapping| (256..384).step_by(8).for_each(|at| mapping.write_word(at, 0x6b6b_6b6b_6b6b_6b6b)));
    assert_eq!((found.what, found.shape), (Seen::Filled { byte: 0x6b }, Shape::CacheLines { lines: 2 }));
}

#[test]
fn words_here_and_there() {
    let found = planted(|mapping| [8, 4096, 20000].into_iter().for_each(|at| mapping.write_word(at, !0)));
    assert_eq!(found.shape, Shape::Scattered { runs: 3 });
    assert_eq!(found.what, Seen::Filled { byte: 0xff });
    assert_eq!(found.position, 8);
}

#[test]
fn the_first_byte_is_told_exactly() {
    let found = planted(|mapping| write_byte(mapping, 1003, !mapping.read_word(1000).to_ne_bytes()[3]));
    assert_eq!((found.position, found.offset, found.differing), (1003, 1003, 1));
    assert!(found.to_string().contains(" in the 8 bytes at 1000: "), "{found}");
}

#[test]
fn each_word_is_read_once_and_in_order() {
    let mut read = Vec::new();
    let found = check_words(64, SEED, 0, |at| {
        read.push(at);
        0
    });
    assert_eq!(found.unwrap_err().differing, 64);
    assert_eq!(read, [0, 8, 16, 24, 32, 40, 48, 56]);
}

#[test]
fn a_buffer_beyond_4_gib() {
    let position = (5u64 << 30) + 4096;
    let file = buffer();
    let mapping = map(&file, 0, page_size());
    fill(&mapping, SEED, position - (4 << 30));
    let found = check(&mapping, SEED, position).unwrap_err();
    assert_eq!(found.what, Seen::Elsewhere { position: position - (4 << 30) });
}

proptest! {
    #[test]
    fn any_changed_byte_is_found_where_it_is(at in 0..PAGES * 4096, change in 1..=u8::MAX) {
        let read = |offset: usize| {
            let mut bytes = word(SEED, offset as u64).to_ne_bytes();
            if offset == at & !7 {
                bytes[at % 8] ^= change;
            }
            u64::from_ne_bytes(bytes)
        };
        let found = check_words(PAGES * 4096, SEED, 0, read).unwrap_err();
        prop_assert_eq!((found.position, found.differing, found.shape), (at as u64, 1, Shape::Run { bytes: 1 }));
    }

    #[test]
    fn what_comes_from_elsewhere_is_traced_back(from in 0..512u64, to in 0..512u64, len in 1..64u64) {
        prop_assume!(from != to);
        let (from, to, len) = (from * 8, to * 8, len * 8);
        let read = |offset: usize| {
            let at = offset as u64;
            word(SEED, if (to..to + len).contains(&at) { at - to + from } else { at })
        };
        let found = check_words(8192, SEED, 0, read).unwrap_err();
        prop_assert_eq!(found.what, Seen::Elsewhere { position: from });
    }

    #[test]
    fn a_difference_is_one_line(junk in prop::collection::vec(any::<u64>(), 16)) {
        if let Err(found) = check_words(128, SEED, 64, |at| junk[at / 8]) {
            prop_assert!(!found.to_string().contains('\n'));
            prop_assert!(found.differing <= found.total && found.differing > 0);
        }
    }
}
