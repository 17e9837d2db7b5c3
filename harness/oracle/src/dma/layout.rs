//! How `struct scatterlist` of this kernel is laid out.
//!
//! `include/linux/scatterlist.h`: page_link, offset, length, dma_address, and with CONFIG_NEED_SG_DMA_LENGTH dma_length; then
//! flags, which may fill the padding. The width of dma_address is that of `dma_addr_t`. Nothing is believed that the
//! tables themselves have not shown: see [`Layouts`].

/// The place of each field, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) stride: usize,
    /// Of page_link, which begins the structure.
    pub(super) word: usize,
    pub(super) dma_address: usize,
    pub(super) dma_width: usize,
    /// Where it is absent, `length` is the DMA length too.
    pub(super) dma_length: Option<usize>,
}

const fn layout(stride: usize, word: usize, dma: (usize, usize), dma_length: Option<usize>) -> Layout {
    Layout { stride, word, dma_address: dma.0, dma_width: dma.1, dma_length }
}

/// Those that show most come first: a length of its own for the device is not found where there is none.
const OF_64_BIT: &[Layout] =
    &[layout(32, 8, (16, 8), Some(24)), layout(24, 8, (16, 8), None), layout(32, 8, (16, 8), None)];
const OF_32_BIT: &[Layout] = &[
    layout(32, 4, (16, 8), Some(24)),
    layout(20, 4, (12, 4), Some(16)),
    layout(24, 4, (12, 4), Some(16)),
    layout(24, 4, (16, 8), None),
    layout(16, 4, (12, 4), None),
    layout(20, 4, (12, 4), None),
];

/// Tables of different buffers that must agree with a layout before it is believed.
const ENOUGH: u8 = 2;

/// The layouts that are possible, and how many tables agreed with each.
#[derive(Debug)]
pub(super) struct Layouts {
    candidates: &'static [Layout],
    /// By candidate: tables of one entry, tables of several.
    agreed: Vec<[u8; 2]>,
}

impl Layouts {
    pub(super) fn new(is_64_bit: bool) -> Self {
        let candidates = if is_64_bit { OF_64_BIT } else { OF_32_BIT };
        Self { candidates, agreed: vec![[0; 2]; candidates.len()] }
    }

    /// Notes with which layouts a table of so many entries agrees: it adds up to its buffer, and ends where it should.
    pub(super) fn vote(&mut self, entries: usize, agrees: impl Fn(Layout) -> bool) {
        for (candidate, agreed) in self.candidates.iter().zip(&mut self.agreed) {
            let count = &mut agreed[usize::from(entries > 1)];
            if *count < ENOUGH && agrees(*candidate) {
                *count += 1;
            }
        }
    }

    /// Returns the layout for tables of so many entries, once enough of them have agreed with it.
    pub(super) fn known(&self, entries: usize) -> Option<Layout> {
        let believed = |agreed: &[u8; 2]| agreed[1] >= ENOUGH || (entries == 1 && agreed[0] >= ENOUGH);
        let place = self.agreed.iter().position(believed)?;
        Some(self.candidates[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_believed_before_two_tables_have_shown_it() {
        let mut layouts = Layouts::new(true);
        layouts.vote(3, |layout| layout.stride == 24);
        assert_eq!(layouts.known(3), None);
        layouts.vote(2, |layout| layout.stride == 24);
        assert_eq!(layouts.known(5).map(|layout| layout.stride), Some(24));
        assert_eq!(layouts.known(1).map(|layout| layout.stride), Some(24));
    }

    #[test]
    fn tables_of_one_entry_do_not_show_where_the_second_lies() {
        let mut layouts = Layouts::new(false);
        (0..9).for_each(|_| layouts.vote(1, |layout| layout.dma_length.is_none()));
        assert_eq!(layouts.known(2), None);
        assert!(layouts.known(1).is_some());
    }
}
