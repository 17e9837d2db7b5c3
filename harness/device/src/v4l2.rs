//! Buffer queues of V4L2 nodes: MMAP buffers exported by EXPBUF, dma-bufs imported by QBUF. Reference:
//! `Documentation/userspace-api/media/v4l/dmabuf.rst`, `drivers/media/common/videobuf2/videobuf2-core.c`.
//!
//! An endpoint is one queue; a mem2mem node has two. A queue attaches and maps an imported buffer when it is queued, and
//! nothing streams for that; it does where a device is to [work](crate::work). The format that a node had is set again when it is closed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::rc::{Rc, Weak};

use nix::fcntl::OFlag;
use spec::case::{Ability, Kind};
use spec::step::DeviceMisuse;
use uapi::memory::{Access, Mapping, Sharing, Window};
use uapi::v4l2::{Format, Memory, PlaneBuffer, PlaneFile, QueueType};

use crate::backend::Backend;
use crate::buffer::{Buffer, Device, ExportFlags, ImportSize};
use crate::endpoint::Endpoint;
use crate::refusal::Refusal;
use crate::system::{Node, System};
use crate::work::{Work, WorkError, WorkResult};

mod copy;
mod flow;
mod frames;
mod misuse;
mod pipeline;
mod pixels;
mod run;
mod side;
mod still;

use pipeline::Pipeline;

/// Every queue that streams.
pub const BACKEND: Backend = Backend { kind: Kind::V4l2, find, open };

/// The queues that a bit of device_caps stands for (`V4L2_CAP_*`).
const QUEUES: &[(u32, QueueType)] = &[
    (0x0000_0001, QueueType::Capture),
    (0x0000_0002, QueueType::Output),
    (0x0000_1000, QueueType::CaptureMultiPlanar),
    (0x0000_2000, QueueType::OutputMultiPlanar),
    (0x0000_8000, QueueType::Capture),
    (0x0000_8000, QueueType::Output),
    (0x0000_4000, QueueType::CaptureMultiPlanar),
    (0x0000_4000, QueueType::OutputMultiPlanar),
];

/// `V4L2_CAP_STREAMING`.
const STREAMING: u32 = 0x0400_0000;

/// `V4L2_CAP_IO_MC`.
const IO_MC: u32 = 0x2000_0000;

/// Drivers of devices that no one uses: what they film is made up.
const VIRTUAL: &[&str] = &["vivid", "vimc"];

/// Frames tried in search of a size, in pixels.
const FRAMES: &[(u32, u32)] = &[
    (16, 16),
    (64, 64),
    (128, 128),
    (320, 180),
    (320, 240),
    (640, 360),
    (640, 480),
    (1280, 720),
    (1920, 1080),
    (3840, 2160),
];

fn find(system: &System) -> Vec<Endpoint> {
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    let mut found: Vec<Endpoint> =
        system.nodes("video4linux", "video", "").into_iter().flat_map(|node| queues_of(&node)).collect();
    for endpoint in &mut found {
        let number = numbers.entry(endpoint.key.clone()).or_insert(0);
        endpoint.key = format!("{}{number}", endpoint.key);
        *number += 1;
    }
    found
}

