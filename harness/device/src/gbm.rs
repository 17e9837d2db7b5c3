//! DRM devices through libgbm: linear buffer objects of a Mesa driver, exported and imported as dma-bufs. Reference:
//! `src/gbm/backends/dri/gbm_dri.c` in Mesa.
//!
//! On a device that Mesa has no driver for, its software driver works on the device's dumb buffers.
//! `gbm_bo_map` may show a staging copy, so it is never used to judge content: buffers are mapped through their dma-buf.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;

use gbm::{BufferObject, BufferObjectFlags, Format};
use spec::case::Kind;
use spec::step::BufferUse;
use uapi::Errno;
use uapi::memory::{Access, Mapping, Window};

use crate::backend::Backend;
use crate::buffer::{Buffer, Device, ExportFlags, ImagePlane, ImagePlanes, ImportSize};
use crate::drm::Card;
use crate::endpoint::Endpoint;
use crate::refusal::Refusal;
use crate::system::System;

/// Every DRM device that libgbm opens.
pub const BACKEND: Backend = Backend { kind: Kind::Gbm, find, open };

fn find(system: &System) -> Vec<Endpoint> {
    (crate::drm::BACKEND.find)(system).into_iter().map(through_libgbm).collect()
}

/// The same device through libgbm. What PRIME can, the kernel has said; whether the Mesa driver allocates is tried.
///
/// The trial is made in the process that all cells are forked from: loading Mesa takes seconds on a slow board, and the
/// cells then find it loaded. No thread of it may outlive the device: a process with threads cannot be forked safely.
fn through_libgbm(drm: Endpoint) -> Endpoint {
    let endpoint = Endpoint::new(Kind::Gbm, format!("gbm-{}", drm.driver), &*drm.driver, drm.node);
    let endpoint = Endpoint { topology: drm.topology, blocked: drm.blocked, ..endpoint };
    if endpoint.blocked.is_some() {
        return endpoint;
    }
    match Gbm::open(&endpoint) {
        Ok(device) => Endpoint { exports: device.exports(), imports: drm.imports, smallest: SMALLEST, ..endpoint },
        Err(error) => {
            let why = format!("libgbm does not open {}: {error}; install Mesa's drivers", endpoint.node.display());
            Endpoint { blocked: Some(why), ..endpoint }
        }
    }
}

fn open(endpoint: &Endpoint) -> std::io::Result<Rc<dyn Device>> {
    Ok(Rc::new(Gbm::open(endpoint)?))
}

struct Gbm {
    device: Rc<gbm::Device<Card>>,
    node: PathBuf,
}

/// The frames: pixels of 4 bytes in lines of 1024, a stride that every driver known takes without padding.
const FORMAT: Format = Format::Xrgb8888;
const WIDTH: u32 = 256;
const STRIDE: u32 = WIDTH * 4;
/// Drivers round the height of a frame up to their tiles: fewer lines would waste more than they save.
const SMALLEST: u64 = 64 * STRIDE as u64;
/// Linear, so that the bytes lie where the CPU's and every other device's lie.
const USAGE: BufferObjectFlags = BufferObjectFlags::LINEAR.union(BufferObjectFlags::RENDERING);

/// The errno that a failed call of libgbm left.
fn refuse(call: &'static str) -> impl Fn(std::io::Error) -> Refusal {
    Refusal::of(call)
}

impl Gbm {
    fn open(endpoint: &Endpoint) -> std::io::Result<Self> {
        let card = Card::open(&endpoint.node)?;
        // It is not master where another is.
        let _ = drm::Device::release_master_lock(&card);
        let device = Rc::new(gbm::Device::new(card)?);
        Ok(Self { device, node: endpoint.node.clone() })
    }

    fn exports(&self) -> bool {
        let flags = ExportFlags { writable: true, close_on_exec: true };
        self.allocate(SMALLEST).and_then(|buffer| buffer.export(flags)).is_ok()
    }

