//! How `struct scatterlist` of this kernel is laid out.
//!
//! `include/linux/scatterlist.h`: page_link, offset, length, dma_address, and with CONFIG_NEED_SG_DMA_LENGTH dma_length; then
//! flags, which may fill the padding. The width of dma_address is that of `dma_addr_t`. The kernel's configuration says all
//! of it; where that cannot be read, nothing is believed that the tables themselves have not shown: see [`Layouts`].

use crate::kernel_config::KernelConfig;

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

impl Layout {
    /// That of a kernel with this configuration, on a processor whose 64-bit numbers lie at multiples of 8 bytes, as on all but
    /// 32-bit x86.
    pub(super) fn stated(config: &KernelConfig) -> Option<Self> {
        let word = if config.has("64BIT") { 8 } else { 4 };
        let dma_width = if word == 8 || config.has("ARCH_DMA_ADDR_T_64BIT") { 8 } else { 4 };
        // dma_flags came with peer-to-peer DMA, and has an option of its own since 6.3.
        let flags = config.has("NEED_SG_DMA_FLAGS") || config.has("PCI_P2PDMA");
        let dma_address = (word + 8usize).next_multiple_of(dma_width);
        let behind = dma_address + dma_width;
        let dma_length = config.has("NEED_SG_DMA_LENGTH").then_some(behind);
        let end = behind + 4 * (usize::from(dma_length.is_some()) + usize::from(flags));
        let stride = end.next_multiple_of(dma_width.max(word));
        (!config.has("X86_32")).then(|| layout(stride, word, (dma_address, dma_width), dma_length))
    }
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

/// Tables of several entries and of different shapes that must agree with a layout before it is believed. What lies behind
/// a shorter structure is what was there before: in one table, or in many alike, it can look right by chance.
const SHAPES: usize = 3;

/// The right one agrees with at least this many times the tables that one of another shape does by chance.
const CLEARLY: u32 = 2;

/// What the tables say of a layout.
#[derive(Debug, Clone, Default)]
struct Votes {
    agreed: u32,
    disagreed: u32,
    /// The entries and sizes of tables of several entries that agreed.
    shapes: Vec<(usize, u64)>,
}

/// The layouts that are possible, and how many tables agreed with each.
#[derive(Debug)]
pub(super) struct Layouts {
    /// That of the kernel's configuration, and how many tables ended by it where they should, and how many did not: the
    /// configuration may be another kernel's.
    stated: Option<Layout>,
    ended: u32,
    went_on: u32,
    candidates: &'static [Layout],
    votes: Vec<Votes>,
}

impl Layouts {
    pub(super) fn new(is_64_bit: bool, stated: Option<Layout>) -> Self {
        let candidates = if is_64_bit { OF_64_BIT } else { OF_32_BIT };
        Self { stated, ended: 0, went_on: 0, candidates, votes: vec![Votes::default(); candidates.len()] }
    }

    /// Notes whether a table ends where it should by the layout of the configuration. `None` where it was not read to its end.
    pub(super) fn check(&mut self, ends: impl Fn(Layout) -> Option<bool>) {
        match self.stated.and_then(ends) {
            Some(true) => self.ended = self.ended.saturating_add(1),
            Some(false) => self.went_on = self.went_on.saturating_add(1),
            None => {}
        }
    }

    /// Notes with which layouts a table agrees: it adds up to its buffer, and ends where it should. `None` where it was not
    /// read to its end. A table of one entry does not show where the next would be, and says nothing.
    pub(super) fn vote(&mut self, entries: usize, size: u64, agrees: impl Fn(Layout) -> Option<bool>) {
        if entries < 2 {
            return;
        }
        for (candidate, votes) in self.candidates.iter().zip(&mut self.votes) {
            match agrees(*candidate) {
                Some(true) => {
                    votes.agreed = votes.agreed.saturating_add(1);
                    let shape = (entries, size);
                    if votes.shapes.len() < SHAPES && !votes.shapes.contains(&shape) {
                        votes.shapes.push(shape);
                    }
                }
                Some(false) => votes.disagreed = votes.disagreed.saturating_add(1),
                None => {}
            }
        }
    }

    /// Returns the layout: that of the configuration if most tables end by it, else the one that the tables show.
    pub(super) fn known(&self) -> Option<Layout> {
        self.stated.filter(|_| self.ended > self.went_on).or_else(|| self.shown())
    }