fn queues_of(node: &Node) -> Vec<Endpoint> {
    let describe = |driver: &str, direction: &str| {
        let endpoint = Endpoint::new(Kind::V4l2, format!("v4l2-{driver}-{direction}"), driver, node.path.clone());
        Endpoint { topology: format!("{}#{}", node.topology, node.index), ..endpoint }
    };
    let opened = v4l::Device::with_path(&node.path);
    let device = match opened {
        Ok(device) => device,
        Err(error) => return vec![describe(&node.driver, "queue").blocked_by(&error)],
    };
    let device = uapi::v4l2::descriptor(&device);
    let about = match uapi::v4l2::capability(device) {
        Ok(about) => about,
        Err(errno) => return vec![describe(&node.driver, "queue").blocked_by(&errno.into())],
    };
    if about.capabilities & STREAMING == 0 {
        return Vec::new();
    }
    let queues = || QUEUES.iter().filter(|(bit, _)| about.capabilities & bit != 0).map(|&(_, queue)| queue);
    let endpoint = |queue: QueueType| {
        let other = queues().find(|other| other.output() != queue.output());
        let (frames, beside) = frames_and_other_queue(device, queue, other);
        let endpoint = describe(&about.driver, if queue.output() { "out" } else { "cap" });
        let work = ability(device, queue, other).into_iter().collect();
        // Where a media controller sets the pipeline, what a queue lists says nothing of what it can have.
        let pixels = if about.capabilities & IO_MC == 0 { pixels_of(device, queue, other) } else { Vec::new() };
        // What a mem2mem node does, it does for the file that asks, and for every file in turn.
        let spare = other.is_some() || VIRTUAL.contains(&about.driver.as_str());
        let parts = if about.capabilities & IO_MC == 0 { None } else { Pipeline::of(device) };
        let shares = parts.map(|parts| parts.name());
        let endpoint = Endpoint { queue: Some(queue), beside, work, pixels, spare, shares, ..endpoint };
        match uapi::v4l2::request_buffers(device, queue, Memory::Mmap, 0) {
            Ok(answer) => Endpoint {
                exports: answer.capabilities & uapi::v4l2::SUPPORTS_MMAP != 0,
                imports: answer.capabilities & uapi::v4l2::SUPPORTS_DMABUF != 0,
                reads: copy::copies(&about.driver) && queue.output(),
                writes: copy::copies(&about.driver) && !queue.output(),
                smallest: frames.iter().map(bytes).min().unwrap_or(1),
                frames,
                ..endpoint
            },
            Err(errno) => endpoint.blocked_by(&std::io::Error::from(errno)),
        }
    };
    queues().map(endpoint).filter(|found| found.exports || found.imports || found.blocked.is_some()).collect()
}

/// The work of a queue's device with frames. A decoder does nothing with bytes that are not a stream of its codec, and has no
/// part in it.
fn ability(device: BorrowedFd<'_>, queue: QueueType, other: Option<QueueType>) -> Option<Ability> {
    let reads = if queue.output() { Some(queue) } else { other };
    let decodes =
        reads.is_some_and(|reads| uapi::v4l2::formats(device, reads).iter().all(|offered| offered.compressed));
    match (queue.output(), other) {
        _ if decodes => None,
        (false, None) => Some(Ability::Capture),
        (false, Some(_)) => Some(Ability::Convert),
        (true, Some(_)) => Some(Ability::ConvertFrom),
        // A device that reads frames and shows them to no one here.
        (true, None) => None,
    }
}

/// The sorts of pixels of a device's frames: of those that it reads, if it reads any.
fn pixels_of(device: BorrowedFd<'_>, queue: QueueType, other: Option<QueueType>) -> Vec<spec::case::Pixels> {
    let lead = [Some(queue), other].into_iter().flatten().find(|queue| queue.output()).unwrap_or(queue);
    let offered: Vec<u32> = uapi::v4l2::formats(device, lead).iter().map(|offered| offered.fourcc).collect();
    pixels::sorts(&offered)
}

/// The frames that a queue offers. What an encoder writes is as large as what it reads demands, and has one size: the
/// other queue is then set to its smallest frame, or each buffer would be of megabytes.
fn frames_and_other_queue(
    device: BorrowedFd<'_>,
    queue: QueueType,
    other: Option<QueueType>,
) -> (Vec<Format>, Option<(QueueType, Format)>) {
    let own: Vec<Format> = frames(device, queue).collect();
    let fixed = own.windows(2).all(|pair| bytes(&pair[0]) == bytes(&pair[1]));
    let Some(other) = other.filter(|_| fixed && !own.is_empty()) else { return (own, None) };
    let smallest = frames(device, other).min_by_key(bytes);
    let set = smallest.and_then(|smallest| uapi::v4l2::set_format(device, other, &smallest).ok());
    (frames(device, queue).collect(), set.map(|set| (other, set)))
}

/// The frames of one buffer that a queue offers, in the pixel format that it has now or else the first that fits.
fn frames(device: BorrowedFd<'_>, queue: QueueType) -> impl Iterator<Item = Format> {
    let current = uapi::v4l2::format(device, queue).ok().map(|format| format.fourcc);
    let offered = uapi::v4l2::formats(device, queue).into_iter().map(|offered| offered.fourcc);
    let in_one_buffer = move |fourcc: u32| {
        let attempt = |&(width, height): &(u32, u32)| {
            let wish = Format { width, height, fourcc, sizes: vec![0], strides: vec![0] };
            uapi::v4l2::try_format(device, queue, &wish)
                .ok()
                .filter(|format| format.sizes.len() == 1 && bytes(format) > 0)
        };
        FRAMES.iter().filter_map(attempt).collect::<Vec<_>>()
    };
    let candidates = current.into_iter().chain(offered).map(in_one_buffer);
    candidates.into_iter().find(|frames| !frames.is_empty()).unwrap_or_default().into_iter()
}

