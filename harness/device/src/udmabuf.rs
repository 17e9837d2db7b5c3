//! udmabuf: dma-bufs made of memfds. Reference: `drivers/dma-buf/udmabuf.c`.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use spec::case::Kind;
use spec::step::DeviceMisuse;
use uapi::Errno;
use uapi::memory::{Access, Mapping, Sharing, Window};

use crate::backend::Backend;
use crate::buffer::{Buffer, Device, ExportFlags, ImportSize};
use crate::endpoint::Endpoint;
use crate::refusal::Refusal;
use crate::system::System;

mod misuse;

/// `/dev/udmabuf`.
pub const BACKEND: Backend = Backend { kind: Kind::Udmabuf, find, open };

fn find(system: &System) -> Vec<Endpoint> {
    let node = system.path("dev/udmabuf");
    if !node.exists() && !system.path("sys/class/misc/udmabuf").exists() {
        return Vec::new();
    }
    let opened = open_node(&node);
    let endpoint = Endpoint::new(Kind::Udmabuf, "udmabuf", "udmabuf", node);
    vec![match opened {
        Ok(_) => Endpoint { exports: true, ..endpoint },
        Err(error) => endpoint.blocked_by(&error),
    }]
}

/// Opens the node and asks it for a buffer that begins within a page, which it refuses with EINVAL (`udmabuf_create`).
fn open_node(node: &std::path::Path) -> std::io::Result<File> {
    let file = File::options().read(true).write(true).open(node)?;
    match uapi::udmabuf::create(file.as_fd(), file.as_fd(), 1, uapi::memory::page_size() as u64, true) {
        Err(errno @ Errno::ENOTTY) => Err(errno.into()),
        _ => Ok(file),
    }
}

fn open(endpoint: &Endpoint) -> std::io::Result<Rc<dyn Device>> {
    Ok(Rc::new(Udmabuf { node: Rc::new(open_node(&endpoint.node)?) }))
}

struct Udmabuf {
    node: Rc<File>,
}

impl Device for Udmabuf {
    fn allocate(&self, size: u64) -> Result<Rc<dyn Buffer>, Refusal> {
        let size = size.next_multiple_of(uapi::memory::page_size() as u64);
        let memory = uapi::udmabuf::memory_file(size).map_err(Refusal::of("memfd_create"))?;
        Ok(Rc::new(MemoryFile { node: self.node.clone(), memory, size }))
    }

    fn import(&self, _number: i32, _size: ImportSize) -> Result<Rc<dyn Buffer>, Refusal> {
        Err(Refusal::NotAsked("udmabuf imports nothing"))
    }

    fn misuse(&self, how: DeviceMisuse) -> Result<(), Refusal> {
        misuse::make(self, how)
    }
}

struct MemoryFile {
    node: Rc<File>,
    memory: OwnedFd,
    size: u64,
}

impl Buffer for MemoryFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn export(&self, flags: ExportFlags) -> Result<OwnedFd, Refusal> {
        if !flags.writable {
            return Err(Refusal::NotAsked("UDMABUF_CREATE makes writable files only"));
        }
        let answer = uapi::udmabuf::create(self.node.as_fd(), self.memory.as_fd(), 0, self.size, flags.close_on_exec);
        answer.map_err(Refusal::of("UDMABUF_CREATE"))
    }

    fn map(&self, window: Window, access: Access) -> Result<Mapping, Refusal> {
        let answer = Mapping::of_file(self.memory.as_fd(), window, access, Sharing::Shared);
        answer.map_err(Refusal::of("mmap of the memfd"))
    }
}
