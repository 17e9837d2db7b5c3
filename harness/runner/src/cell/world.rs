//! The things that a cell's steps make and use, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use device::{Buffer, Device, Endpoint, Fence, Files};
use spec::step::{Side, Step};
use spec::verdict::Verdict;
use uapi::memory::Mapping;

use super::counts::Counts;
use super::message::Message;
use super::requirements;
use super::stop::Stop;
use crate::plan::Cell;
use event::{Blame, Finding, MapDmaBuf, Oracle};

/// The cell's own deadline is the shorter one: when it passes, every process here is killed with the cell's.
pub const LONG: Duration = Duration::from_secs(3600);

/// Does steps, which are numbered from the third argument + 1, until one of them ends the cell. Steps that hold others
/// get it from the world that they work in.
pub type RunSteps = fn(&mut World, &[Step], usize, &mut dyn FnMut(&Message));

/// An open endpoint.
pub struct OpenEndpoint {
    pub endpoint: Rc<Endpoint>,
    pub device: Rc<dyn Device>,
}

/// A dma-buf's file, or a number without a file.
pub struct FileValue {
    pub file: Option<OwnedFd>,
    pub number: i32,
    /// The buffer's size in bytes, as its exporter reported it.
    pub size: u64,
    /// The process that it came from, if that lives: it ends with the file.
    pub _maker: Option<Maker>,
}

/// A process that is killed when no one wants it any more.
pub struct Maker(pub Option<uapi::process::Child>);

impl Drop for Maker {
    fn drop(&mut self) {
        if let Some(child) = self.0.take() {
            child.kill();
            // The child reports everything before it sends the file, so its output can be dropped.
            let _ = child.supervise(LONG, |_| {});
        }
    }
}

/// A mapping, and where in the buffer it begins.
pub struct MappingValue {
    pub mapping: Mapping,
    pub position: u64,
    pub blame: Blame,
}

pub struct BufferValue {
    pub buffer: Rc<dyn Buffer>,
    pub side: Side,
    /// True if its lines were to lie one after the other.
    pub linear: bool,
}

/// Something that a device has yet to do.
pub struct FenceValue {
    pub fence: Rc<dyn Fence>,
}

pub enum Value {
    Buffer(BufferValue),
    File(FileValue),
    Mapping(MappingValue),
    Snapshot(Counts),
    Fence(FenceValue),
    /// An import that was refused, in a case that continues.
    Nothing,
}

/// A cell at work.
pub struct World {
    /// The cell.
    pub cell: Rc<Cell>,
    pub exporter: Option<OpenEndpoint>,
    pub importer: Option<OpenEndpoint>,
    pub second_importer: Option<OpenEndpoint>,
    /// The size of its buffers in bytes.
    pub size: u64,
    /// The time that drivers have to release what they hold.
    pub settle: Duration,
    pub checks: u32,
    pub ended: Option<Verdict>,
    /// A refusal has satisfied the rule: the remaining steps have nothing to look at.
    pub satisfied: bool,
    /// Findings that do not end the cell.
    pub properties: Vec<Finding>,
    pub exported: Vec<MapDmaBuf>,
    /// The accesses of devices to buffers: `read`, `write`.
    pub device_access: BTreeSet<String>,
    /// True if a device has imported a buffer, and may have changed its bytes.
    pub imported: bool,
    /// When the first fence was made.
    pub fence_since: Option<Instant>,
    values: BTreeMap<String, Value>,
    run_steps: RunSteps,
}

impl World {
    /// Opens a cell's devices, for buffers of a size.
    pub fn open(cell: &Rc<Cell>, size: u64, settle: Duration, run_steps: RunSteps) -> Result<Self, Stop> {
        requirements::met(&cell.case.requires)?;
        let opened = |endpoint: &Option<Rc<Endpoint>>| {
            let Some(endpoint) = endpoint else { return Ok(None) };
            match device::inventory::open(endpoint) {
                Ok(device) => Ok(Some(OpenEndpoint { endpoint: endpoint.clone(), device })),
                Err(error) => {
                    let why = (**endpoint).clone().blocked_by(&error).blocked.unwrap_or_default();
                    Err(Stop::blocked(Oracle::Device, why, format!("{} can be opened", endpoint.key)))
                }
            }
        };
        Ok(Self {
            exporter: opened(&cell.exporter)?,
            importer: opened(&cell.importer)?,
            second_importer: opened(&cell.second_importer)?,
            cell: cell.clone(),
            size,
            settle,
            checks: 0,
            ended: None,
            satisfied: false,
            properties: Vec::new(),
            exported: Vec::new(),
            device_access: BTreeSet::new(),
            imported: false,
            fence_since: None,
            values: BTreeMap::new(),
            run_steps,
        })
    }