fn bytes(format: &Format) -> u64 {
    format.sizes.iter().map(|&size| u64::from(size)).sum()
}

fn open(endpoint: &Endpoint) -> std::io::Result<Rc<dyn Device>> {
    let queue = endpoint.queue.expect("a V4L2 endpoint has a queue");
    let open = OpenQueue::open(endpoint, queue)?;
    // The formats of a mem2mem node are those of the open file: no other file has them, and they end with it.
    if let Some((other, format)) = &endpoint.beside {
        uapi::v4l2::set_format(open.device(), *other, format)?;
    }
    Ok(Rc::new(Queue(Rc::new(open))))
}

struct OpenQueue {
    node: v4l::Device,
    path: PathBuf,
    queue: QueueType,
    mem2mem: bool,
    frames: Vec<Format>,
    before: Option<Format>,
    allocation: RefCell<Weak<Allocation>>,
}

impl OpenQueue {
    fn open(endpoint: &Endpoint, queue: QueueType) -> std::io::Result<Self> {
        let (path, frames) = (endpoint.node.clone(), endpoint.frames.clone());
        let mem2mem = endpoint.work.iter().any(|able| matches!(able, Ability::Convert | Ability::ConvertFrom));
        let node = v4l::Device::with_path(&path)?;
        let before = uapi::v4l2::format(uapi::v4l2::descriptor(&node), queue).ok();
        Ok(Self { node, path, queue, mem2mem, frames, before, allocation: RefCell::default() })
    }

    fn device(&self) -> BorrowedFd<'_> {
        uapi::v4l2::descriptor(&self.node)
    }

    /// Sets the smallest frame of at least, or the largest of at most, this many bytes.
    fn set_frame(&self, size: ImportSize) -> Result<Format, Refusal> {
        let frames = self.frames.iter();
        let chosen = match size {
            ImportSize::AtLeast(size) => frames.filter(|frame| bytes(frame) >= size).min_by_key(|frame| bytes(frame)),
            ImportSize::Within(size) => frames.filter(|frame| bytes(frame) <= size).max_by_key(|frame| bytes(frame)),
        };
        let chosen = chosen.ok_or(Refusal::NotAsked("no frame of this queue has such a size"))?;
        uapi::v4l2::set_format(self.device(), self.queue, chosen).map_err(Refusal::of("VIDIOC_S_FMT"))
    }

    fn request(&self, memory: Memory, count: u32) -> Result<u32, Refusal> {
        let answer = uapi::v4l2::request_buffers(self.device(), self.queue, memory, count);
        answer.map(|answer| answer.count).map_err(Refusal::of("VIDIOC_REQBUFS"))
    }
}

impl Drop for OpenQueue {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = uapi::v4l2::set_format(self.device(), self.queue, before);
        }
    }
}

struct Queue(Rc<OpenQueue>);

impl Device for Queue {
    fn allocate(&self, size: u64) -> Result<Rc<dyn Buffer>, Refusal> {
        let queue = &self.0;
        let running = queue.allocation.borrow().upgrade();
        let allocation = match running {
            Some(allocation) => allocation,
            None => Allocation::new(queue, size)?,
        };
        *queue.allocation.borrow_mut() = Rc::downgrade(&allocation);
        let index = allocation.handed_out.replace_with(|count| *count + 1);
        if index >= allocation.count {
            return Err(Refusal::NotAsked("VIDIOC_REQBUFS gave no further buffer"));
        }
        let planes = uapi::v4l2::query_buffer(queue.device(), queue.queue, index);
        let planes = planes.map_err(Refusal::of("VIDIOC_QUERYBUF"))?;
        let plane = *planes.first().ok_or(Refusal::NotAsked("VIDIOC_QUERYBUF describes no plane"))?;
        Ok(Rc::new(QueueBuffer { allocation, index, plane }))
    }

