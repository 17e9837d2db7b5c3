//! A mock's fences, sync files and names: what a kernel keeps with a dma-buf. They are the process's: a forked one has
//! its own copy of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use uapi::sync_file::Readiness;
use uapi::{Errno, dma_buf};

use super::Fault;
use crate::fence::Fence;
use crate::files::Pending;
use crate::refusal::Refusal;

/// True once it is signalled.
type State = Rc<RefCell<bool>>;

thread_local! {
/// The accesses that each buffer waits for, by inode: whether it is written, and until when.
    static FENCES: RefCell<BTreeMap<u64, Vec<(bool, State)>>> = const { RefCell::new(BTreeMap::new()) };
/// The accesses that each sync file waits for, by inode.
    static SYNC_FILES: RefCell<BTreeMap<u64, Vec<State>>> = const { RefCell::new(BTreeMap::new()) };
}

struct MockFence(State);

impl Fence for MockFence {
    fn signal(&self) -> Result<(), Refusal> {
        if self.0.replace(true) { Err(Refusal::of("mock signal")(Errno::ENOENT)) } else { Ok(()) }
    }
}

/// Puts a fence on a buffer.
pub(super) fn attach(inode: u64, write: bool) -> Rc<dyn Fence> {
    let state = State::default();
    FENCES.with_borrow_mut(|fences| fences.entry(inode).or_default().push((write, state.clone())));
    Rc::new(MockFence(state))
}

/// Takes all fences of a buffer away.
pub(super) fn forget(inode: u64) {
    FENCES.with_borrow_mut(|fences| fences.remove(&inode));
}

/// The accesses that a reader or a writer of a buffer waits for.
fn pending(inode: u64, write: bool, fault: Fault) -> Vec<State> {
    let all = write || fault == Fault::ReadersWait;
    FENCES.with_borrow(|fences| {
        let fences = fences.get(&inode).into_iter().flatten().filter(|(writes, _)| all || *writes);
        fences.map(|(_, state)| state.clone()).filter(|state| !*state.borrow()).collect()
    })
}

pub(super) fn readiness(file: BorrowedFd<'_>, read: bool, write: bool, fault: Fault) -> Result<Readiness, Errno> {
    let inode = dma_buf::inode(file)?;
    let done =
        SYNC_FILES.with_borrow(|files| files.get(&inode).map(|states| states.iter().all(|state| *state.borrow())));
    let ready = |write: bool| match (fault, done) {
        (Fault::AlwaysReady, _) => true,
        (Fault::NeverReady, _) => false,
        (_, Some(done)) => done && !write,
        (_, None) => pending(inode, write, fault).is_empty(),
    };
    Ok(Readiness { read: read && ready(false), write: write && ready(true), error: false })
}

pub(super) fn export(file: BorrowedFd<'_>, flags: u32, fault: Fault) -> Result<OwnedFd, Errno> {
    if flags & !3 != 0 || flags & 3 == 0 {
        return Err(Errno::EINVAL);
    }
    let write = flags & 2 != 0 || fault == Fault::SyncFileOfAll;
    let states = match fault {
        Fault::SyncFileEarly => Vec::new(),
        _ => pending(dma_buf::inode(file)?, write, fault),
    };
    sync_file(states)
}

fn sync_file(states: Vec<State>) -> Result<OwnedFd, Errno> {
    let file = nix::sys::memfd::memfd_create(c"prime-cts-sync-file", nix::sys::memfd::MFdFlags::MFD_CLOEXEC)?;
    let inode = dma_buf::inode(file.as_fd())?;
    SYNC_FILES.with_borrow_mut(|files| files.insert(inode, states));
    Ok(file)
}

/// A fence that is on no buffer.
pub(super) fn make() -> Result<Pending, Errno> {
    let state = State::default();
    Ok(Pending { file: sync_file(vec![state.clone()])?, fence: Rc::new(MockFence(state)) })
}

/// Returns whether a sync file is signalled, or without one everything that a reader of a buffer waits for.
pub(super) fn signalled(file: BorrowedFd<'_>) -> bool {
    readiness(file, true, false, Fault::Clean).is_ok_and(|ready| ready.read)
}

pub(super) fn import(file: BorrowedFd<'_>, flags: u32, sync_file: i32, fault: Fault) -> Result<(), Errno> {
    if flags & !3 != 0 || flags & 3 == 0 {
        return Err(Errno::EINVAL);
    }
    let other = dma_buf::duplicate_number(sync_file).and_then(|file| dma_buf::inode(file.as_fd()));
    let states = other.ok().and_then(|inode| SYNC_FILES.with_borrow(|files| files.get(&inode).cloned()));
    let states = match states {
        Some(states) => states,
        None if fault == Fault::SyncFileAny => Vec::new(),
        None => return Err(Errno::EINVAL),
    };
    if fault != Fault::SyncFileLost {
        let inode = dma_buf::inode(file)?;
        let fences = states.into_iter().map(|state| (flags & 2 != 0, state));
        FENCES.with_borrow_mut(|all| all.entry(inode).or_default().extend(fences));
    }
    Ok(())
}
