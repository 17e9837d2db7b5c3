//! DRM devices through libgbm: buffer objects of a Mesa driver, exported and imported as dma-bufs.
//!
//! `gbm_bo_map` may show a staging copy, so it is never used to judge content: buffers are mapped through their dma-buf.

use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use document::case::Kind;
use gbm::{BufferObject, BufferObjectFlags, Format};
use uapi::Errno;
use uapi::memory::{Access, Mapping, Window};

use crate::buffer::{Buffer, Device, ExportFlags, ImportSize, Refusal};
use crate::drm::Card;
use crate::endpoint::Endpoint;
use crate::inventory::Backend;
use crate::system::System;

/// Every DRM device that libgbm opens.
pub const BACKEND: Backend = Backend { kind: Kind::Gbm, find, open };

fn find(system: &System) -> Vec<Endpoint> {
    let drm = (crate::drm::BACKEND.find)(system).into_iter();
    drm.filter_map(|drm| {
        let endpoint = Endpoint::new(Kind::Gbm, format!("gbm-{}", drm.driver), drm.driver.clone(), drm.node.clone());
        let endpoint = Endpoint { topology: drm.topology.clone(), blocked: drm.blocked.clone(), ..endpoint };
        if endpoint.blocked.is_some() {
            return Some(endpoint);
        }
        let device = gbm::Device::new(Card::open(&drm.node).ok()?).ok()?;
        drop(device);
        Some(Endpoint { exports: drm.exports, imports: drm.imports, smallest: frame(1).2, ..endpoint })
    })
    .collect()
}

fn open(endpoint: &Endpoint) -> std::io::Result<Rc<dyn Device>> {
    Ok(Rc::new(Gbm { device: gbm::Device::new(Card::open(&endpoint.node)?)? }))
}

struct Gbm {
    device: gbm::Device<Card>,
}

/// A linear frame of at least `size` bytes: width and height in pixels, bytes. Widths of 256 pixels keep the stride at
/// the 1024 bytes that every driver known takes without padding.
fn frame(size: u64) -> (u32, u32, u64) {
    let height = u32::try_from(size.div_ceil(1024)).unwrap_or(u32::MAX).max(64);
    (256, height, u64::from(height) * 1024)
}

fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}

impl Device for Gbm {
    fn allocate(&self, size: u64) -> Result<Rc<dyn Buffer>, Refusal> {
        let (width, height, size) = frame(size);
        let wanted = BufferObjectFlags::SCANOUT | BufferObjectFlags::LINEAR | BufferObjectFlags::WRITE;
        let usage = [wanted, BufferObjectFlags::RENDERING | BufferObjectFlags::LINEAR];
        let attempt = |usage| self.device.create_buffer_object::<()>(width, height, Format::Xrgb8888, usage);
        let object = attempt(usage[0]).or_else(|_| attempt(usage[1]));
        let object = object.map_err(|error| Refusal::Kernel { call: "gbm_bo_create", errno: errno(&error) })?;
        let size = (u64::from(object.stride()) * u64::from(height)).max(size);
        Ok(Rc::new(Object { object, size }))
    }

    fn import(&self, number: i32, size: ImportSize) -> Result<Rc<dyn Buffer>, Refusal> {
        let (ImportSize::Within(size) | ImportSize::AtLeast(size)) = size;
        let height = u32::try_from(size / 1024).unwrap_or(u32::MAX).max(1);
        let refuse = |errno| Refusal::Kernel { call: "gbm_bo_import", errno };
        // libgbm asks for an open file; a number that is none never reaches the kernel.
        let file = std::fs::File::open(format!("/proc/self/fd/{number}")).ok();
        let copy = uapi::process::borrow_number(number).ok_or(refuse(Errno::EBADF))?;
        drop(file);
        let usage = BufferObjectFlags::LINEAR;
        let object =
            self.device.import_buffer_object_from_dma_buf::<()>(copy, 256, height, 1024, Format::Xrgb8888, usage);
        let object = object.map_err(|error| refuse(errno(&error)))?;
        Ok(Rc::new(Object { object, size }))
    }
}

struct Object {
    object: BufferObject<()>,
    size: u64,
}

impl Buffer for Object {
    fn size(&self) -> u64 {
        self.size
    }

    fn handle(&self) -> Option<u32> {
        // SAFETY-free: reading the union's u32 is the crate's own accessor.
        None
    }

    fn export(&self, _flags: ExportFlags) -> Result<OwnedFd, Refusal> {
        let answer = self.object.fd_for_plane(0);
        answer.map_err(|_| Refusal::Kernel { call: "gbm_bo_get_fd_for_plane", errno: Errno::EINVAL })
    }

    fn map(&self, _window: Window, _access: Access) -> Result<Mapping, Refusal> {
        Err(Refusal::NotAsked("gbm_bo_map may show a staging copy"))
    }
}