    fn import(&self, number: i32, size: ImportSize) -> Result<Rc<dyn Buffer>, Refusal> {
        let queue = self.0.clone();
        let frame = queue.set_frame(size)?;
        queue.request(Memory::DmaBuf, 1)?;
        let imported = Imported { length: bytes(&frame), file: copy::Known::of(number), queue };
        let kind = imported.queue.queue;
        let used = if kind.output() { bytes(&frame) as u32 } else { 0 };
        // Without a length it is the file's; but `__verify_length` compare what a multi-planar output uses with it.
        let length = if kind.multi_planar() { used } else { 0 };
        let file = PlaneFile { number, length, used, offset: 0 };
        let answer = uapi::v4l2::queue_dma_buf(imported.queue.device(), imported.queue.queue, 0, &[file]);
        answer.map_err(Refusal::of("VIDIOC_QBUF"))?;
        Ok(Rc::new(imported))
    }

    fn work(&self, work: &Work<'_>) -> Result<WorkResult, WorkError> {
        if work.asked.of_display() {
            return Err(WorkError::Call(Refusal::NotAsked("planes, layouts by name and fences are a display's")));
        }
        run::work(&self.0, work)
    }

    fn flow(&self, work: &Work<'_>, at_once: usize, feed: &mut dyn crate::Feed) -> Result<(), WorkError> {
        flow::flow(&self.0, work, at_once, feed)
    }

    fn misuse(&self, how: DeviceMisuse) -> Result<(), Refusal> {
        misuse::make(self, how)
    }
}

/// The queue's own buffers, freed with the last of them.
struct Allocation {
    queue: Rc<OpenQueue>,
    count: u32,
    handed_out: RefCell<u32>,
}

impl Allocation {
    fn new(queue: &Rc<OpenQueue>, size: u64) -> Result<Rc<Self>, Refusal> {
        queue.set_frame(ImportSize::AtLeast(size))?;
        let count = queue.request(Memory::Mmap, 2)?;
        Ok(Rc::new(Self { queue: queue.clone(), count, handed_out: RefCell::new(0) }))
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        let _ = self.queue.request(Memory::Mmap, 0);
    }
}

struct QueueBuffer {
    allocation: Rc<Allocation>,
    index: u32,
    plane: PlaneBuffer,
}

impl Buffer for QueueBuffer {
    fn size(&self) -> u64 {
        // videobuf2 rounds a buffer up to pages (`__vb2_buf_mem_alloc`) and its dma-buf has that size.
        u64::from(self.plane.length).next_multiple_of(uapi::memory::page_size() as u64)
    }

    fn export(&self, flags: ExportFlags) -> Result<OwnedFd, Refusal> {
        export(&self.allocation.queue, self.index, flags)
    }

    fn map(&self, window: Window, access: Access) -> Result<Mapping, Refusal> {
        let window = Window { offset: u64::from(self.plane.offset) + window.offset, ..window };
        map(&self.allocation.queue, window, access)
    }
}

/// A dma-buf in a queue, released with it.
struct Imported {
    queue: Rc<OpenQueue>,
    length: u64,
    file: copy::Known,
}

impl Buffer for Imported {
    fn size(&self) -> u64 {
        self.length
    }

    fn export(&self, flags: ExportFlags) -> Result<OwnedFd, Refusal> {
        export(&self.queue, 0, flags)
    }

    fn map(&self, window: Window, access: Access) -> Result<Mapping, Refusal> {
        map(&self.queue, window, access)
    }

    fn device_read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Refusal> {
        copy::read(self, offset, bytes)
    }

    fn device_write(&self, bytes: &[u8]) -> Result<(), Refusal> {
        copy::write(self, bytes)
    }
}

impl Drop for Imported {
    fn drop(&mut self) {
        let _ = self.queue.request(Memory::DmaBuf, 0);
    }
}

fn export(queue: &OpenQueue, index: u32, flags: ExportFlags) -> Result<OwnedFd, Refusal> {
    let access = if flags.writable { OFlag::O_RDWR } else { OFlag::O_RDONLY };
    let exec = if flags.close_on_exec { OFlag::O_CLOEXEC } else { OFlag::empty() };
    let answer = uapi::v4l2::export_buffer(queue.device(), queue.queue, index, 0, access | exec);
    answer.map_err(Refusal::of("VIDIOC_EXPBUF"))
}

fn map(queue: &OpenQueue, window: Window, access: Access) -> Result<Mapping, Refusal> {
    let answer = Mapping::of_file(queue.device(), window, access, Sharing::Shared);
    answer.map_err(Refusal::of("mmap of the V4L2 node"))
}
