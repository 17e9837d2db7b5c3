//! A log in memory that a process shares with those that it forks: what is appended is there when the writer is gone, and
//! costs no call to the kernel.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// The log: the number of bytes that are used, and the bytes. One process writes at a time.
#[derive(Debug)]
pub struct SharedLog {
    start: NonNull<u8>,
    length: usize,
}

/// In front of the bytes.
const HEAD: usize = size_of::<AtomicUsize>();

impl SharedLog {
    /// Maps room for this many bytes.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(length: usize) -> Result<Self, Errno> {
        let size = std::num::NonZeroUsize::new(HEAD + length).ok_or(Errno::EINVAL)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at a place of the kernel's choice replaces none.
        let start = unsafe { mmap_anonymous(None, size, access, MapFlags::MAP_SHARED) }?;
        Ok(Self { start: start.cast(), length })
    }

    fn used(&self) -> &AtomicUsize {
        // SAFETY: the mapping begins on a page, is as long as this at least, begins as zero bytes, and lives as long as
        // `self`. Other processes change it by atomic stores alone.
        unsafe { self.start.cast::<AtomicUsize>().as_ref() }
    }

    /// Forgets what is there.
    pub fn clear(&self) {
        self.used().store(0, Ordering::Release);
    }

    /// Appends bytes. Returns whether there was room for them.
    pub fn append(&self, bytes: &[u8]) -> bool {
        let at = self.used().load(Ordering::Relaxed);
        if at > self.length || bytes.len() > self.length - at {
            return false;
        }
        // SAFETY: these bytes are within the mapping, behind its head and behind those that readers look at, and no one
        // else writes there.
        unsafe { self.start.add(HEAD + at).copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        self.used().store(at + bytes.len(), Ordering::Release);
        true
    }

    /// Returns what was appended.
    pub fn read(&self) -> Vec<u8> {
        let used = self.used().load(Ordering::Acquire).min(self.length);
        let mut bytes = vec![0; used];
        // SAFETY: these bytes are within the mapping and were written before `used` said so; a writer only adds behind
        // them.
        unsafe { self.start.add(HEAD).copy_to_nonoverlapping(NonNull::from(&mut bytes[..]).cast(), used) };
        bytes
    }
}

impl Drop for SharedLog {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's own, and nothing refers to it any more.
        let _ = unsafe { munmap(self.start.cast(), HEAD + self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Ending, spawn};
    use std::time::Duration;

    #[test]
    fn what_a_child_has_appended_outlives_it() {
        let log = SharedLog::new(100).unwrap();
        let child = spawn(|_| {
            log.append(b"one ");
            log.append(b"two");
            std::process::abort()
        });
        let ending = child.unwrap().supervise(Duration::from_secs(10), |_| {}).unwrap();
        assert_eq!(ending, Ending::Signalled("SIGABRT"));
        assert_eq!(log.read(), b"one two");
        log.clear();
        assert_eq!(log.read(), b"");
    }

    #[test]
    fn what_has_no_room_is_not_begun() {
        let log = SharedLog::new(4).unwrap();
        assert!(log.append(b"abc") && !log.append(b"de") && log.append(b"d") && !log.append(b"e"));
        assert_eq!(log.read(), b"abcd");
    }
}
