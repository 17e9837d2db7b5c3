//! mbochs: a display without a screen, whose current frame can be had as a dma-buf. Reference:
//! `samples/vfio-mdev/mbochs.c`.
//!
//! A buffer is a frame at its own place in the display's memory. To export it, the display is made to show it.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Result;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;

use uapi::memory::{Access, Mapping, Sharing, Window};
use uapi::vfio::{self, RegionInfo};
use uapi::{Errno, dma_buf};

use super::group::{self, Opened};
use super::memory::Memory;
use crate::buffer::{Buffer, Device, ExportFlags, ImportSize};
use crate::endpoint::Endpoint;
use crate::refusal::Refusal;
use crate::system::System;

const DRIVER: &str = "mbochs";

/// Which BARs are the display's memory and its registers.
const MEMORY: u32 = vfio::PCI_BAR0;
const REGISTERS: u32 = vfio::PCI_BAR0 + 2;
/// Where the registers of the Bochs display interface begin in theirs; each has two bytes.
const VBE: u64 = 0x500;
const XRES: u64 = 1;
const YRES: u64 = 2;
const BPP: u64 = 3;
const ENABLE: u64 = 4;
const VIRT_WIDTH: u64 = 6;
const Y_OFFSET: u64 = 9;

/// Every frame's distance from line to line: a page holds whole lines, and a line that is counted in 16 bits reaches the
/// last of 32 MiB.
const LINE_PIXELS: u16 = 128;
const LINE: u64 = LINE_PIXELS as u64 * 4;
/// mbochs shows nothing smaller, in either direction.
const LEAST: u16 = 64;

pub(super) fn find(system: &System) -> Vec<Endpoint> {
    const DEVICES: &str = "sys/bus/mdev/devices";
    let names = system.names(DEVICES).into_iter();
    let found = names.filter_map(|name| group::endpoint(system, &Path::new(DEVICES).join(name), DRIVER));
    let asked = found.map(|endpoint| match Display::open(&endpoint) {
        Ok(_) => Endpoint { exports: true, ..endpoint },
        Err(error) => endpoint.blocked_by(&error),
    });
    asked.collect()
}

pub(super) fn open(endpoint: &Endpoint) -> Result<Rc<dyn Device>> {
    Ok(Rc::new(Mbochs { endpoint: endpoint.clone(), display: OnceCell::new() }))
}

/// Opened when the first buffer is allocated: until then another process of a cell can have it.
struct Mbochs {
    endpoint: Endpoint,
    display: OnceCell<Rc<Display>>,
}

struct Display {
    opened: Opened,
    memory: RegionInfo,
    registers: RegionInfo,
    lines: RefCell<Memory>,
    /// First line, lines and pixels of every frame that was shown.
    shown: RefCell<BTreeSet<(u64, u64, u16)>>,
}

impl Display {
    fn open(endpoint: &Endpoint) -> Result<Self> {
        let opened = group::open(endpoint)?;
        let region = |index| vfio::region(opened.device.as_fd(), index);
        let (memory, registers) = (region(MEMORY)?, region(REGISTERS)?);
        let lines = (memory.size / LINE).min(u64::from(u16::MAX) + 1);
        let (lines, shown) = (RefCell::new(Memory::new(lines)), RefCell::default());
        Ok(Self { opened, memory, registers, lines, shown })
    }

    fn device(&self) -> &File {
        &self.opened.device
    }

