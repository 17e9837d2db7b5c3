//! vfio-pci: parts of a PCI device's BAR. Reference: `drivers/vfio/pci/vfio_pci_dmabuf.c`.
//!
//! The cells write into what an endpoint exports. So only devices are used whose BAR is known to be memory and nothing
//! else, and not whatever was bound to vfio-pci for a virtual machine.

use std::cell::{OnceCell, RefCell};
use std::fs;
use std::io::{Error, Result};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;

use nix::fcntl::OFlag;
use spec::case::Memory as Sort;
use uapi::Errno;
use uapi::memory::{Access, Mapping, Sharing, Window, page_size};
use uapi::vfio::{self, RegionInfo};

use super::group::{self, Opened};
use super::memory::Memory;
use crate::buffer::{Buffer, Device, ExportFlags, ImportSize};
use crate::endpoint::Endpoint;
use crate::refusal::Refusal;
use crate::system::System;

pub(super) const DRIVER: &str = "vfio-pci";

/// Vendor, device, and the BAR that is memory: ivshmem's, and the video memory of QEMU's standard displays.
const MEMORY: &[(&str, &str, u32)] = &[("0x1af4", "0x1110", 2), ("0x1234", "0x1111", 0)];

/// Where the command register lies in the configuration space, and its bit that switches the BARs on.
const COMMAND: u64 = 4;
const COMMAND_MEMORY: u16 = 1 << 1;

pub(super) fn find(system: &System) -> Vec<Endpoint> {
    const DEVICES: &str = "sys/bus/pci/devices";
    let names = system.names(&format!("sys/bus/pci/drivers/{DRIVER}")).into_iter();
    let found = names.filter_map(|name| {
        let folder = Path::new(DEVICES).join(name);
        memory_bar(&system.path(&folder))?;
        group::endpoint(system, &folder, DRIVER)
    });
    let asked = found.map(|endpoint| match Bar::open(&endpoint) {
        Ok(_) => Endpoint { exports: true, memory: Some(Sort::Pageless), ..endpoint },
        Err(error) => endpoint.blocked_by(&error),
    });
    asked.collect()
}

/// Which BAR of a device is memory.
fn memory_bar(device: &Path) -> Option<u32> {
    let id = |name: &str| fs::read_to_string(device.join(name)).unwrap_or_default().trim().to_owned();
    let (vendor, product) = (id("vendor"), id("device"));
    MEMORY.iter().find(|row| (row.0, row.1) == (vendor.as_str(), product.as_str())).map(|row| row.2)
}

pub(super) fn open(endpoint: &Endpoint) -> Result<Rc<dyn Device>> {
    Ok(Rc::new(Pci { endpoint: endpoint.clone(), bar: OnceCell::new() }))
}

/// Opened when the first buffer is allocated: until then another process of a cell can have it.
struct Pci {
    endpoint: Endpoint,
    bar: OnceCell<Rc<Bar>>,
}

struct Bar {
    opened: Opened,
    index: u32,
    region: RegionInfo,
    bytes: RefCell<Memory>,
}

impl Bar {
    fn open(endpoint: &Endpoint) -> Result<Self> {
        let opened = group::open(endpoint)?;
        let device = &opened.device;
        let mut ids = [0; 4];
        let config = vfio::region(device.as_fd(), vfio::PCI_CONFIG)?;
        device.read_exact_at(&mut ids, config.offset)?;
        let id = |bytes: &[u8]| format!("{:#06x}", u16::from_le_bytes([bytes[0], bytes[1]]));
        let (vendor, product) = (id(&ids[..2]), id(&ids[2..]));
        let row = MEMORY.iter().find(|row| (row.0, row.1) == (vendor.as_str(), product.as_str()));
        let index = row.ok_or_else(|| Error::other("no BAR of this device is known to be memory"))?.2;
        // While it is off, every dma-buf of it counts as taken away.
        let mut command = [0; 2];
        device.read_exact_at(&mut command, config.offset + COMMAND)?;
        let command = u16::from_le_bytes(command) | COMMAND_MEMORY;
        device.write_all_at(&command.to_le_bytes(), config.offset + COMMAND)?;
        let region = vfio::region(device.as_fd(), index)?;
        let bytes = RefCell::new(Memory::new(region.size));
        let bar = Self { opened, index, region, bytes };
        bar.export(0, page_size() as u64, OFlag::O_CLOEXEC)?;
        Ok(bar)
    }

    fn export(&self, offset: u64, length: u64, flags: OFlag) -> std::result::Result<OwnedFd, Errno> {
        vfio::dma_buf(self.opened.device.as_fd(), self.index, offset, length, flags)
    }
}

impl Device for Pci {
    fn allocate(&self, size: u64) -> std::result::Result<Rc<dyn Buffer>, Refusal> {
        let bar = match self.bar.get() {
            Some(bar) => bar,
            None => {
                let bar = Rc::new(Bar::open(&self.endpoint).map_err(group::refusal)?);
                self.bar.get_or_init(|| bar)
            }
        };
        let none = Refusal::NotAsked("the BAR has no part of this size left");
        let size = size.checked_next_multiple_of(page_size() as u64).ok_or_else(|| none.clone())?;
        let start = bar.bytes.borrow_mut().take(size).ok_or(none)?;
        Ok(Rc::new(Part { bar: bar.clone(), start, size }))
    }

    fn import(&self, _number: i32, _size: ImportSize) -> std::result::Result<Rc<dyn Buffer>, Refusal> {
        Err(Refusal::NotAsked("VFIO imports nothing"))
    }

    fn unmappable(&self) -> Option<&'static str> {
        Some("vfio_pci_dmabuf_ops has no mmap: a BAR is mapped through its device")
    }
}

/// A part of the BAR.
struct Part {
    bar: Rc<Bar>,
    start: u64,
    size: u64,
}

impl Buffer for Part {
    fn size(&self) -> u64 {
        self.size
    }

    fn export(&self, flags: ExportFlags) -> std::result::Result<OwnedFd, Refusal> {
        let access = if flags.writable { OFlag::O_RDWR } else { OFlag::O_RDONLY };
        let exec = if flags.close_on_exec { OFlag::O_CLOEXEC } else { OFlag::empty() };
        let answer = self.bar.export(self.start, self.size, access | exec);
        answer.map_err(Refusal::of("VFIO_DEVICE_FEATURE_DMA_BUF"))
    }

    fn map(&self, window: Window, access: Access) -> std::result::Result<Mapping, Refusal> {
        let window = Window { offset: self.bar.region.offset + self.start + window.offset, ..window };
        let answer = Mapping::of_file(self.bar.opened.device.as_fd(), window, access, Sharing::Shared);
        answer.map_err(Refusal::of("mmap of the VFIO device"))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.bar.bytes.borrow_mut().give_back(self.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bar_that_is_known_to_be_memory_is_used() {
        let root = tempfile::tempdir().unwrap();
        let ids = |vendor: &str, device: &str| {
            fs::write(root.path().join("vendor"), format!("{vendor}\n")).unwrap();
            fs::write(root.path().join("device"), format!("{device}\n")).unwrap();
            memory_bar(root.path())
        };
        assert_eq!(ids("0x1af4", "0x1110"), Some(2));
        assert_eq!(ids("0x10de", "0x2684"), None);
    }
}
