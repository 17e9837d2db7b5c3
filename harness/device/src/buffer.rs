//! What an opened endpoint can do. The traits carry no policy: they say what the kernel said.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;

use spec::step::{BufferUse, DeviceMisuse, Misfit, Stream};
use uapi::memory::{Access, Mapping, Window};

use crate::fence::Fence;
use crate::files::{Files, KernelFiles};
use crate::flow::Feed;
use crate::refusal::{NO_FENCES, NO_SUCH_CALL, Refusal};
use crate::work::{NO_WORK, Work, WorkError, WorkResult};

/// The flags of a dma-buf's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportFlags {
    /// O_RDWR, else O_RDONLY.
    pub writable: bool,
    /// FD_CLOEXEC.
    pub close_on_exec: bool,
}

/// The part of a file that an importer uses, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportSize {
    /// At most so much: what the buffer has.
    Within(u64),
    /// At least so much, though the buffer may have less.
    AtLeast(u64),
}

/// Pages that an exporter has put into its sg_tables in place of the memory's own, to see who touches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoys {
    /// The number of decoys.
    pub pages: u32,
    /// The number of decoys that were written to.
    pub changed: u32,
    /// The number of decoys that someone holds or has mapped.
    pub referenced: u32,
}

/// A plane of an image, as its device reports it.
#[derive(Debug)]
pub struct ImagePlane {
    /// Its own export.
    pub file: OwnedFd,
    /// The GEM handle of the memory that it lies in.
    pub handle: u32,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// All of its lines, in bytes.
    pub length: u64,
}

/// The planes of an image.
#[derive(Debug)]
pub struct ImagePlanes {
    /// In their order.
    pub planes: Vec<ImagePlane>,
    /// The name of its layout (`DRM_FORMAT_MOD_*`), where it has one.
    pub modifier: Option<u64>,
}

/// An opened endpoint. Dropping it closes the device's file and with it all that the file holds.
pub trait Device {
    /// Allocates a buffer of at least `size` bytes of the device's own memory.
    ///
    /// # Errors
    /// ENOMEM, EBUSY, or EOPNOTSUPP from a device that only imports.
    fn allocate(&self, size: u64) -> Result<Rc<dyn Buffer>, Refusal>;

    /// Allocates a buffer for an image: width and height in pixels, with that many bits each. A device that knows no images
    /// allocates as many bytes.
    ///
    /// # Errors
    /// As [`Device::allocate`]; EINVAL for a shape that the device does not have.
    fn allocate_image(&self, width: u32, height: u32, bits_per_pixel: u32) -> Result<Rc<dyn Buffer>, Refusal> {
        self.allocate((u64::from(width) * u64::from(bits_per_pixel)).div_ceil(8) * u64::from(height))
    }

    /// Allocates a buffer of at least `size` bytes that is to be used in such ways.
    ///
    /// # Errors
    /// As [`Device::allocate`]; EINVAL for uses that do not go together.
    fn allocate_for(&self, _size: u64, _uses: &[BufferUse]) -> Result<Rc<dyn Buffer>, Refusal> {
        Err(Refusal::NotAsked("the device cannot be told what a buffer is for"))
    }

    /// Imports a file by its number, which may be no dma-buf and not even open.
    ///
    /// # Errors
    /// The errno of the importer, or of the exporter's attach and map_dma_buf.
    fn import(&self, number: i32, size: ImportSize) -> Result<Rc<dyn Buffer>, Refusal>;

    /// The formats in which the device can do a work, by their numbers, where it is to be done in each of them. None from a
    /// device that chooses by itself.
    ///
    /// # Errors
    /// The errno of the query.
    fn formats(&self, _asked: &Stream) -> Result<Vec<u32>, WorkError> {
        Ok(Vec::new())
    }

    /// Works on frames, and waits until they are done.
    ///
    /// # Errors
    /// The errno of a call on its buffers or of starting it; a frame that did not come in time.
    fn work(&self, _work: &Work<'_>) -> Result<WorkResult, WorkError> {
        Err(NO_WORK)
    }

