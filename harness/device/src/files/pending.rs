//! Fences that no device has: one that vgem makes for a buffer that no one uses
//! (`drivers/gpu/drm/vgem/vgem_fence.c`), else one of a timeline of sw_sync (`drivers/dma-buf/sw_sync.c`).
//!
//! sw_sync taints the kernel as a soft lockup does, so that a real one could no longer be recognised: it is used
//! where the kernel has that taint already.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use uapi::sync_file;

use crate::fence::Fence;
use crate::refusal::Refusal;
use crate::system::System;

/// The reasons why there are none.
const NONE: &str = "no fence can be made: load vgem; or, with CONFIG_SW_SYNC and debugfs mounted, take the taint that \
    sw_sync gives beforehand (echo 16384 > /proc/sys/kernel/tainted)";

/// `TAINT_SOFTLOCKUP`, as a mask.
const SOFT_LOCKUP: u64 = 1 << 14;

/// A fence that is not signalled, and a sync file of it.
pub struct Pending {
    /// For who is to wait.
    pub file: OwnedFd,
    /// For who made it.
    pub fence: Rc<dyn Fence>,
}

/// Makes one.
pub(super) fn make(system: &System) -> Result<Pending, &'static str> {
    of_vgem(system).or_else(|| of_timeline(system)).ok_or(NONE)
}

/// A timeline that has not begun.
struct Timeline(File);

impl Fence for Timeline {
    fn signal(&self) -> Result<(), Refusal> {
        sync_file::sw_sync_advance(self.0.as_fd(), 1).map_err(Refusal::of("SW_SYNC_IOC_INC"))
    }
}

fn of_timeline(system: &System) -> Option<Pending> {
    if !tainted(system) {
        return None;
    }
    let path = system.path("sys/kernel/debug/sync/sw_sync");
    let timeline = File::options().read(true).write(true).open(path).ok()?;
    let file = sync_file::sw_sync_fence(timeline.as_fd(), 1).ok()?;
    Some(Pending { file, fence: Rc::new(Timeline(timeline)) })
}

fn tainted(system: &System) -> bool {
    let text = std::fs::read_to_string(system.path("proc/sys/kernel/tainted")).unwrap_or_default();
    text.trim().parse().is_ok_and(|taint: u64| taint & SOFT_LOCKUP != 0)
}

/// A fence of a file of vgem's. It goes off by itself after 10 s, or when the file is closed.
struct Vgem {
    card: File,
    number: u32,
}

impl Fence for Vgem {
    fn signal(&self) -> Result<(), Refusal> {
        let answer = sync_file::vgem_signal(self.card.as_fd(), self.number);
        answer.map_err(Refusal::of("DRM_IOCTL_VGEM_FENCE_SIGNAL"))
    }
}

fn of_vgem(system: &System) -> Option<Pending> {
    let node = system.nodes("drm", "card", "dri").into_iter().find(|node| node.driver == "vgem")?;
    let card = File::options().read(true).write(true).open(node.path).ok()?;
    let made = drm_ffi::mode::dumbbuffer::create(card.as_fd(), 64, 1, 32, 0).ok()?;
    let number = sync_file::vgem_attach(card.as_fd(), made.handle, true).ok()?;
    let buffer = uapi::drm::handle_to_fd(card.as_fd(), made.handle, uapi::drm::CLOEXEC).ok()?;
    let file = sync_file::export(buffer.as_fd(), uapi::dma_buf::SYNC_READ as u32).ok()?;
    Some(Pending { file, fence: Rc::new(Vgem { card, number }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_a_source_says_what_would_be_one() {
        let root = tempfile::tempdir().unwrap();
        let why = make(&System::at(root.path())).err();
        assert!(why.is_some_and(|why| why.contains("load vgem")));
    }

    #[test]
    fn an_ordinary_file_is_no_timeline() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("sys/kernel/debug/sync");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("sw_sync"), "").unwrap();
        let kernel = root.path().join("proc/sys/kernel");
        std::fs::create_dir_all(&kernel).unwrap();
        let system = System::at(root.path());
        for (taint, asked) in [("512\n", false), ("16896\n", true)] {
            std::fs::write(kernel.join("tainted"), taint).unwrap();
            assert_eq!(tainted(&system), asked);
            assert!(make(&system).is_err());
        }
    }
}