    /// The same cell's devices opened once more.
    pub fn again(&self) -> Result<Self, Stop> {
        Self::open(&self.cell, self.size, self.settle, self.run_steps)
    }

    /// Does steps within a step.
    pub fn run_steps(&mut self, steps: &[Step], say: &mut dyn FnMut(&Message)) {
        (self.run_steps)(self, steps, 0, say);
    }

    /// Returns the endpoint that does a step.
    pub fn side(&self, side: Side) -> Result<&OpenEndpoint, Stop> {
        let opened = match side {
            Side::Exporter => &self.exporter,
            Side::Importer => &self.importer,
            Side::SecondImporter => &self.second_importer,
        };
        opened.as_ref().ok_or_else(|| {
            Stop::suite(format!("the cell has no {side:?}"), "'cells' names the endpoints that the steps use")
        })
    }

    /// Returns the operations on this cell's files: the kernel's, or those of the mock that exported them.
    pub fn files(&self) -> &dyn Files {
        let owner = self.exporter.as_ref().or(self.importer.as_ref());
        owner.map_or(&device::files::KernelFiles as &dyn Files, |opened| opened.device.files())
    }

    /// The device that they go through.
    pub fn file_owner(&self) -> Option<Rc<dyn Device>> {
        self.exporter.as_ref().or(self.importer.as_ref()).map(|opened| opened.device.clone())
    }

    pub fn insert(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    /// The names of all values.
    pub fn names(&self) -> BTreeSet<String> {
        self.values.keys().cloned().collect()
    }

    /// Takes away the values that are not among names.
    pub fn take_others(&mut self, names: &BTreeSet<String>) -> Vec<Value> {
        let others: Vec<String> = self.values.keys().filter(|name| !names.contains(*name)).cloned().collect();
        others.iter().filter_map(|name| self.values.remove(name)).collect()
    }

    /// Lets go of a value, and of what only it held.
    pub fn release(&mut self, name: &str) -> Result<(), Stop> {
        self.values.remove(name).map(drop).ok_or_else(|| missing(name))
    }

    /// Takes a value away from its name.
    pub fn take(&mut self, name: &str) -> Result<Value, Stop> {
        self.values.remove(name).ok_or_else(|| missing(name))
    }

    pub fn buffer(&self, name: &str) -> Result<&BufferValue, Stop> {
        match self.values.get(name) {
            Some(Value::Buffer(buffer)) => Ok(buffer),
            _ => Err(missing(name)),
        }
    }

    pub fn file(&self, name: &str) -> Result<&FileValue, Stop> {
        match self.values.get(name) {
            Some(Value::File(file)) => Ok(file),
            _ => Err(missing(name)),
        }
    }

    /// The open descriptor of a file.
    pub fn descriptor(&self, name: &str) -> Result<BorrowedFd<'_>, Stop> {
        self.file(name)?.file.as_ref().map(AsFd::as_fd).ok_or_else(|| missing(name))
    }

    pub fn mapping(&self, name: &str) -> Result<&MappingValue, Stop> {
        match self.values.get(name) {
            Some(Value::Mapping(mapping)) => Ok(mapping),
            _ => Err(missing(name)),
        }
    }

    pub fn mapping_mut(&mut self, name: &str) -> Result<&mut MappingValue, Stop> {
        match self.values.get_mut(name) {
            Some(Value::Mapping(mapping)) => Ok(mapping),
            _ => Err(missing(name)),
        }
    }

    pub fn snapshot(&self, name: &str) -> Result<&Counts, Stop> {
        match self.values.get(name) {
            Some(Value::Snapshot(counts)) => Ok(counts),
            _ => Err(missing(name)),
        }
    }

    pub fn fence(&self, name: &str) -> Result<&FenceValue, Stop> {
        match self.values.get(name) {
            Some(Value::Fence(fence)) => Ok(fence),
            _ => Err(missing(name)),
        }
    }

    /// Notes what a device did by itself.
    pub fn accessed(&mut self, how: &str) {
        self.device_access.insert(how.to_owned());
    }

    /// Notes something that a cell shows without ending by it.
    pub fn property(&mut self, oracle: Oracle, seen: impl Into<String>) {
        let finding = Stop::new(oracle, Verdict::Pass, Blame::Nobody, seen, "a property of this kernel and device").0;
        self.properties.push(*finding);
    }
}

impl FileValue {
    pub fn new(file: OwnedFd, size: u64) -> Self {
        Self { number: file.as_raw_fd(), file: Some(file), size, _maker: None }
    }
}

fn missing(name: &str) -> Stop {
    Stop::suite(format!("no '{name}' here"), "case files are checked for names before they run")
}