    /// The kernel's reason for refusing a file that libgbm did not import, if it refuses it. libgbm says EINVAL to whatever a
    /// Mesa driver could not do (`gbm_dri_bo_import`), which would hide a fault of the exporter's behind a refusal.
    fn said_by_kernel(&self, number: i32) -> Option<Refusal> {
        // A file of its own: on the device's, this could return the handle of a buffer in use, and that one must not be closed.
        let card = Card::open(&self.node).ok()?;
        let errno = uapi::drm::fd_to_handle(card.as_fd(), number).err()?;
        Some(Refusal::Kernel { call: "gbm_bo_import, that is DRM_IOCTL_PRIME_FD_TO_HANDLE", errno })
    }

    fn image(
        &self,
        width: u32,
        height: u32,
        format: Format,
        flags: BufferObjectFlags,
    ) -> Result<Rc<dyn Buffer>, Refusal> {
        let object = self.device.create_buffer_object::<()>(width, height, format, flags);
        let object = object.map_err(refuse("gbm_bo_create"))?;
        let size = u64::from(object.stride()) * u64::from(height);
        Ok(self.hold(object, size))
    }

    fn hold(&self, object: BufferObject<()>, size: u64) -> Rc<dyn Buffer> {
        Rc::new(Object { object, size, device: self.device.clone() })
    }
}

/// The side of a pointer's image, in pixels (`gbm_dri_bo_create`).
const POINTER: u32 = 64;

fn flags(uses: &[BufferUse]) -> BufferObjectFlags {
    let flag = |one: &BufferUse| match one {
        BufferUse::Scanout => BufferObjectFlags::SCANOUT,
        BufferUse::Cursor => BufferObjectFlags::CURSOR,
        BufferUse::Rendering => BufferObjectFlags::RENDERING,
        BufferUse::Write => BufferObjectFlags::WRITE,
        BufferUse::Linear => BufferObjectFlags::LINEAR,
    };
    uses.iter().map(flag).collect()
}

impl Device for Gbm {
    fn allocate(&self, size: u64) -> Result<Rc<dyn Buffer>, Refusal> {
        let height = u32::try_from(size.div_ceil(STRIDE.into())).unwrap_or(u32::MAX);
        self.image(WIDTH, height, FORMAT, USAGE)
    }

    fn allocate_for(&self, size: u64, uses: &[BufferUse]) -> Result<Rc<dyn Buffer>, Refusal> {
        if uses.contains(&BufferUse::Cursor) {
            return self.image(POINTER, POINTER, Format::Argb8888, flags(uses));
        }
        let height = u32::try_from(size.div_ceil(STRIDE.into())).unwrap_or(u32::MAX);
        self.image(WIDTH, height, FORMAT, flags(uses))
    }

    fn import(&self, number: i32, size: ImportSize) -> Result<Rc<dyn Buffer>, Refusal> {
        let (ImportSize::Within(size) | ImportSize::AtLeast(size)) = size;
        let height = u32::try_from(size / u64::from(STRIDE)).unwrap_or(u32::MAX).max(1);
        let file = uapi::dma_buf::duplicate_number(number);
        let file = file.map_err(|_| Refusal::NotAsked("the gbm crate takes no number that is not open"))?;
        let usage = BufferObjectFlags::LINEAR;
        let object = self.device.import_buffer_object_from_dma_buf(file.as_fd(), WIDTH, height, STRIDE, FORMAT, usage);
        match object {
            Ok(object) => Ok(self.hold(object, size)),
            Err(error) => Err(self.said_by_kernel(number).unwrap_or_else(|| refuse("gbm_bo_import")(error))),
        }
    }
}

/// A buffer object. It is dropped before its device, whose file it is freed through.
struct Object {
    object: BufferObject<()>,
    size: u64,
    device: Rc<gbm::Device<Card>>,
}

