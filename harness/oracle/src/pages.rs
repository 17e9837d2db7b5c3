//! Whether a mapping exposes struct pages.
//!
//! What cannot be seen is absent: a mapping with VM_PFNMAP hides the pages behind it, which may exist all the same
//! (udmabuf), or not (a carve-out without `struct page`).

mod pagemap;
mod smaps;

pub use pagemap::{PageEntry, no_struct_page};
pub use smaps::vm_flags;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use uapi::memory::{Mapping, page_size};

use crate::NotAvailable;

/// The memory behind a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingPages {
    /// The `VmFlags` of smaps, two letters each: `pf` is VM_PFNMAP, `io` VM_IO, `mm` VM_MIXEDMAP, `de`
    /// VM_DONTEXPAND, `dd` VM_DONTDUMP (`show_smap_vma_flags` of `fs/proc/task_mmu.c`).
    pub vm_flags: Vec<String>,
    /// True if user space can pin its pages; absent where the kernel does not let us ask.
    pub pinnable: Option<bool>,
    /// True if its memory has struct pages; absent where that cannot be observed.
    pub struct_pages: Option<bool>,
}

/// The number of pages that are examined, from the first on.
const PAGES: usize = 64;

impl MappingPages {
    /// Looks at smaps, pins the first page, and asks `pagemap` and `kpageflags` (root only) about the pages that are
    /// present. The mapping's first page is faulted in.
    ///
    /// # Errors
    /// Where smaps cannot be read: no `/proc`, or a kernel without CONFIG_PROC_PAGE_MONITOR.
    pub fn look(mapping: &Mapping, proc_root: &Path) -> Result<Self, NotAvailable> {
        let path = proc_root.join("self/smaps");
        let remedy = "a kernel with CONFIG_PROC_PAGE_MONITOR=y, and /proc mounted";
        let smaps = std::fs::read_to_string(&path);
        let smaps = smaps.map_err(|error| NotAvailable::from_io("read the mapping's flags", &path, remedy, &error))?;
        let flags = vm_flags(&smaps, mapping.address() as u64);
        let flags = flags.ok_or_else(|| NotAvailable::because("find the mapping's flags", &path, remedy))?;
        let pinnable = match uapi::pin::pin_and_read(mapping, 0) {
            Ok(_) => Some(true),
            Err(Errno::EFAULT) => Some(false),
            Err(_) => None,
        };
        let hidden = flags.iter().any(|flag| flag == "pf");
        let seen = if hidden { None } else { frames_have_pages(mapping, proc_root) };
        Ok(Self { vm_flags: flags, pinnable, struct_pages: conclude(pinnable, seen) })
    }

    /// Returns whether the mapping is made only of page frames (VM_PFNMAP): no one can reach a struct page through it.
    pub fn is_pfn_map(&self) -> bool {
        self.vm_flags.iter().any(|flag| flag == "pf")
    }
}

/// What was pinned has a struct page. What could not be pinned may have one.
fn conclude(pinnable: Option<bool>, frames: Option<bool>) -> Option<bool> {
    frames.or((pinnable == Some(true)).then_some(true))
}

/// Returns whether all page frames that are seen have struct pages; `None` where none is seen.
fn frames_have_pages(mapping: &Mapping, proc_root: &Path) -> Option<bool> {
    let size = page_size();
    let count = mapping.len().div_ceil(size).min(PAGES);
    let mut bytes = vec![0; count * 8];
    let first = (mapping.address() / size) as u64;
    File::open(proc_root.join("self/pagemap")).ok()?.read_exact_at(&mut bytes, first * 8).ok()?;
    let words = bytes.chunks_exact(8).filter_map(|chunk| chunk.try_into().ok().map(u64::from_ne_bytes));
    let frames: Vec<u64> = words.filter_map(|word| PageEntry(word).frame()).collect();
    if frames.is_empty() {
        return None;
    }
    let flags = File::open(proc_root.join("kpageflags")).ok()?;
    let mut without = 0;
    for frame in frames {
        let mut word = [0; 8];
        flags.read_exact_at(&mut word, frame * 8).ok()?;
        without += usize::from(no_struct_page(u64::from_ne_bytes(word)));
    }
    Some(without == 0)
}

