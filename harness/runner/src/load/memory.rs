//! A buffer of an exporter's, with its file and the CPU's mapping of it.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;

use device::files::MapRequest;
use device::{Buffer, Device, Endpoint, Refusal};
use spec::case::Kind;
use uapi::dma_buf::{SYNC_END, SYNC_READ, SYNC_WRITE};
use uapi::memory::{Access, Mapping, Sharing, Window, page_size};

use super::survey;
use super::worker_report;

/// An exported buffer.
pub struct Memory {
    /// Its file.
    pub file: OwnedFd,
    /// In bytes.
    pub size: u64,
    device: Rc<dyn Device>,
    /// Dropped after the file: nothing of it is needed any more.
    _buffer: Rc<dyn Buffer>,
}

impl Memory {
    /// Allocates and exports one of at least `needed` bytes, named for a pair.
    ///
    /// # Errors
    /// The errno of the exporter.
    pub fn new(device: &Rc<dyn Device>, exporter: &Endpoint, needed: u64, pair: usize) -> Result<Self, Refusal> {
        let wanted = survey::size(exporter, needed);
        let buffer = device.allocate(wanted)?;
        // Elsewhere it is a fault, and a case is about it. Here a device that streams may have set its frame in between.
        if exporter.kind == Kind::V4l2 && buffer.size() < wanted {
            return Err(Refusal::NotAsked("the queue has another frame now than was asked for"));
        }
        let file = buffer.export(survey::FLAGS)?;
        // A kernel before 5.3 has no names: what stays is then attributed to no one.
        let _ = device.files().set_name(file.as_fd(), &worker_report::name(pair));
        Ok(Self { file, size: buffer.size(), device: device.clone(), _buffer: buffer })
    }

    /// Its file's number.
    pub fn number(&self) -> i32 {
        self.file.as_raw_fd()
    }

    /// Maps all of it; nothing where its exporter has no mmap.
    ///
    /// # Errors
    /// The errno of the exporter.
    pub fn map(&self) -> Result<Option<Mapping>, Refusal> {
        if self.device.unmappable().is_some() {
            return Ok(None);
        }
        let len = usize::try_from(self.size).unwrap_or(usize::MAX).next_multiple_of(page_size());
        let window = Window { offset: 0, len };
        let request = MapRequest { window, access: Access::ReadWrite, sharing: Sharing::Shared };
        self.device.files().map(self.file.as_fd(), request).map(Some).map_err(Refusal::of("mmap of the dma-buf"))
    }

    /// Lets the CPU write through a mapping of it.
    ///
    /// # Errors
    /// The errno of DMA_BUF_IOCTL_SYNC.
    pub fn write(&self, write: impl FnOnce()) -> Result<(), Refusal> {
        self.sync(SYNC_WRITE)?;
        write();
        self.sync(SYNC_WRITE | SYNC_END)
    }

    /// Lets the CPU read through a mapping of it.
    ///
    /// # Errors
    /// The errno of DMA_BUF_IOCTL_SYNC.
    pub fn read<T>(&self, read: impl FnOnce() -> T) -> Result<T, Refusal> {
        self.sync(SYNC_READ)?;
        let seen = read();
        self.sync(SYNC_READ | SYNC_END)?;
        Ok(seen)
    }

    fn sync(&self, flags: u64) -> Result<(), Refusal> {
        self.device.files().sync(self.file.as_fd(), flags).map_err(Refusal::of("DMA_BUF_IOCTL_SYNC"))
    }
}
