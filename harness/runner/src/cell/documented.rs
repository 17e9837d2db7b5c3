//! Refusals that the kernel documents: which importer may say no to a good dma-buf, with which errno, and why. Anything
//! else is a failure.

use spec::case::Kind;
use uapi::Errno;

/// Returns why an importer of a kind may refuse a good dma-buf with an errno; nothing if it may not.
pub fn import(importer: Kind, errno: Errno) -> Option<&'static str> {
    let common = match errno {
        Errno::EOPNOTSUPP => "the exporter or the importer does not support such an attachment (dma_buf_attach)",
        Errno::ENOSYS => "the exporter has no sg_table to give (qxl, bochs before 6.13, vmwgfx)",
        Errno::EBUSY => "the exporter's memory cannot be moved to where the importer reaches it",
        Errno::EREMOTEIO => "no route for peer-to-peer DMA between the two devices",
        Errno::ENOMEM => "no memory for the mapping",
        Errno::ENXIO => "the memory has no struct page and the exporter cannot describe it",
        _ => "",
    };
    let own = match (importer, errno) {
        (Kind::Drm | Kind::Gbm, Errno::ENODEV) => "the driver imports no foreign buffer (virtio_gpu without blobs)",
        (Kind::Drm, Errno::EINVAL) => {
            "the driver cannot use this memory (not contiguous, or its own device memory only)"
        }
        (Kind::Gbm, Errno::EINVAL) => {
            "the driver cannot use this memory, or Mesa cannot use such a frame (gbm_dri_bo_import says no more)"
        }
        (Kind::Gbm, Errno::ENOSYS) => {
            "the exporter has no sg_table to give, or the Mesa driver imports no dma-bufs (gbm_dri_bo_import)"
        }
        (Kind::V4l2, Errno::EFAULT) => {
            "the memory is not contiguous enough (vb2_dc_map_dmabuf: \"contiguous chunk is too small\")"
        }
        (Kind::V4l2, Errno::EBADR) => "the queue takes buffers through the request API only",
        (Kind::V4l2, Errno::EBUSY) => "the queue is in use: it holds the exporter's own buffers",
        (Kind::Mock, Errno::ENODEV) => "the mock was asked to refuse",
        _ => "",
    };
    [own, common].into_iter().find(|reason| !reason.is_empty())
}

/// Returns why a driver may refuse a framebuffer in a buffer that it has imported, and takes one in its own.
pub fn framebuffer(driver: &str, errno: Errno) -> Option<&'static str> {
    match (driver, errno) {
        ("amdgpu" | "radeon", Errno::EINVAL) => {
            Some("the display reads memory of the card's own only (amdgpu_display_user_framebuffer_create)")
        }
        _ => None,
    }
}

/// Errnos that a person can remedy.
pub fn remedy(errno: Errno) -> Option<&'static str> {
    match errno {
        // Root is refused by the driver, and no one can remedy that.
        Errno::EACCES | Errno::EPERM if !uapi::process::is_root() => Some("run as root"),
        Errno::EMFILE | Errno::ENFILE => Some("raise the limit on open files (ulimit -n)"),
        Errno::EBUSY => Some("stop the program that uses the device"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_is_allowed_for_the_importers_that_document_it_only() {
        assert!(import(Kind::Drm, Errno::ENODEV).is_some());
        assert!(import(Kind::V4l2, Errno::ENODEV).is_none());
        assert!(import(Kind::V4l2, Errno::EFAULT).is_some());
        assert!(import(Kind::V4l2, Errno::EINVAL).is_none());
        assert!(import(Kind::Drm, Errno::EIO).is_none());
        assert!(import(Kind::Gbm, Errno::EINVAL).is_some_and(|reason| reason.contains("Mesa")));
        assert!(import(Kind::Gbm, Errno::EIO).is_none());
        assert!(framebuffer("radeon", Errno::EINVAL).is_some());
        assert!(framebuffer("radeon", Errno::EIO).or(framebuffer("vkms", Errno::EINVAL)).is_none());
    }
}
