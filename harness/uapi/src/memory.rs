//! Mappings that a device may write at any time.
//!
//! Such memory is never a Rust reference: it is read and written through a raw pointer, aligned and volatile, a word of 64
//! bits or a run of them. On write-combined memory a read is slow, so callers read each word once and in order.

mod call;
mod run;

pub use run::{LINE, LINE_SIZE, Line, measure, with_vectors};

use std::ffi::c_void;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;

use memmap2::{MmapOptions, MmapRaw};
use nix::errno::Errno;
use nix::sys::mman::ProtFlags;

use crate::CallError;

/// The part of a file that is mapped, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From this byte on; the kernel refuses what is not a multiple of the page size.
    pub offset: u64,
    /// In bytes; the kernel rounds up to pages, and refuses 0.
    pub len: usize,
}

impl Window {
    /// Returns whether memmap2 hands these numbers to the kernel as they are. An offset within a page it rounds down, a length of 0
    /// it makes 1, and more bytes than an isize holds it refuses itself (`MmapInner::adjust_mmap_params`).
    fn unchanged_by_memmap2(self) -> bool {
        let whole_pages = self.offset.is_multiple_of(page_size() as u64);
        // What mmap2 has a number for; the C library refuses the rest.
        let near = cfg!(target_pointer_width = "64") || self.offset < 1 << 44;
        whole_pages && near && self.len > 0 && isize::try_from(self.len).is_ok()
    }
}

/// The access of the CPU through a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// PROT_READ.
    ReadOnly,
    /// PROT_READ | PROT_WRITE.
    ReadWrite,
}

/// The sharing of a mapping: who sees what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// MAP_SHARED: everyone.
    Shared,
    /// MAP_PRIVATE: only this mapping.
    Private,
}

enum Region {
    /// Made by memmap2, which can make it longer.
    Owned(MmapRaw),
    /// Made by the system call itself.
    Raw { start: NonNull<c_void>, len: usize },
}

/// A mapping of a buffer. Unmapped when dropped.
pub struct Mapping {
    region: Region,
    access: Access,
}

impl Mapping {
    /// Maps a part of a file: `mmap(2)`. The window reaches the kernel as it is, also where no mapping can come of it.
    ///
    /// # Errors
    /// EINVAL for a length of 0 (`do_mmap`), for an offset within a page (the architecture's mmap), beyond the end of a
    /// dma-buf (`dma_buf_mmap_internal`) or where the exporter does not map; EACCES for writing through a read-only file,
    /// ENODEV where the file cannot be mapped at all. `NotAsked` for an offset that mmap2 of 32 bits has no number for.
    pub fn of_file(file: BorrowedFd<'_>, window: Window, access: Access, sharing: Sharing) -> Result<Self, CallError> {
        let region = if sharing == Sharing::Shared && window.unchanged_by_memmap2() {
            let mut options = MmapOptions::new();
            options.offset(window.offset).len(window.len);
            let mapped = match access {
                Access::ReadWrite => options.map_raw(&file),
                Access::ReadOnly => options.map_raw_read_only(&file),
            };
            Region::Owned(mapped?)
        } else {
            call::mmap(file, window, access, sharing).map(|start| Region::Raw { start, len: window.len })?
        };
        Ok(Self { region, access })
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        match &self.region {
            Region::Owned(raw) => raw.len(),
            Region::Raw { len, .. } => *len,
        }
    }

    /// Returns whether it has no bytes; the kernel makes no such mapping.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the CPU may write through it.
    pub fn writable(&self) -> bool {
        self.access == Access::ReadWrite
    }

    /// Where it begins, for `/proc/self/smaps` and get_user_pages.
    pub fn address(&self) -> usize {
        self.pointer() as usize
    }

