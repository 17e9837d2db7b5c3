//! A dma-buf as the CPU sees it: what a device is to read is written through its mapping, what it wrote is read there.

use std::os::fd::BorrowedFd;

use device::files::MapRequest;
use uapi::dma_buf::{SYNC_END, SYNC_READ, SYNC_WRITE};
use uapi::memory::{Access, Mapping, Sharing, Window};

use crate::cell::Stop;
use crate::cell::world::{World, unexpected};
use crate::event::Blame;

pub struct Shown<'a> {
    file: BorrowedFd<'a>,
    mapping: Mapping,
    /// In bytes, as its exporter told it.
    pub size: u64,
}

impl<'a> Shown<'a> {
    /// Maps files.
    pub fn of(world: &'a World, names: &[String]) -> Result<Vec<Self>, Stop> {
        let expected = "the exporter maps the buffer that it has exported";
        if let Some(why) = world.exporter.as_ref().and_then(|exporter| exporter.device.unmappable()) {
            return Err(Stop::not_observable("mapping", why, expected));
        }
        let one = |name: &String| {
            let (size, file) = (world.file(name)?.size, world.descriptor(name)?);
            let len = size.next_multiple_of(uapi::memory::page_size() as u64);
            let window = Window { offset: 0, len: usize::try_from(len).unwrap_or(usize::MAX) };
            let request = MapRequest { window, access: Access::ReadWrite, sharing: Sharing::Shared };
            let mapping = world.files().map(file, request).map_err(device::Refusal::of("mmap of the dma-buf"));
            let mapping = mapping.map_err(|refusal| unexpected(&refusal, Blame::Exporter, expected))?;
            Ok(Self { file, mapping, size })
        };
        names.iter().map(one).collect()
    }

    /// Writes all of it, a word for each eighth byte.
    pub fn fill(&self, world: &World, word: impl Fn(u64) -> u64) -> Result<(), Stop> {
        self.sync(world, SYNC_WRITE)?;
        self.write(word);
        self.sync(world, SYNC_WRITE | SYNC_END)
    }

    /// Writes all of it, while an access of the CPU has begun.
    pub fn write(&self, word: impl Fn(u64) -> u64) {
        self.mapping.write_words(word);
    }

    /// The dma-buf.
    pub fn file(&self) -> BorrowedFd<'a> {
        self.file
    }

    /// Reads all of it, each word once and in order.
    pub fn bytes(&self, world: &World) -> Result<Vec<u8>, Stop> {
        self.sync(world, SYNC_READ)?;
        let bytes = self.mapping.read_bytes(self.mapping.len());
        self.sync(world, SYNC_READ | SYNC_END)?;
        Ok(bytes)
    }

    /// DMA_BUF_IOCTL_SYNC.
    pub fn sync(&self, world: &World, flags: u64) -> Result<(), Stop> {
        world.files().sync(self.file, flags).map_err(|errno| {
            let seen = format!("DMA_BUF_IOCTL_SYNC with flags {flags}: {errno}");
            Stop::fail("sync", Blame::Exporter, seen, "the exporter makes the CPU's view coherent")
        })
    }
}

/// Their descriptors.
pub fn files<'a>(shown: &[Shown<'a>]) -> Vec<BorrowedFd<'a>> {
    shown.iter().map(|shown| shown.file).collect()
}