    /// Shows a frame and gives the id of its dma-buf.
    fn show(&self, first: u64, lines: u64) -> std::result::Result<u32, Refusal> {
        // mbochs counts one reference on the pages of a frame, however often it is exported after a close, and hands
        // out one reference of the file, however often it is asked: only a frame of another width is another one.
        let mut shown = self.shown.borrow_mut();
        let width = (LEAST..=LINE_PIXELS).find(|width| shown.insert((first, lines, *width)));
        let width = width.ok_or(Refusal::NotAsked("this frame was exported in every width"))?;
        let number = |lines: u64| u16::try_from(lines).unwrap_or(u16::MAX);
        let registers = [
            (XRES, width),
            (YRES, number(lines)),
            (BPP, 32),
            (VIRT_WIDTH, LINE_PIXELS),
            (Y_OFFSET, number(first)),
            (ENABLE, 1),
        ];
        for (register, value) in registers {
            let at = self.registers.offset + VBE + 2 * register;
            let written = self.device().write_all_at(&value.to_ne_bytes(), at);
            written.map_err(Refusal::of("write of a display's register"))?;
        }
        // The first query of a frame makes it, and says ENOMEM all the same: mbochs_query_gfx_plane looks at what there
        // was before.
        let query = || vfio::query_gfx_plane(self.device().as_fd());
        let answer = match query() {
            Err(Errno::ENOMEM) => query(),
            answer => answer,
        };
        let plane = answer.map_err(Refusal::of("VFIO_DEVICE_QUERY_GFX_PLANE"))?;
        // A mode that mbochs cannot show is a plane without a format.
        if plane.drm_format == 0 {
            return Err(Refusal::NotAsked("mbochs cannot show a frame of this size"));
        }
        Ok(plane.dmabuf_id)
    }
}

impl Mbochs {
    fn display(&self) -> std::result::Result<&Rc<Display>, Refusal> {
        if let Some(display) = self.display.get() {
            return Ok(display);
        }
        let display = Display::open(&self.endpoint).map_err(group::refusal)?;
        Ok(self.display.get_or_init(|| Rc::new(display)))
    }
}

impl Device for Mbochs {
    fn allocate(&self, size: u64) -> std::result::Result<Rc<dyn Buffer>, Refusal> {
        let display = self.display()?;
        let page = (uapi::memory::page_size() as u64 / LINE).max(1);
        let lines = size.div_ceil(LINE).max(u64::from(LEAST));
        let none = Refusal::NotAsked("the display's memory has no part of this size left");
        let lines = lines.checked_next_multiple_of(page).filter(|lines| *lines <= u64::from(u16::MAX));
        let lines = lines.ok_or_else(|| none.clone())?;
        let first = display.lines.borrow_mut().take(lines).ok_or(none)?;
        Ok(Rc::new(Frame { display: display.clone(), first, lines }))
    }

    fn import(&self, _number: i32, _size: ImportSize) -> std::result::Result<Rc<dyn Buffer>, Refusal> {
        Err(Refusal::NotAsked("VFIO imports nothing"))
    }
}

/// A part of the display's memory.
struct Frame {
    display: Rc<Display>,
    first: u64,
    lines: u64,
}

impl Buffer for Frame {
    fn size(&self) -> u64 {
        self.lines * LINE
    }

    /// The call takes no flags: its files are read-only, and a program that wants them closed on exec says so
    /// afterwards.
    fn export(&self, flags: ExportFlags) -> std::result::Result<OwnedFd, Refusal> {
        let id = self.display.show(self.first, self.lines)?;
        let file = vfio::gfx_dma_buf(self.display.device().as_fd(), id);
        let file = file.map_err(Refusal::of("VFIO_DEVICE_GET_GFX_DMABUF"))?;
        if flags.close_on_exec {
            dma_buf::close_on_exec(file.as_fd()).map_err(Refusal::of("fcntl"))?;
        }
        Ok(file)
    }

    fn map(&self, window: Window, access: Access) -> std::result::Result<Mapping, Refusal> {
        if self.first != 0 || window.offset != 0 {
            return Err(Refusal::NotAsked("mbochs maps its memory from its first byte only"));
        }
        let window = Window { offset: self.display.memory.offset, ..window };
        let answer = Mapping::of_file(self.display.device().as_fd(), window, access, Sharing::Shared);
        answer.map_err(Refusal::of("mmap of the VFIO device"))
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.display.lines.borrow_mut().give_back(self.first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_mediated_devices_has_no_endpoint() {
        let root = tempfile::tempdir().unwrap();
        assert!(find(&System::at(root.path())).is_empty());
    }

    #[test]
    fn a_page_holds_whole_lines() {
        assert_eq!(uapi::memory::page_size() as u64 % LINE, 0);
    }
}
