//! A dma-buf as the CPU sees it: what a device is to read is written through its mapping, what it wrote is read there.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use device::files::MapRequest;
use spec::step::StreamCpu;
use uapi::dma_buf::{SYNC_END, SYNC_READ, SYNC_WRITE};
use uapi::memory::{Access, Mapping, Sharing, Window};
use uapi::process::Child;

use crate::cell::memory::as_length;
use crate::cell::processes::trouble;
use crate::cell::refusal::unexpected;
use crate::cell::stop::Stop;
use crate::cell::world::LONG;
use crate::cell::world::World;
use event::{Blame, Oracle};

pub struct View {
    file: OwnedFd,
    mapping: RefCell<Option<Mapping>>,
    /// The one that is read from in the end, where that is another.
    other: Option<Mapping>,
    cpu: StreamCpu,
    /// The size in bytes, as its exporter reported it.
    pub size: u64,
}

impl View {
    /// Maps files.
    pub fn of(world: &World, names: &[String], cpu: StreamCpu) -> Result<Vec<Self>, Stop> {
        let expected = "the exporter maps the buffer that it has exported";
        if let Some(why) = world.exporter.as_ref().and_then(|exporter| exporter.device.unmappable()) {
            return Err(Stop::not_observable(Oracle::Mapping, why, expected));
        }
        let one = |name: &String| {
            let (size, file) = (world.file(name)?.size, world.descriptor(name)?);
            let file = uapi::dma_buf::duplicate(file).map_err(trouble("dup"))?;
            let map = || {
                let len = size.next_multiple_of(uapi::memory::page_size() as u64);
                let window = Window { offset: 0, len: as_length(len, expected)? };
                let request = MapRequest { window, access: Access::ReadWrite, sharing: Sharing::Shared };
                let mapping = world.files().map(file.as_fd(), request);
                let mapping = mapping.map_err(device::Refusal::of("mmap of the dma-buf"));
                mapping.map_err(|refusal| unexpected(&refusal, Blame::Exporter, expected))
            };
            let mapping = RefCell::new(Some(map()?));
            let other = if cpu == StreamCpu::OtherMapping { Some(map()?) } else { None };
            Ok(Self { file, mapping, other, cpu, size })
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
        if let Some(mapping) = &*self.mapping.borrow() {
            mapping.write_words(word);
        }
    }

    /// Has the CPU's cache take lines of it, where that is asked for.
    pub fn prefetch(&self, world: &World) -> Result<(), Stop> {
        match self.cpu {
            StreamCpu::Prefetches | StreamCpu::OtherMapping => self.bytes(world).map(drop),
            _ => Ok(()),
        }
    }

    /// The dma-buf.
    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Returns whether it was given up.
    pub fn is_gone(&self) -> bool {
        self.mapping.borrow().is_none()
    }

    /// Gives it up: nothing of the dma-buf is left here.
    pub fn give_up(&self) -> Result<(), Stop> {
        self.mapping.take();
        let other = uapi::dma_buf::ordinary_file().map_err(trouble("memfd_create"))?;
        uapi::dma_buf::refer_to(self.file.as_fd(), other.as_fd()).map_err(trouble("dup2"))
    }

    /// Reads all of it, each word once and in order.
    pub fn bytes(&self, world: &World) -> Result<Vec<u8>, Stop> {
        self.sync(world, SYNC_READ)?;
        let mapping = self.mapping.borrow();
        let mapping = self.other.as_ref().or(mapping.as_ref());
        let bytes = mapping.map_or_else(Vec::new, |mapping| mapping.read_bytes(mapping.len()));
        self.sync(world, SYNC_READ | SYNC_END)?;
        Ok(bytes)
    }

    /// DMA_BUF_IOCTL_SYNC, as the case has it.
    pub fn sync(&self, world: &World, flags: u64) -> Result<(), Stop> {
        let flags = match self.cpu {
            StreamCpu::Unannounced => return Ok(()),
            StreamCpu::WrongDirection => flags ^ (SYNC_READ | SYNC_WRITE),
            _ => flags,
        };
        world.files().sync(self.file(), flags).map_err(|errno| {
            let seen = format!("DMA_BUF_IOCTL_SYNC with flags {flags}: {errno}");
            Stop::fail(Oracle::Sync, Blame::Exporter, seen, "the exporter makes the CPU's view coherent")
        })
    }
}

/// Their descriptors.
pub fn files(shown: &[View]) -> Vec<BorrowedFd<'_>> {
    shown.iter().map(View::file).collect()
}

/// A process that reads buffers as long as this lives.
pub struct Reader(Option<Child>);

impl Reader {
    /// Begins to read.
    pub fn of(shown: &[&[View]]) -> Result<Self, Stop> {
        let child = uapi::process::spawn(|_| {
            loop {
                for shown in shown.iter().flat_map(|shown| shown.iter()) {
                    if let Some(mapping) = &*shown.mapping.borrow() {
                        let _ = mapping.read_bytes(mapping.len());
                    }
                }
            }
        });
        child.map(|child| Self(Some(child))).map_err(trouble("fork"))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(child) = self.0.take() {
            child.kill();
            let _ = child.supervise(LONG, |_| {});
        }
    }
}