/// Returns the number of these page frames that have no struct page, by `kpageflags` of procfs; nothing where that cannot be read: without
/// root or CONFIG_PROC_PAGE_MONITOR.
pub fn without_struct_page(frames: &[u64], proc: &Path) -> Option<usize> {
    let flags = File::open(proc.join("kpageflags")).ok()?;
    let lacks = |frame: &u64| {
        let mut word = [0; 8];
        flags.read_exact_at(&mut word, frame * 8).ok().map(|()| pagemap::no_struct_page(u64::from_ne_bytes(word)))
    };
    frames.iter().map(lacks).try_fold(0, |count, lacks| Some(count + usize::from(lacks?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use uapi::memory::{Access, Sharing, Window};

    #[test]
    fn ordinary_shared_memory_has_pages_and_they_can_be_pinned() {
        let file = uapi::dma_buf::ordinary_file().unwrap();
        let window = Window { offset: 0, len: page_size() };
        let mapping = Mapping::of_file(file.as_fd(), window, Access::ReadWrite, Sharing::Shared).unwrap();
        let pages = MappingPages::look(&mapping, Path::new("/proc")).unwrap();
        assert!(pages.vm_flags.contains(&"sh".to_string()), "{pages:?}");
        assert!(!pages.is_pfn_map());
        // A sandbox may forbid process_vm_readv; then nothing may be claimed.
        assert_ne!(pages.pinnable, Some(false));
        assert_ne!(pages.struct_pages, Some(false));
        assert_eq!(pages.struct_pages.is_some(), pages.pinnable == Some(true));
    }

    #[test]
    fn what_cannot_be_pinned_is_not_said_to_have_no_pages() {
        assert_eq!(conclude(Some(false), None), None);
        assert_eq!(conclude(None, None), None);
        assert_eq!(conclude(Some(true), None), Some(true));
    }

    #[test]
    fn a_frame_without_a_page_outweighs_the_rest() {
        assert_eq!(conclude(Some(true), Some(false)), Some(false));
        assert_eq!(conclude(Some(false), Some(true)), Some(true));
    }

    #[test]
    fn frames_without_struct_page_are_counted_and_what_cannot_be_read_is_not() {
        let proc = tempfile::tempdir().unwrap();
        assert_eq!(without_struct_page(&[1], proc.path()), None);
        std::fs::write(proc.path().join("kpageflags"), [0u64, 1 << 20, 1 << 32].map(u64::to_ne_bytes).concat())
            .unwrap();
        assert_eq!(without_struct_page(&[0, 1, 2], proc.path()), Some(1));
        assert_eq!(without_struct_page(&[1, 3], proc.path()), None);
    }

    #[test]
    fn frames_are_looked_up_where_pagemap_and_kpageflags_say() {
        let file = uapi::dma_buf::ordinary_file().unwrap();
        let window = Window { offset: 0, len: 2 * page_size() };
        let mapping = Mapping::of_file(file.as_fd(), window, Access::ReadWrite, Sharing::Shared).unwrap();
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("self")).unwrap();
        let pagemap = File::create(root.path().join("self/pagemap")).unwrap();
        let entry = |frame: u64| ((1u64 << 63) | frame).to_ne_bytes();
        let first = (mapping.address() / page_size()) as u64;
        pagemap.write_all_at(&[entry(3), entry(5)].concat(), first * 8).unwrap();
        let flags = File::create(root.path().join("kpageflags")).unwrap();
        flags.write_all_at(&[0; 64], 0).unwrap();
        assert_eq!(frames_have_pages(&mapping, root.path()), Some(true));
        flags.write_all_at(&(1u64 << 20).to_ne_bytes(), 5 * 8).unwrap();
        assert_eq!(frames_have_pages(&mapping, root.path()), Some(false));
        // Without root the frames read as 0, which is a frame of its own and not the answer.
        pagemap.write_all_at(&[entry(0), entry(0)].concat(), first * 8).unwrap();
        assert_eq!(frames_have_pages(&mapping, root.path()), None);
    }
}
