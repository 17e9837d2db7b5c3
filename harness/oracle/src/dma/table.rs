//! The entries of an sg_table, as they lay in memory when it was returned.

use super::layout::{Layout, Layouts};

/// An sg_table as a probe fetched it: how many entries it has, and the memory at the first of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) sgl: u64,
    /// The entries for the device.
    pub(super) nents: u32,
    /// The entries for the CPU.
    pub(super) orig_nents: u32,
    /// In the order of the memory, little-endian.
    pub(super) bytes: Vec<u8>,
}

/// An entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The address of a struct page, without the bits that mark chains and ends; 0 where there is none.
    pub(super) page: u64,
    pub(super) offset: u32,
    pub(super) length: u32,
    pub(super) dma: u64,
    pub(super) dma_length: u32,
}

/// The entries of a table all of which were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// Those of the CPU, `orig_nents`.
    pub(super) entries: Vec<Entry>,
    /// How many of them the device has.
    pub(super) nents: usize,
    pub(super) dma_width: usize,
}

/// `SG_CHAIN` and `SG_END`, the lowest bits of page_link.
const CHAIN: u64 = 1;
const END: u64 = 2;

impl Raw {
    /// Returns the table, and learns how tables are laid out from one that adds up. `None` for what is not known for
    /// certain: a table with more entries than were read, one without entries, one of a layout that has not shown itself.
    pub(super) fn read(&self, layouts: &mut Layouts, size: u64) -> Option<Table> {
        let entries = self.orig_nents as usize;
        if entries == 0 || self.nents > self.orig_nents {
            return None;
        }
        let whole = |layout: Layout| entries * layout.stride <= self.bytes.len();
        layouts.check(|layout| whole(layout).then(|| self.by(layout).is_some()));
        layouts.vote(entries, size, |layout| {
            whole(layout).then(|| self.by(layout).is_some_and(|table| table.adds_up(size)))
        });
        self.by(layouts.known()?)
    }

    fn by(&self, layout: Layout) -> Option<Table> {
        let count = self.orig_nents as usize;
        let read = |at: usize| entry(self.bytes.get(at * layout.stride..(at + 1) * layout.stride)?, layout);
        let entries: Vec<(Entry, u64)> = (0..count).map(read).collect::<Option<_>>()?;
        // A chain goes on elsewhere; and the end is marked at the end alone.
        let marked = |(at, (_, bits)): (usize, &(Entry, u64))| *bits == if at + 1 == count { END } else { 0 };
        let plain = entries.iter().enumerate().all(marked);
        let entries = entries.into_iter().map(|(entry, _)| entry).collect();
        plain.then_some(Table { entries, nents: self.nents as usize, dma_width: layout.dma_width })
    }
}

fn entry(bytes: &[u8], layout: Layout) -> Option<(Entry, u64)> {
    let number = |at: usize, width: usize| {
        let bytes = bytes.get(at..at + width)?;
        Some(bytes.iter().rev().fold(0u64, |number, &byte| number << 8 | u64::from(byte)))
    };
    let short = |at: usize| number(at, 4).and_then(|number| u32::try_from(number).ok());
    let link = number(0, layout.word)?;
    let length = short(layout.word + 4)?;
    let entry = Entry {
        page: link & !(CHAIN | END),
        offset: short(layout.word)?,
        length,
        dma: number(layout.dma_address, layout.dma_width)?,
        dma_length: layout.dma_length.map_or(Some(length), short)?,
    };
    Some((entry, link & (CHAIN | END)))
}

/// As pages of this machine.
fn pages(bytes: u64) -> u64 {
    bytes.div_ceil(uapi::memory::page_size() as u64)
}

impl Table {
    fn device(&self) -> &[Entry] {
        &self.entries[..self.nents]
    }

    /// In bytes, for the device.
    pub(super) fn dma_size(&self) -> u64 {
        self.device().iter().map(|entry| u64::from(entry.dma_length)).sum()
    }

    /// In bytes, for the CPU; `None` where an entry has no page, and so no length that counts.
    pub(super) fn cpu_size(&self) -> Option<u64> {
        let paged = self.entries.iter().all(|entry| entry.page != 0);
        paged.then(|| self.entries.iter().map(|entry| u64::from(entry.length)).sum())
    }