    /// Makes it longer by a number of bytes: `mremap(2)` with MREMAP_MAYMOVE.
    ///
    /// # Errors
    /// EFAULT for device memory (VM_DONTEXPAND, VM_PFNMAP), ENOMEM, EINVAL. `NotAsked` for a private mapping, and for a
    /// length that memmap2 refuses.
    pub fn grow(&mut self, by: usize) -> Result<(), CallError> {
        let Region::Owned(raw) = &mut self.region else {
            return Err(CallError::NotAsked("only shared mappings are made longer"));
        };
        let len = raw.len().checked_add(by).filter(|len| isize::try_from(*len).is_ok());
        let len = len.ok_or(CallError::NotAsked("no mapping has that many bytes"))?;
        let options = memmap2::RemapOptions::new().may_move(true);
        // SAFETY: no one holds a pointer into the mapping: it is used through `self` alone, which is borrowed here. What
        // lies beyond the file's end is never touched.
        Ok(unsafe { raw.remap(len, options) }?)
    }

    /// Asks that the CPU may write through it too: `mprotect(2)`.
    ///
    /// # Errors
    /// EACCES where the file was opened only for reading.
    pub fn make_writable(&self) -> Result<(), Errno> {
        let start = NonNull::new(self.pointer().cast()).expect("no mapping lies at address 0");
        // SAFETY: the range is this mapping, which lives; reading stays allowed, so that no access of ours becomes a
        // fault.
        unsafe { nix::sys::mman::mprotect(start, self.len(), ProtFlags::PROT_READ | ProtFlags::PROT_WRITE) }
    }

    fn pointer(&self) -> *mut u8 {
        match &self.region {
            Region::Owned(raw) => raw.as_mut_ptr(),
            Region::Raw { start, .. } => start.as_ptr().cast(),
        }
    }

    /// Reads the word at `offset`, a multiple of 8 within the mapping.
    ///
    /// A page that the exporter does not back ends the process with SIGBUS.
    pub fn read_word(&self, offset: usize) -> u64 {
        self.check(offset);
        // SAFETY: `check` holds the word within the mapping and aligned; the mapping lives as long as `self`; volatile,
        // so that memory which a device changes is not a data race for the compiler.
        unsafe { self.pointer().add(offset).cast::<u64>().read_volatile() }
    }

    /// Reads its first `len` bytes, each word once and in order.
    ///
    /// A page that the exporter does not back ends the process with SIGBUS.
    pub fn read_bytes(&self, len: usize) -> Vec<u8> {
        let end = len.min(self.len()).next_multiple_of(8);
        let mut bytes = Vec::with_capacity(end);
        let mut block = [0; 64];
        for start in (0..end).step_by(size_of_val(&block)) {
            let words = &mut block[..((end - start) / 8).min(64)];
            self.read_run(start, words);
            words.iter().for_each(|word| bytes.extend_from_slice(&word.to_ne_bytes()));
        }
        bytes.truncate(len);
        bytes
    }

    /// Writes a word at each eighth byte.
    ///
    /// A page that the exporter does not back ends the process with SIGBUS.
    pub fn write_words(&self, word: impl Fn(u64) -> u64) {
        self.write_each(&word);
    }

    /// Apart from the above, which is compiled with its callers and as they are: for size.
    fn write_each(&self, word: &dyn Fn(u64) -> u64) {
        (0..self.len() / 8 * 8).step_by(8).for_each(|offset| self.write_word(offset, word(offset as u64)));
    }

    /// Writes the word at `offset`, a multiple of 8 within a writable mapping.
    ///
    /// A page that the exporter does not back ends the process with SIGBUS.
    pub fn write_word(&self, offset: usize, word: u64) {
        self.check(offset);
        assert!(self.writable(), "write through a mapping made for reading");
        // SAFETY: as in `read_word`, and the mapping was made with PROT_WRITE.
        unsafe { self.pointer().add(offset).cast::<u64>().write_volatile(word) }
    }

    fn check(&self, offset: usize) {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.len(), "word {offset} of a mapping of {}", self.len());
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if let Region::Raw { start, len } = self.region {
            // SAFETY: the region was mapped by `call::mmap` with this length and is unmapped once, here.
            let _ = unsafe { nix::sys::mman::munmap(start, len) };
        }
    }
}

