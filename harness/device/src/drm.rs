//! DRM devices: dumb buffers, or those of a GPU that has none; PRIME both ways. Reference: `drivers/gpu/drm/drm_prime.c`.
//!
//! Primary nodes are used, since dumb buffers are not to be had on render nodes. Only a show (`pipe`) needs to be DRM
//! master; whoever opens a card that has no master becomes it, and drops that at once.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;

use drm::{Device as _, DriverCapability};
use drm_ffi::drm_sys::{DRM_PRIME_CAP_EXPORT, DRM_PRIME_CAP_IMPORT};
use spec::case::Kind;
use spec::step::{DeviceMisuse, Misfit, Stream};
use uapi::memory::{Access, Mapping, Sharing, Window};
use uapi::render::Gpu;

use crate::backend::Backend;
use crate::buffer::{Buffer, Device, ExportFlags, ImportSize};
use crate::endpoint::Endpoint;
use crate::fence::Fence;
use crate::refusal::Refusal;
use crate::system::System;
use crate::work::{Work, WorkError, WorkResult};
use pipe::Pipe;

mod crc;
mod debugfs;
mod display;
mod fence;
mod formats;
mod framebuffer;
mod image;
mod layout;
mod misuse;
mod mode;
mod pipe;
mod work;

/// Every primary node with PRIME.
pub const BACKEND: Backend = Backend { kind: Kind::Drm, find, open };

/// Drivers of displays that no one looks at.
const VIRTUAL: &[&str] = &["vkms"];

/// An open DRM node, as the `drm` crate wants it.
pub(crate) struct Card(File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}

impl drm::control::Device for Card {}

impl Card {
    pub(crate) fn open(node: &std::path::Path) -> std::io::Result<Self> {
        File::options().read(true).write(true).open(node).map(Self)
    }
}

fn find(system: &System) -> Vec<Endpoint> {
    let nodes = system.nodes("drm", "card", "dri").into_iter();
    nodes
        .filter_map(|node| {
            let describe = |driver: &str| {
                let endpoint = Endpoint::new(Kind::Drm, format!("drm-{driver}"), driver, node.path.clone());
                Endpoint { topology: node.topology.clone(), ..endpoint }
            };
            let card = match Card::open(&node.path) {
                Ok(card) => card,
                Err(error) => return Some(describe(&node.driver).blocked_by(&error)),
            };
            // A node that does not answer is blocked: what it could do is not known.
            let asked = card.get_driver().and_then(|driver| {
                let prime = card.get_driver_capability(DriverCapability::Prime)?;
                Ok((driver.name().to_string_lossy().into_owned(), prime))
            });
            let (driver, prime) = match asked {
                Ok(answer) => answer,
                Err(error) => return Some(describe(&node.driver).blocked_by(&error)),
            };
            let exports = prime & u64::from(DRM_PRIME_CAP_EXPORT) != 0
                && (has_dumb_buffers(&card) || has_buffers(&card, &driver));
            let imports = prime & u64::from(DRM_PRIME_CAP_IMPORT) != 0;
            let (work, pixels) = if imports { display::abilities(&card, &node.path) } else { (Vec::new(), Vec::new()) };
            let spare = VIRTUAL.contains(&driver.as_str());
            (exports || imports).then(|| Endpoint { exports, imports, work, pixels, spare, ..describe(&driver) })
        })
        .collect()
}

/// DRM_CAP_DUMB_BUFFER is answered by KMS drivers only (`drm_getcap`), though vgem has dumb buffers too: make one.
fn has_dumb_buffers(card: &Card) -> bool {
    let made = drm_ffi::mode::dumbbuffer::create(card.as_fd(), 64, 1, 32, 0);
    made.is_ok_and(|made| uapi::drm::close_handle(card.as_fd(), made.handle).is_ok())
}

/// Returns whether the driver makes buffers by calls of its own that are known here.
fn has_buffers(card: &Card, driver: &str) -> bool {
    let made = Gpu::of(driver).map(|gpu| gpu.create(card.as_fd(), 4096).1);
    made.is_some_and(|made| made.is_ok_and(|handle| uapi::drm::close_handle(card.as_fd(), handle).is_ok()))
}

fn open(endpoint: &Endpoint) -> std::io::Result<Rc<dyn Device>> {
    let card = Card::open(&endpoint.node)?;
    // It is not master where another is.
    let _ = card.release_master_lock();
    let gpu = Gpu::of(&endpoint.driver).filter(|_| !has_dumb_buffers(&card));
    let fences = endpoint.driver == fence::DRIVER;
    let card = Rc::new(Handles { card, gpu, users: RefCell::default(), fences, pipe: OnceCell::new() });
    Ok(Rc::new(Drm { card, node: endpoint.node.clone() }))
}