    fn adds_up(&self, size: u64) -> bool {
        let is = |sum: u64| pages(sum) == pages(size);
        is(self.dma_size()) && self.cpu_size().is_none_or(is) && self.entries.iter().all(|entry| entry.dma_length > 0)
    }

    /// Says how the table does not add up to a buffer.
    pub(super) fn wrong_size(&self, size: u64) -> Option<String> {
        let wrong = |sum: &u64| pages(*sum) != pages(size);
        let of = |whose, sum| format!("the {whose} lengths of the sg_table are {sum} bytes, the buffer has {size}");
        let dma = Some(self.dma_size()).filter(wrong).map(|sum| of("DMA", sum));
        dma.or_else(|| self.cpu_size().filter(wrong).map(|sum| of("pages'", sum)))
    }

    /// Says which entry is not mapped or empty, or which memory is there twice.
    pub(super) fn wrong_entry(&self) -> Option<String> {
        let unmapped = if self.dma_width == 8 { u64::MAX } else { u64::from(u32::MAX) };
        let device = self.device();
        if let Some(at) = device.iter().position(|entry| entry.dma_length == 0) {
            return Some(format!("entry {at} of the sg_table has a DMA length of 0"));
        }
        if let Some(at) = device.iter().position(|entry| entry.dma == unmapped) {
            return Some(format!("the DMA address of entry {at} of the sg_table is DMA_MAPPING_ERROR"));
        }
        let mut ranges: Vec<(u64, u64)> =
            device.iter().map(|entry| (entry.dma, entry.dma + u64::from(entry.dma_length))).collect();
        ranges.sort_unstable();
        if let Some(pair) = ranges.windows(2).find(|pair| pair[1].0 < pair[0].1) {
            return Some(format!("the DMA address {:#x} is in the sg_table twice", pair[1].0));
        }
        let mut places: Vec<(u64, u32)> = self.entries.iter().map(|entry| (entry.page, entry.offset)).collect();
        places.retain(|(page, _)| *page != 0);
        places.sort_unstable();
        let twice = places.windows(2).find(|pair| pair[0] == pair[1])?;
        Some(format!("the struct page at {:#x} is in the sg_table twice", twice[0].0))
    }

    /// The first byte of the buffer that another table shows with another page. Tables may be cut into entries in other
    /// places: only where entries of both begin can they be compared.
    pub(super) fn differs(&self, other: &Self) -> Option<u64> {
        let (ours, theirs) = (self.starts()?, other.starts()?);
        let differs = |(at, place): &&(u64, (u64, u32))| theirs.iter().any(|(its, other)| its == at && other != place);
        ours.iter().find(differs).map(|(at, _)| *at)
    }

