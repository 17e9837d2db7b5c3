//! What a mem2mem device that copies does with an imported buffer: it reads it into a frame of its own, or writes a
//! frame of its own into it. So bytes go through the importer's DMA addresses and not through a CPU's mapping.

use std::os::fd::BorrowedFd;

use uapi::memory::{Access, Window};
use uapi::v4l2::{self, Memory, PlaneFile};

use super::{Imported, OpenQueue, map};
use crate::refusal::Refusal;

/// Drivers that are known to write what they read, byte for byte: those of `fixtures/kmod/prime_v4l2`.
const COPIERS: &[&str] = &["prime_vmalloc", "prime_contig", "prime_sg"];

pub fn copies(driver: &str) -> bool {
    COPIERS.contains(&driver)
}

/// A file's number and inode, to recognise it: VIDIOC_QBUF wants the number again for each frame.
pub struct Known {
    number: i32,
    inode: Option<u64>,
}

impl Known {
    pub fn of(number: i32) -> Self {
        Self { number, inode: inode(number) }
    }

    fn still(&self) -> Result<i32, Refusal> {
        let same = self.inode.is_some() && inode(self.number) == self.inode;
        same.then_some(self.number).ok_or(Refusal::NotAsked("the file was closed, and VIDIOC_QBUF wants it again"))
    }
}

fn inode(number: i32) -> Option<u64> {
    let about = std::fs::metadata(format!("/proc/self/fd/{number}"));
    about.ok().map(|about| std::os::unix::fs::MetadataExt::ino(&about))
}

/// Reads from `offset` of an imported buffer: it is the source, from its data_offset on.
pub fn read(imported: &Imported, offset: u64, bytes: &mut [u8]) -> Result<(), Refusal> {
    if !imported.queue.queue.output() {
        return Err(Refusal::NotAsked("a capture queue writes"));
    }
    let (offset, used) = (offset as u32, (offset + bytes.len() as u64) as u32);
    let target = Own::new(imported)?;
    let number = imported.file.still()?;
    run(imported, PlaneFile { number, length: imported.length as u32, used, offset }, 0)?;
    let shown = target.map(imported, Access::ReadOnly)?;
    for (index, part) in bytes.chunks_mut(8).enumerate() {
        part.copy_from_slice(&shown.read_word(index * 8).to_ne_bytes()[..part.len()]);
    }
    Ok(())
}

/// Writes an imported buffer from its start on: it is the target.
pub fn write(imported: &Imported, bytes: &[u8]) -> Result<(), Refusal> {
    if imported.queue.queue.output() {
        return Err(Refusal::NotAsked("an output queue reads"));
    }
    let source = Own::new(imported)?;
    let number = imported.file.still()?;
    let shown = source.map(imported, Access::ReadWrite)?;
    for (index, part) in bytes.chunks(8).enumerate() {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        shown.write_word(index * 8, u64::from_ne_bytes(word));
    }
    run(imported, PlaneFile { number, length: 0, used: 0, offset: 0 }, bytes.len() as u32)
}

/// One frame of the driver's own memory in the queue on the other side of the device, for as long as it is needed.
struct Own<'a> {
    queue: &'a OpenQueue,
    plane: v4l2::PlaneBuffer,
}

impl<'a> Own<'a> {
    fn new(imported: &'a Imported) -> Result<Self, Refusal> {
        let (queue, device) = (&*imported.queue, imported.queue.device());
        let other = queue.queue.other_side();
        let frame = v4l2::format(device, queue.queue).map_err(Refusal::of("VIDIOC_G_FMT"))?;
        v4l2::set_format(device, other, &frame).map_err(Refusal::of("VIDIOC_S_FMT"))?;
        v4l2::request_buffers(device, other, Memory::Mmap, 1).map_err(Refusal::of("VIDIOC_REQBUFS"))?;
        let planes = v4l2::query_buffer(device, other, 0).map_err(Refusal::of("VIDIOC_QUERYBUF"))?;
        let plane = *planes.first().ok_or(Refusal::NotAsked("VIDIOC_QUERYBUF describes no plane"))?;
        Ok(Self { queue, plane })
    }

    fn map(&self, imported: &Imported, access: Access) -> Result<uapi::memory::Mapping, Refusal> {
        let window = Window { offset: u64::from(self.plane.offset), len: self.plane.length as usize };
        map(&imported.queue, window, access)
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        let _ = v4l2::request_buffers(self.queue.device(), self.queue.queue.other_side(), Memory::Mmap, 0);
    }
}

/// One frame through the device. What is in the imported buffer's queue since the import is taken back first.
fn run(imported: &Imported, file: PlaneFile, own_used: u32) -> Result<(), Refusal> {
    let (device, queue) = (imported.queue.device(), imported.queue.queue);
    let other = queue.other_side();
    let ran = (|| {
        v4l2::stream_off(device, queue).map_err(Refusal::of("VIDIOC_STREAMOFF"))?;
        v4l2::queue_dma_buf(device, queue, 0, &[file]).map_err(Refusal::of("VIDIOC_QBUF"))?;
        v4l2::queue_own(device, other, 0, &[own_used]).map_err(Refusal::of("VIDIOC_QBUF"))?;
        [queue, other]
            .into_iter()
            .try_for_each(|queue| v4l2::stream_on(device, queue))
            .map_err(Refusal::of("VIDIOC_STREAMON"))?;
        done(device, queue, Memory::DmaBuf)?;
        done(device, other, Memory::Mmap)
    })();
    for queue in [queue, other] {
        let _ = v4l2::stream_off(device, queue);
    }
    ran
}

fn done(device: BorrowedFd<'_>, queue: v4l2::QueueType, memory: Memory) -> Result<(), Refusal> {
    v4l2::dequeue(device, queue, memory).map(drop).map_err(Refusal::of("VIDIOC_DQBUF"))
}
