//! Free memory in single pages, so that a buffer made of pages is scattered and never contiguous by luck.
//!
//! The page allocator likes to hand out neighbours, and an importer that needs contiguous memory then takes a scattered
//! exporter's buffer in one run and refuses it in the next. A [`Fragments`] holds every other page of a stretch and has
//! released the pages between: what was freed last on this processor is served first (`mm/page_alloc.c`: the
//! per-cpu lists). Movable and unmovable pages have lists of their own.

use std::fs::File;
use std::io::Write;

use nix::fcntl::{FallocateFlags, FcntlArg, OFlag, fallocate, fcntl};
use nix::libc::off_t;
use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::Pid;

use crate::memory::page_size;

/// The pages that are held.
pub struct Fragments {
    /// The processors that this process may run on otherwise.
    before: Option<CpuSet>,
    _movable: Option<File>,
    _unmovable: Vec<Pipe>,
}

struct Pipe {
    _read: File,
    write: File,
}

/// The pages that an unprivileged pipe may have (`/proc/sys/fs/pipe-max-size`: 1 MiB).
const PIPE_PAGES: usize = 256;

impl Fragments {
    /// Keeps this process on the processor that it runs on, takes `pages` pages of each sort and gives every other one
    /// back. Where the kernel does not give as many, fewer are held: this makes runs alike, no check depends on it.
    pub fn make(pages: usize) -> Self {
        let before = sched_getaffinity(Pid::from_raw(0)).ok();
        let mut here = CpuSet::new();
        if sched_getcpu().and_then(|cpu| here.set(cpu)).is_ok() {
            let _ = sched_setaffinity(Pid::from_raw(0), &here);
        }
        Self { before, _movable: movable(pages), _unmovable: unmovable(pages) }
    }
}

impl Drop for Fragments {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = sched_setaffinity(Pid::from_raw(0), before);
        }
    }
}

/// Pages of a file in memory, with holes punched between those that are held.
fn movable(pages: usize) -> Option<File> {
    let page = page_size();
    let held = File::from(memfd_create(c"prime-cts-fragments", MFdFlags::MFD_CLOEXEC).ok()?);
    fallocate(&held, FallocateFlags::empty(), 0, (pages * page) as off_t).ok()?;
    let punch = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    for number in (0..pages).step_by(2) {
        fallocate(&held, punch, (number * page) as off_t, page as off_t).ok()?;
    }
    Some(held)
}

/// A pipe's pages are allocated one by one and cannot be moved: fill two sets of pipes in turn, drop one.
fn unmovable(pages: usize) -> Vec<Pipe> {
    let one = vec![1u8; page_size()];
    let mut kept = Vec::new();
    for _ in 0..pages / PIPE_PAGES / 2 {
        let (Some(mut keep), Some(mut give_back)) = (pipe(), pipe()) else { break };
        for _ in 0..PIPE_PAGES {
            if keep.write.write(&one).is_err() || give_back.write.write(&one).is_err() {
                break;
            }
        }
        kept.push(keep);
    }
    kept
}

fn pipe() -> Option<Pipe> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).ok()?;
    fcntl(&write, FcntlArg::F_SETPIPE_SZ((PIPE_PAGES * page_size()) as i32)).ok()?;
    Some(Pipe { _read: File::from(read), write: File::from(write) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_let_go_of_its_processor() {
        let may = || sched_getaffinity(Pid::from_raw(0)).unwrap();
        let before = may();
        let fragments = Fragments::make(4);
        assert_eq!((0..CpuSet::count()).filter(|&cpu| may().is_set(cpu) == Ok(true)).count(), 1);
        drop(fragments);
        assert_eq!(may(), before);
    }

    #[test]
    fn every_other_page_is_held() {
        let held = movable(64).unwrap();
        let blocks = std::os::unix::fs::MetadataExt::blocks(&held.metadata().unwrap());
        assert_eq!(blocks * 512, 32 * page_size() as u64);
    }

    #[test]
    fn pipes_are_full_of_single_pages() {
        let pipes = unmovable(2 * PIPE_PAGES);
        assert_eq!(pipes.len(), 1);
        let mut full = pipes.into_iter().next().unwrap();
        assert!(full.write.write(&[1]).is_err());
    }
}