    /// The byte of the buffer at which each entry begins, and its page and offset.
    fn starts(&self) -> Option<Vec<(u64, (u64, u32))>> {
        self.cpu_size()?;
        let mut at = 0;
        let start = |entry: &Entry| {
            let begin = at;
            at += u64::from(entry.length);
            (begin, (entry.page, entry.offset))
        };
        Some(self.entries.iter().map(start).collect())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A table as x86-64 has it: for each entry a page, a DMA address and a number of pages.
    pub(crate) fn raw(entries: &[(u64, u64, u32)]) -> Raw {
        let mut bytes = Vec::new();
        for (at, (page, dma, pages)) in entries.iter().enumerate() {
            let end = if at + 1 == entries.len() { END } else { 0 };
            bytes.extend((page | end).to_le_bytes());
            bytes.extend(0u32.to_le_bytes());
            bytes.extend((pages * 4096).to_le_bytes());
            bytes.extend(dma.to_le_bytes());
            bytes.extend((pages * 4096).to_le_bytes());
            bytes.extend(0u32.to_le_bytes());
        }
        let count = u32::try_from(entries.len()).unwrap();
        bytes.extend([0xaa; 64]);
        Raw { sgl: 0x5000, nents: count, orig_nents: count, bytes }
    }

    pub(crate) fn learned() -> Layouts {
        let mut layouts = Layouts::new(true, None);
        // Enough for tests that show wrong ones.
        for pages in 1..40 {
            raw(&[(0x1000, 0x10_0000, 1), (0x2000, 0x20_0000, pages)]).read(&mut layouts, u64::from(1 + pages) * 4096);
        }
        layouts
    }

    fn table(entries: &[(u64, u64, u32)]) -> Table {
        raw(entries).read(&mut learned(), 1 << 20).unwrap()
    }

    #[test]
    fn a_table_without_its_last_page_does_not_add_up() {
        let short = table(&[(0x1000, 0x10_0000, 1), (0x2000, 0x20_0000, 1)]);
        assert_eq!(short.wrong_size(8192), None);
        assert_eq!(short.wrong_size(8000), None, "a buffer's size need not be one of pages");
        assert!(short.wrong_size(12288).unwrap().contains("8192 bytes, the buffer has 12288"));
    }

    #[test]
    fn nothing_is_read_before_the_layout_has_shown_itself() {
        let mut layouts = Layouts::new(true, None);
        let good = |pages| (raw(&[(0x1000, 0x10_0000, 1), (0x2000, 0x20_0000, pages)]), u64::from(1 + pages) * 4096);
        let mut read = |pages| good(pages).0.read(&mut layouts, good(pages).1).is_some();
        assert_eq!([1, 1, 1, 2, 3].map(&mut read), [false, false, false, false, true]);
    }

    #[test]
    fn more_entries_than_were_read_and_chains_are_not_judged() {
        let mut many = raw(&[(0x1000, 0x10_0000, 1), (0x2000, 0x20_0000, 1)]);
        many.orig_nents = 20;
        assert_eq!(many.read(&mut learned(), 8192), None);
        let mut chained = raw(&[(0x1000, 0x10_0000, 1), (0x2000, 0x20_0000, 1)]);
        chained.bytes[0] |= 1;
        assert_eq!(chained.read(&mut learned(), 8192), None);
        let stub = Raw { nents: 0, orig_nents: 0, ..many };
        assert_eq!(stub.read(&mut learned(), 8192), None);
    }

    #[test]
    fn entries_that_are_empty_unmapped_or_there_twice() {
        assert_eq!(table(&[(0x1000, 0x10_0000, 1), (0x2000, 0x10_1000, 1)]).wrong_entry(), None);
        let wrong = |entries: &[(u64, u64, u32)]| table(entries).wrong_entry().unwrap();
        assert!(wrong(&[(0x1000, 0x10_0000, 1), (0x2000, 0x20_0000, 0)]).contains("length of 0"));
        assert!(wrong(&[(0x1000, u64::MAX, 1)]).contains("DMA_MAPPING_ERROR"));
        assert!(wrong(&[(0x1000, 0x10_0000, 2), (0x2000, 0x10_1000, 1)]).contains("0x101000"));
        assert!(wrong(&[(0x1000, 0x10_0000, 1), (0x1000, 0x20_0000, 1)]).contains("struct page"));
    }

    #[test]
    fn tables_that_are_cut_elsewhere_are_compared_where_both_begin() {
        let one = table(&[(0x1000, 0x10_0000, 2), (0x3000, 0x20_0000, 1)]);
        let same = table(&[(0x1000, 0x10_0000, 1), (0x1040, 0x10_1000, 1), (0x3000, 0x20_0000, 1)]);
        let other = table(&[(0x1000, 0x10_0000, 1), (0x1040, 0x10_1000, 1), (0x4000, 0x20_0000, 1)]);
        assert_eq!((one.differs(&same), one.differs(&other)), (None, Some(8192)));
        let pageless = table(&[(0, 0x30_0000, 3)]);
        assert_eq!(one.differs(&pageless), None);
    }

    #[test]
    fn memory_without_pages_has_lengths_for_the_device_alone() {
        let pageless = table(&[(0, 0x30_0000, 3)]);
        assert_eq!((pageless.cpu_size(), pageless.wrong_size(3 * 4096)), (None, None));
        assert!(pageless.wrong_size(4 * 4096).unwrap().contains("DMA lengths"));
    }
}
