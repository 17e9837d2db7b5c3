//! Fences that a program signals: only vgem makes them (`drivers/gpu/drm/vgem/vgem_fence.c`).

use std::os::fd::AsFd;
use std::rc::Rc;

use super::Handles;
use crate::fence::Fence;
use crate::refusal::{NO_FENCES, Refusal};

/// The driver that makes them.
pub(super) const DRIVER: &str = "vgem";

struct VgemFence {
    card: Rc<Handles>,
    fence: u32,
}

/// Puts a fence on a handle's buffer.
pub(super) fn attach(card: &Rc<Handles>, handle: u32, write: bool) -> Result<Rc<dyn Fence>, Refusal> {
    if !card.fences {
        return Err(NO_FENCES);
    }
    let fence = uapi::sync_file::vgem_attach(card.card.as_fd(), handle, write);
    let fence = fence.map_err(Refusal::of("DRM_IOCTL_VGEM_FENCE_ATTACH"))?;
    Ok(Rc::new(VgemFence { card: card.clone(), fence }))
}

impl Fence for VgemFence {
    fn signal(&self) -> Result<(), Refusal> {
        let answer = uapi::sync_file::vgem_signal(self.card.card.as_fd(), self.fence);
        answer.map_err(Refusal::of("DRM_IOCTL_VGEM_FENCE_SIGNAL"))
    }
}
