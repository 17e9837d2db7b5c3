//! dma-heaps: exporters without a device. Reference: `drivers/dma-buf/dma-heap.c`.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use nix::fcntl::OFlag;
use spec::case::Kind;
use spec::step::DeviceMisuse;
use uapi::Errno;
use uapi::memory::{Access, Mapping, Window};

use crate::backend::Backend;
use crate::buffer::{Buffer, Device, ExportFlags, ImportSize};
use crate::endpoint::Endpoint;
use crate::refusal::Refusal;
use crate::system::System;

mod misuse;

/// Every node in `/dev/dma_heap`.
pub const BACKEND: Backend = Backend { kind: Kind::Heap, find, open };

fn find(system: &System) -> Vec<Endpoint> {
    let endpoint = |name: String| {
        let node = system.path("dev/dma_heap").join(&name);
        let opened = open_node(&node);
        let endpoint = Endpoint::new(Kind::Heap, format!("heap-{name}"), name, node);
        match opened {
            Ok(_) => Endpoint { exports: true, ..endpoint },
            Err(error) => endpoint.blocked_by(&error),
        }
    };
    // A heap of the class without its node in /dev is blocked, not absent.
    let mut names = system.names("dev/dma_heap");
    names.extend(system.names("sys/class/dma_heap"));
    names.sort();
    names.dedup();
    names.into_iter().map(endpoint).collect()
}

/// Opens a node and asks it for a buffer of no bytes, which a heap refuses with EINVAL (`dma_heap_buffer_alloc`).
fn open_node(node: &std::path::Path) -> std::io::Result<File> {
    let file = File::open(node)?;
    match uapi::heap::allocate(file.as_fd(), 0, OFlag::O_CLOEXEC) {
        Err(errno @ Errno::ENOTTY) => Err(errno.into()),
        _ => Ok(file),
    }
}

fn open(endpoint: &Endpoint) -> std::io::Result<Rc<dyn Device>> {
    Ok(Rc::new(Heap { node: Rc::new(open_node(&endpoint.node)?) }))
}

struct Heap {
    node: Rc<File>,
}

impl Device for Heap {
    fn allocate(&self, size: u64) -> Result<Rc<dyn Buffer>, Refusal> {
        Ok(Rc::new(Allocation { node: self.node.clone(), size }))
    }

    fn import(&self, _number: i32, _size: ImportSize) -> Result<Rc<dyn Buffer>, Refusal> {
        Err(Refusal::NotAsked("heaps import nothing"))
    }

    fn misuse(&self, how: DeviceMisuse) -> Result<(), Refusal> {
        misuse::make(self, how)
    }
}

/// A heap allocates and exports in one call, with the file's flags: it is made when it is exported, each time again.
struct Allocation {
    node: Rc<File>,
    size: u64,
}

impl Buffer for Allocation {
    fn size(&self) -> u64 {
        self.size.next_multiple_of(uapi::memory::page_size() as u64)
    }

    fn export(&self, flags: ExportFlags) -> Result<OwnedFd, Refusal> {
        let access = if flags.writable { OFlag::O_RDWR } else { OFlag::O_RDONLY };
        let exec = if flags.close_on_exec { OFlag::O_CLOEXEC } else { OFlag::empty() };
        let answer = uapi::heap::allocate(self.node.as_fd(), self.size, access | exec);
        answer.map_err(Refusal::of("DMA_HEAP_IOCTL_ALLOC"))
    }

    fn map(&self, _window: Window, _access: Access) -> Result<Mapping, Refusal> {
        Err(Refusal::NotAsked("a heap's buffer is mapped through its dma-buf only"))
    }
}