/// A card with its GEM handles. Importing one dma-buf twice gives the same handle twice, and one GEM_CLOSE closes both:
/// it is closed when its last user is gone.
struct Handles {
    card: Card,
    users: RefCell<BTreeMap<u32, u32>>,
    /// The call that makes its buffers, where it has no dumb buffers.
    gpu: Option<Gpu>,
    /// True if its driver makes fences on demand.
    fences: bool,
    /// The parts of its display, once they were asked for: there are some dozens, each with its name.
    pipe: OnceCell<Pipe>,
}

struct Drm {
    card: Rc<Handles>,
    node: PathBuf,
}

/// The width of the dumb buffers in pixels of 4 bytes: their height makes the size.
const WIDTH: u32 = 256;

impl Device for Drm {
    fn allocate(&self, size: u64) -> Result<Rc<dyn Buffer>, Refusal> {
        if let Some(gpu) = self.card.gpu {
            let (call, made) = gpu.create(self.card.card.as_fd(), size);
            return Ok(GemHandle::held(&self.card, made.map_err(Refusal::of(call))?, size));
        }
        let height = u32::try_from(size.div_ceil(u64::from(WIDTH) * 4)).unwrap_or(u32::MAX);
        self.allocate_image(WIDTH, height, 32)
    }

    fn allocate_image(&self, width: u32, height: u32, bits_per_pixel: u32) -> Result<Rc<dyn Buffer>, Refusal> {
        if self.card.gpu.is_some() {
            return self.allocate(u64::from(width) * u64::from(height) * u64::from(bits_per_pixel.div_ceil(8)));
        }
        let made = drm_ffi::mode::dumbbuffer::create(self.card.card.as_fd(), width, height, bits_per_pixel, 0);
        let made = made.map_err(Refusal::of("DRM_IOCTL_MODE_CREATE_DUMB"))?;
        Ok(GemHandle::held(&self.card, made.handle, made.size))
    }

    fn import(&self, number: i32, size: ImportSize) -> Result<Rc<dyn Buffer>, Refusal> {
        let handle = uapi::drm::fd_to_handle(self.card.card.as_fd(), number);
        let handle = handle.map_err(Refusal::of("DRM_IOCTL_PRIME_FD_TO_HANDLE"))?;
        let (ImportSize::Within(size) | ImportSize::AtLeast(size)) = size;
        Ok(GemHandle::held(&self.card, handle, size))
    }

    fn formats(&self, asked: &Stream) -> Result<Vec<u32>, WorkError> {
        work::formats(&self.card, asked)
    }

    fn work(&self, work: &Work<'_>) -> Result<WorkResult, WorkError> {
        work::work(&self.card, &self.node, work)
    }

    fn misuse(&self, how: DeviceMisuse) -> Result<(), Refusal> {
        misuse::make(self, how)
    }
}

struct GemHandle {
    card: Rc<Handles>,
    handle: u32,
    size: u64,
}

impl GemHandle {
    fn held(card: &Rc<Handles>, handle: u32, size: u64) -> Rc<dyn Buffer> {
        *card.users.borrow_mut().entry(handle).or_insert(0) += 1;
        Rc::new(Self { card: card.clone(), handle, size })
    }
}

impl Buffer for GemHandle {
    fn size(&self) -> u64 {
        self.size
    }

    fn handle(&self) -> Option<u32> {
        Some(self.handle)
    }

    fn export(&self, flags: ExportFlags) -> Result<OwnedFd, Refusal> {
        let access = if flags.writable { uapi::drm::RDWR } else { 0 };
        let exec = if flags.close_on_exec { uapi::drm::CLOEXEC } else { 0 };
        let answer = uapi::drm::handle_to_fd(self.card.card.as_fd(), self.handle, access | exec);
        answer.map_err(Refusal::of("DRM_IOCTL_PRIME_HANDLE_TO_FD"))
    }

    fn map(&self, window: Window, access: Access) -> Result<Mapping, Refusal> {
        let card = self.card.card.as_fd();
        let dumb = || ("DRM_IOCTL_MODE_MAP_DUMB", uapi::drm::map_dumb(card, self.handle));
        let (call, start) = self.card.gpu.map_or_else(dumb, |gpu| gpu.offset(card, self.handle));
        let start = start.map_err(Refusal::of(call))?;
        let window = Window { offset: start + window.offset, ..window };
        let answer = Mapping::of_file(self.card.card.as_fd(), window, access, Sharing::Shared);
        answer.map_err(Refusal::of("mmap of the DRM device"))
    }

    fn framebuffer(&self, how: Misfit) -> Result<(), Refusal> {
        framebuffer::make(&self.card.card, self.handle, self.size, how)
    }

    fn attach_fence(&self, write: bool) -> Result<Rc<dyn Fence>, Refusal> {
        fence::attach(&self.card, self.handle, write)
    }
}

impl Drop for GemHandle {
    fn drop(&mut self) {
        let mut users = self.card.users.borrow_mut();
        let left = users.get_mut(&self.handle).map_or(0, |count| {
            *count -= 1;
            *count
        });
        if left == 0 {
            users.remove(&self.handle);
            let _ = uapi::drm::close_handle(self.card.card.as_fd(), self.handle);
        }
    }
}
