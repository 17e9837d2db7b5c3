//! The words of `/proc/PID/pagemap` and `/proc/kpageflags` (`Documentation/admin-guide/mm/pagemap.rst`).

/// One word of pagemap: the memory of one page of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageEntry(pub u64);

const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const FRAME: u64 = (1 << 55) - 1;

/// `KPF_NOPAGE` of `include/uapi/linux/kernel-page-flags.h`.
const NO_PAGE: u64 = 1 << 20;

impl PageEntry {
    /// The page frame; `None` where nothing is present, where it is in swap, or where the reader lacks CAP_SYS_ADMIN
    /// and the kernel says 0.
    pub fn frame(self) -> Option<u64> {
        let frame = self.0 & FRAME;
        let present = self.0 & PRESENT != 0 && self.0 & SWAPPED == 0;
        (present && frame != 0).then_some(frame)
    }
}

/// Returns whether a word of kpageflags says that its page frame has no struct page.
pub fn no_struct_page(flags: u64) -> bool {
    flags & NO_PAGE != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_present() {
        // Present, exclusively mapped, soft-dirty, frame 0x10a2c.
        assert_eq!(PageEntry(0x8180_0000_0001_0a2c).frame(), Some(0x10a2c));
    }

    #[test]
    fn what_is_hidden_or_absent_is_no_frame() {
        for word in [0, 0x0080_0000_0000_0000, 0x8180_0000_0000_0000, 0x4000_0000_0000_0123] {
            assert_eq!(PageEntry(word).frame(), None, "{word:#x}");
        }
    }

    #[test]
    fn a_carve_out_has_no_struct_page_and_a_reserved_page_has() {
        assert!(no_struct_page(1 << 20));
        assert!(!no_struct_page(1 << 32));
        assert!(!no_struct_page(1 << 11));
    }
}
