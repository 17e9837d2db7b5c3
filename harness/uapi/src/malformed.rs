//! Calls of an ioctl with whatever numbers and bytes, from a place where the kernel can do no harm to this process: all
//! that it may write to is an area of its own.

use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::raw::c_void;
use std::ptr::NonNull;

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

use crate::memory::page_size;

/// Two pages, followed by a page that cannot be touched. The kernel copies from low to high addresses, and stops
/// there.
#[derive(Debug)]
pub struct Area {
    start: NonNull<c_void>,
    page: usize,
}

/// Where the argument of an ioctl lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the area, whole.
    Whole,
    /// This many bytes before its end.
    Torn(usize),
    /// Nowhere: the null pointer.
    Null,
}

impl Area {
    /// Reserves it.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new() -> Result<Self, Errno> {
        let page = page_size();
        let length = NonZeroUsize::new(3 * page).ok_or(Errno::EINVAL)?;
        // SAFETY: a new mapping at an address that the kernel chooses.
        let start = unsafe { mmap_anonymous(None, length, ProtFlags::PROT_NONE, MapFlags::MAP_PRIVATE) }?;
        let area = Self { start, page };
        // SAFETY: the first two pages of the mapping above, which no one uses yet.
        unsafe { mprotect(start, 2 * page, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE) }?;
        Ok(area)
    }

    /// Calls ioctl with a number and an argument of these words, and gives what it returned. A word that could be an
    /// address of this process is turned into one of the area's second page.
    ///
    /// # Errors
    /// The kernel's errno.
    pub fn call(&mut self, file: BorrowedFd<'_>, number: u32, words: &[u64], place: Place) -> Result<i32, Errno> {
        let start = self.start.as_ptr() as usize;
        let room = self.page / size_of::<u64>();
        for (at, word) in words.iter().take(room).enumerate() {
            // SAFETY: within the first page, aligned, and no reference to it exists.
            unsafe { self.start.cast::<u64>().add(at).write(self.harmless(*word)) };
        }
        let argument = match place {
            Place::Whole => start,
            Place::Torn(bytes) => start + 2 * self.page - bytes.min(self.page),
            Place::Null => 0,
        };
        // SAFETY: the argument is the null pointer or lies in the area; every address in it is the null page's, the
        // area's or no address of this process; what the kernel writes behind the area ends at the untouchable page.
        Errno::result(unsafe { nix::libc::ioctl(file.as_raw_fd(), number as _, argument) })
    }

    /// Small numbers and what the kernel's half of the address space holds stay as they are; both halves of a word may
    /// be taken for an address by a 32-bit kernel.
    fn harmless(&self, word: u64) -> u64 {
        let second = (self.start.as_ptr() as usize + self.page) as u64;
        if cfg!(target_pointer_width = "64") {
            let is_address = (1 << 16..1 << 56).contains(&word);
            if is_address { second + word % 64 } else { word }
        } else {
            let half = |half: u64| if half < 1 << 16 { half } else { second + half % 64 };
            half(word >> 32) << 32 | half(word & 0xffff_ffff)
        }
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: the mapping that `new` made, which nothing else points to.
        let _ = unsafe { munmap(self.start, 3 * self.page) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn what_could_be_an_address_leads_into_the_area() {
        let area = Area::new().unwrap();
        let second = (area.start.as_ptr() as usize + area.page) as u64;
        let own = &raw const area as usize as u64;
        assert!((second..second + 64).contains(&area.harmless(own)));
        assert_eq!(area.harmless(7), 7);
        if cfg!(target_pointer_width = "64") {
            assert_eq!(area.harmless(u64::MAX), u64::MAX);
        }
    }

    #[test]
    fn the_kernel_s_answer_comes_back() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        let mut area = Area::new().unwrap();
        for place in [Place::Whole, Place::Torn(4), Place::Null] {
            assert_eq!(area.call(file.as_fd(), 0xc018_50c1, &[1; 600], place), Err(Errno::ENOTTY));
        }
    }
}
