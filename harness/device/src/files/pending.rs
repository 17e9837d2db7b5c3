//! Fences that no device has: of a timeline of sw_sync (`drivers/dma-buf/sw_sync.c`), else one that vgem makes for a buffer
//! which nobody uses (`drivers/gpu/drm/vgem/vgem_fence.c`).

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use uapi::sync_file;

use crate::buffer::{Fence, Refusal};
use crate::system::System;

/// Why there are none.
const NONE: &str = "no fence can be made: load vgem, or run a kernel with CONFIG_SW_SYNC and debugfs mounted";

/// A fence that is not signalled, and a sync file of it.
pub struct Pending {
    /// For who is to wait.
    pub file: OwnedFd,
    /// For who made it.
    pub fence: Rc<dyn Fence>,
}

/// Makes one.
pub(super) fn make(system: &System) -> Result<Pending, &'static str> {
    of_timeline(system).or_else(|| of_vgem(system)).ok_or(NONE)
}

/// A timeline that has not begun.
struct Timeline(File);

impl Fence for Timeline {
    fn signal(&self) -> Result<(), Refusal> {
        sync_file::sw_sync_advance(self.0.as_fd(), 1).map_err(Refusal::of("SW_SYNC_IOC_INC"))
    }
}

fn of_timeline(system: &System) -> Option<Pending> {
    let path = system.path("sys/kernel/debug/sync/sw_sync");
    let timeline = File::options().read(true).write(true).open(path).ok()?;
    let file = sync_file::sw_sync_fence(timeline.as_fd(), 1).ok()?;
    Some(Pending { file, fence: Rc::new(Timeline(timeline)) })
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
        assert!(make(&System::at(root.path())).is_err());
    }
}