impl Object {
    /// Mesa's software driver exports without DRM_RDWR (`kms_sw_displaytarget_get_handle`): no one could write what
    /// it exports. A buffer's first export decides for as long as its handle lives
    /// (`drm_gem_prime_handle_to_dmabuf`), so one with DRM_RDWR goes before it; libgbm then hands out the same file.
    /// Where this is refused, libgbm's own export reports why.
    fn make_writable(&self) {
        let flags = uapi::drm::RDWR | uapi::drm::CLOEXEC;
        let _ = uapi::drm::handle_to_fd(self.device.as_fd(), uapi::gbm::handle(&self.object), flags);
    }

    /// A plane's file. A dumb buffer of libgbm's own (GBM_BO_USE_WRITE) has none: Mesa says EINVAL (`gbm_dri_bo_get_fd`).
    fn file_of(&self, plane: i32) -> Result<OwnedFd, Refusal> {
        let file = self.object.fd_for_plane(plane);
        // The crate drops errno; nothing has been called since.
        file.map_err(|_| Refusal::Kernel { call: "gbm_bo_get_fd_for_plane", errno: Errno::last() })
    }
}

impl Buffer for Object {
    fn size(&self) -> u64 {
        self.size
    }

    fn handle(&self) -> Option<u32> {
        Some(uapi::gbm::handle(&self.object))
    }

    fn export(&self, flags: ExportFlags) -> Result<OwnedFd, Refusal> {
        if !flags.writable || !flags.close_on_exec {
            return Err(Refusal::NotAsked("libgbm has no flags for an export: it is for writing and closed on exec"));
        }
        self.make_writable();
        let file = self.file_of(0)?;
        match uapi::dma_buf::file_flags(file.as_fd()) {
            Ok(flags) if flags.writable => Ok(file),
            _ => {
                Err(Refusal::NotAsked("the Mesa driver exports files that cannot be written, and libgbm has no flags"))
            }
        }
    }

    fn planes(&self) -> Result<ImagePlanes, Refusal> {
        self.make_writable();
        let one = |number: u32| {
            let plane = number as i32;
            let file = self.file_of(plane)?;
            // libgbm does not report the number of lines of another plane: at least one.
            let lines = if number == 0 { self.object.height() } else { 1 };
            let length = u64::from(self.object.stride_for_plane(plane)) * u64::from(lines);
            let handle = uapi::gbm::handle_for_plane(&self.object, plane);
            Ok(ImagePlane { file, handle, offset: self.object.offset(plane).into(), length })
        };
        let planes = (0..self.object.plane_count()).map(one).collect::<Result<_, Refusal>>()?;
        let modifier = self.object.modifier();
        let named = modifier != gbm::Modifier::Invalid;
        Ok(ImagePlanes { planes, modifier: named.then(|| modifier.into()) })
    }

    fn map(&self, _window: Window, _access: Access) -> Result<Mapping, Refusal> {
        Err(Refusal::NotAsked("gbm_bo_map may show a staging copy"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_go_together() {
        assert_eq!(
            flags(&[BufferUse::Scanout, BufferUse::Linear]),
            BufferObjectFlags::SCANOUT | BufferObjectFlags::LINEAR
        );
        assert!(flags(&[]).is_empty());
    }

    #[test]
    fn a_node_that_libgbm_does_not_open_is_blocked() {
        let node = tempfile::NamedTempFile::new().unwrap();
        let drm = Endpoint::new(Kind::Drm, "drm-x", "x", node.path().to_owned());
        let endpoint = through_libgbm(drm);
        assert_eq!(endpoint.key, "gbm-x");
        assert!(endpoint.blocked.unwrap().contains("install Mesa's drivers"));
    }

    #[test]
    fn a_blocked_device_stays_blocked_for_its_own_reason() {
        let drm = Endpoint::new(Kind::Drm, "drm-x", "x", "/nowhere".into());
        let drm = Endpoint { topology: "pci/1".into(), blocked: Some("no permission".into()), ..drm };
        let endpoint = through_libgbm(drm);
        assert_eq!((endpoint.blocked.as_deref(), &*endpoint.topology), (Some("no permission"), "pci/1"));
    }
}