    /// The layout with which enough tables have agreed, most of all, and clearly more than with any of another shape. Not all
    /// need agree: a driver whose tables are wrong may be behind many of them.
    fn shown(&self) -> Option<Layout> {
        let most = self.votes.iter().map(|votes| votes.agreed).max()?;
        let place = self.votes.iter().position(|votes| votes.agreed == most)?;
        let (layout, votes) = (self.candidates[place], &self.votes[place]);
        let shape = |layout: &Layout| (layout.stride, layout.dma_address, layout.dma_width);
        let others = self.candidates.iter().zip(&self.votes).filter(|(other, _)| shape(other) != shape(&layout));
        let clear = others.into_iter().all(|(_, other)| other.agreed.saturating_mul(CLEARLY) <= most);
        (votes.shapes.len() >= SHAPES && votes.disagreed <= votes.agreed && clear).then_some(layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_believed_before_tables_of_three_shapes_have_shown_it() {
        let mut layouts = Layouts::new(true, None);
        for size in [8192, 8192, 12288] {
            layouts.vote(2, size, |layout| Some(layout.stride == 24));
        }
        assert_eq!(layouts.known(), None);
        layouts.vote(2, 16384, |layout| Some(layout.stride == 24));
        assert_eq!(layouts.known().map(|layout| layout.stride), Some(24));
    }

    #[test]
    fn tables_of_one_entry_do_not_show_where_the_second_lies() {
        let mut layouts = Layouts::new(false, None);
        (0..9).for_each(|size| layouts.vote(1, size, |_| Some(true)));
        assert_eq!(layouts.known(), None);
    }

    #[test]
    fn what_lies_behind_a_shorter_structure_is_right_by_chance_only_now_and_then() {
        let mut layouts = Layouts::new(false, None);
        for size in 0..40 {
            // That of 20 bytes with a DMA length is looked at before the one of 16 without.
            let chance = size % 4 == 0;
            layouts.vote(2, size, |layout| Some(layout.stride == 16 || (layout.stride == 20 && chance)));
        }
        assert_eq!(layouts.known().map(|layout| layout.stride), Some(16));
    }

    #[test]
    fn what_looks_right_by_chance_as_often_as_what_is_right_is_waited_for() {
        let mut layouts = Layouts::new(false, None);
        let vote = |layouts: &mut Layouts, size: u64, chance: bool| {
            layouts.vote(2, size, |layout| Some(layout.stride == 16 || (layout.stride == 20 && chance)));
        };
        (0..4).for_each(|size| vote(&mut layouts, size, true));
        assert_eq!(layouts.known(), None);
        (4..9).for_each(|size| vote(&mut layouts, size, false));
        assert_eq!(layouts.known().map(|layout| layout.stride), Some(16));
    }

    #[test]
    fn a_helper_that_shortens_the_tables_of_many_drivers_does_not_hide_how_they_are_laid_out() {
        let mut layouts = Layouts::new(true, None);
        (0..100).for_each(|size| layouts.vote(2, size, |layout| Some(layout.dma_length.is_some() && size % 5 > 1)));
        assert!(layouts.known().is_some_and(|layout| layout.dma_length.is_some()));
    }

    fn config(options: &[&str]) -> KernelConfig {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("boot")).unwrap();
        let text: String = options.iter().map(|option| format!("CONFIG_{option}=y\n")).collect();
        std::fs::write(root.path().join("boot/config-1"), text).unwrap();
        KernelConfig::read(root.path(), "1").unwrap()
    }

    #[test]
    fn the_configuration_states_the_layout() {
        let of = |options: &[&str]| Layout::stated(&config(options)).unwrap();
        let debian = of(&["64BIT", "NEED_SG_DMA_LENGTH", "NEED_SG_DMA_FLAGS", "ARCH_DMA_ADDR_T_64BIT"]);
        assert_eq!(debian, OF_64_BIT[0]);
        assert_eq!(of(&["64BIT"]), OF_64_BIT[1]);
        assert_eq!(of(&["64BIT", "PCI_P2PDMA"]), OF_64_BIT[2]);
        assert_eq!(of(&["NEED_SG_DMA_LENGTH", "ARCH_DMA_ADDR_T_64BIT"]), OF_32_BIT[0]);
        assert_eq!(of(&["NEED_SG_DMA_LENGTH"]), OF_32_BIT[1]);
        assert_eq!(of(&["ARCH_DMA_ADDR_T_64BIT"]), OF_32_BIT[3]);
        assert_eq!(of(&[]), OF_32_BIT[4]);
        assert_eq!(Layout::stated(&config(&["X86_32"])), None);
    }

    #[test]
    fn what_is_stated_is_known_from_the_first_table_on_unless_tables_go_on_behind_their_end() {
        let mut layouts = Layouts::new(true, Some(OF_64_BIT[1]));
        assert_eq!(layouts.known(), None);
        layouts.check(|_| Some(true));
        assert_eq!(layouts.known(), Some(OF_64_BIT[1]));
        (0..2).for_each(|_| layouts.check(|_| Some(false)));
        assert_eq!(layouts.known(), None, "the configuration is another kernel's");
    }

    #[test]
    fn a_wrong_table_now_and_then_changes_nothing() {
        let mut layouts = Layouts::new(true, None);
        for size in 0..40 {
            layouts.vote(2, size, |layout| Some(layout.dma_length.is_some() && size % 10 != 9));
        }
        assert!(layouts.known().is_some_and(|layout| layout.dma_length.is_some()));
    }
}