/// The size of a page in bytes.
pub fn page_size() -> usize {
    let answer = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE);
    answer.ok().flatten().map_or(4096, |size| size as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn map(offset: u64, len: usize, access: Access, sharing: Sharing) -> (std::os::fd::OwnedFd, Mapping) {
        let file = crate::dma_buf::ordinary_file().unwrap();
        let mapping = Mapping::of_file(file.as_fd(), Window { offset, len }, access, sharing).unwrap();
        (file, mapping)
    }

    #[test]
    fn two_shared_mappings_show_the_same_word() {
        let (file, whole) = map(0, 16384, Access::ReadWrite, Sharing::Shared);
        let window = Window { offset: 8192, len: 4096 };
        let part = Mapping::of_file(file.as_fd(), window, Access::ReadOnly, Sharing::Shared).unwrap();
        whole.write_word(8192, 42);
        assert_eq!(part.read_word(0), 42);
    }

    #[test]
    fn bytes_are_those_of_the_words() {
        let (_file, whole) = map(0, 4096, Access::ReadWrite, Sharing::Shared);
        whole.write_words(|at| at * 3);
        let bytes = whole.read_bytes(19);
        assert_eq!((bytes.len(), &bytes[16..]), (19, &48u64.to_ne_bytes()[..3]));
    }

    #[test]
    fn a_private_mapping_keeps_its_writes() {
        let (file, private) = map(0, 4096, Access::ReadWrite, Sharing::Private);
        private.write_word(0, 42);
        let window = Window { offset: 0, len: 4096 };
        let shared = Mapping::of_file(file.as_fd(), window, Access::ReadOnly, Sharing::Shared).unwrap();
        assert_eq!((private.read_word(0), shared.read_word(0)), (42, 0));
    }

    #[test]
    fn what_no_mapping_can_come_of_reaches_the_kernel() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        let unaligned = match call::offset(100) {
            Ok(_) => CallError::Kernel(Errno::EINVAL),
            Err(not_asked) => not_asked,
        };
        for sharing in [Sharing::Shared, Sharing::Private] {
            let refused =
                |offset, len| Mapping::of_file(file.as_fd(), Window { offset, len }, Access::ReadWrite, sharing).err();
            assert_eq!(refused(100, 4096), Some(unaligned), "{sharing:?}");
            assert_eq!(refused(0, 0), Some(CallError::Kernel(Errno::EINVAL)), "{sharing:?}");
            assert_eq!(refused(0, usize::MAX), Some(CallError::Kernel(Errno::ENOMEM)), "{sharing:?}");
        }
    }

    #[test]
    fn what_a_library_would_refuse_is_no_errno() {
        let (_file, mut shared) = map(0, 4096, Access::ReadOnly, Sharing::Shared);
        let (_other, mut private) = map(0, 4096, Access::ReadOnly, Sharing::Private);
        for (mapping, by) in [(&mut shared, usize::MAX), (&mut private, 4096)] {
            assert!(matches!(mapping.grow(by), Err(CallError::NotAsked(_))));
        }
    }

    #[test]
    fn a_mapping_grows_where_the_kernel_lets_it() {
        let (_file, mut mapping) = map(0, 4096, Access::ReadWrite, Sharing::Shared);
        mapping.write_word(0, 42);
        mapping.grow(4096).unwrap();
        assert_eq!((mapping.len(), mapping.read_word(0)), (8192, 42));
    }

    #[test]
    fn a_mapping_of_a_file_opened_for_reading_stays_read_only() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        let reading = std::fs::File::open(path).unwrap();
        let window = Window { offset: 0, len: 4096 };
        let mapping = |file: BorrowedFd<'_>| Mapping::of_file(file, window, Access::ReadOnly, Sharing::Shared).unwrap();
        assert_eq!(mapping(reading.as_fd()).make_writable(), Err(Errno::EACCES));
        assert_eq!(mapping(file.as_fd()).make_writable(), Ok(()));
    }

    #[test]
    #[should_panic(expected = "made for reading")]
    fn a_read_only_mapping_takes_no_writes() {
        map(0, 4096, Access::ReadOnly, Sharing::Shared).1.write_word(0, 1);
    }

    #[test]
    #[should_panic(expected = "word 4096 of a mapping of 4096")]
    fn nothing_is_read_past_the_end() {
        map(0, 4096, Access::ReadOnly, Sharing::Shared).1.read_word(4096);
    }
}