    /// Works on imported frames for as long as it is fed, several at a time, in frames that `work` has room for.
    ///
    /// # Errors
    /// As [`Device::work`]. Frames that are with the device then are reported nevertheless.
    fn flow(&self, _work: &Work<'_>, _at_once: usize, _feed: &mut dyn Feed) -> Result<(), WorkError> {
        Err(NO_WORK)
    }

    /// Makes a call that is wrong, on purpose. What a call made that was allowed is released.
    ///
    /// # Errors
    /// The errno of the call; [`NO_SUCH_CALL`] where the device has no such call.
    fn misuse(&self, _how: DeviceMisuse) -> Result<(), Refusal> {
        Err(NO_SUCH_CALL)
    }

    /// The state of the decoys in the sg_tables of a dma-buf that this device exported.
    ///
    /// # Errors
    /// EINVAL for a dma-buf of another exporter.
    fn decoys(&self, _file: BorrowedFd<'_>) -> Result<Decoys, Refusal> {
        Err(Refusal::NotAsked("this exporter lays out no decoys"))
    }

    /// The number of mappings for devices of a dma-buf that this device exported, as it counts its own `map_dma_buf` and
    /// `unmap_dma_buf`.
    ///
    /// # Errors
    /// EINVAL for a dma-buf of another exporter.
    fn mapped(&self, _file: BorrowedFd<'_>) -> Result<i64, Refusal> {
        Err(Refusal::NotAsked("this exporter counts no mappings"))
    }

    /// The reason why the CPU cannot map the dma-bufs that this device exports, where their `dma_buf_ops` have no mmap.
    fn unmappable(&self) -> Option<&'static str> {
        None
    }

    /// The operations on this device's files; only a mock has its own.
    fn files(&self) -> &dyn Files {
        &KernelFiles
    }
}

/// A buffer as a device holds it: allocated by the device, or imported into it. Dropping it releases it.
pub trait Buffer {
    /// In bytes.
    fn size(&self) -> u64;

    /// The GEM handle, where there is one.
    fn handle(&self) -> Option<u32> {
        None
    }

    /// Makes a dma-buf file of it.
    ///
    /// # Errors
    /// EINVAL, ENOSYS, EOPNOTSUPP from what does not export.
    fn export(&self, flags: ExportFlags) -> Result<OwnedFd, Refusal>;

    /// Exports each plane of the image that it holds.
    ///
    /// # Errors
    /// As [`Buffer::export`].
    fn planes(&self) -> Result<ImagePlanes, Refusal> {
        Err(Refusal::NotAsked("the device exports no planes"))
    }

    /// The device reads the buffer, which it has imported, from a byte on.
    ///
    /// # Errors
    /// EINVAL past the end, EFAULT where the exporter's sg_table ends before.
    fn device_read(&self, _offset: u64, _bytes: &mut [u8]) -> Result<(), Refusal> {
        Err(Refusal::NotAsked("this device does nothing with a single buffer"))
    }

    /// The device writes the buffer, which it has imported, from its start on.
    ///
    /// # Errors
    /// As [`Buffer::device_read`].
    fn device_write(&self, _bytes: &[u8]) -> Result<(), Refusal> {
        Err(Refusal::NotAsked("this device does nothing with a single buffer"))
    }

    /// Maps it through the device that holds it, not through a dma-buf.
    ///
    /// # Errors
    /// EINVAL where the device has no mapping of its own for such a buffer.
    fn map(&self, window: Window, access: Access) -> Result<Mapping, Refusal>;

    /// Makes a framebuffer that does not fit the buffer, and removes it again: `DRM_IOCTL_MODE_ADDFB2`.
    ///
    /// # Errors
    /// The kernel's refusal, which is the right answer; and where the device has no display, or none that takes the format.
    fn framebuffer(&self, _how: Misfit) -> Result<(), Refusal> {
        Err(Refusal::NotAsked("the device has no display"))
    }

    /// Puts a fence on it that the device has yet to signal, as one that is writing or reading it.
    ///
    /// # Errors
    /// EBUSY while a fence that conflicts is pending; [`NO_FENCES`] from almost every device.
    fn attach_fence(&self, _write: bool) -> Result<Rc<dyn Fence>, Refusal> {
        Err(NO_FENCES)
    }
}
