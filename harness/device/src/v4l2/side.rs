//! One queue of a device at work, with its own buffers or with imported ones. Dropping it stops it and frees them.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use spec::step::StreamCall;
use uapi::memory::{Access, Mapping, Sharing, Window, page_size};
use uapi::v4l2::{self, Done, Format, Memory, PlaneFile, QueueType};

use crate::refusal::Refusal;
use crate::work::{Buffers, Work, WorkError, place};

/// The time after which a frame is late. A camera with a second of exposure is in time.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// A queue with its buffers.
pub struct Side<'a> {
    device: BorrowedFd<'a>,
    queue: QueueType,
    format: Format,
    buffers: Buffers<'a>,
    work: &'a Work<'a>,
    /// The buffers of each index, where they are the device's own.
    own: Vec<Vec<(Mapping, usize)>>,
    /// Which frame lies in the buffer of each index.
    holds: Vec<usize>,
    first: u32,
}

impl<'a> Side<'a> {
    /// Gives a queue buffers for this many frames at a time.
    pub fn new(
        device: BorrowedFd<'a>,
        queue: QueueType,
        format: Format,
        work: &'a Work<'a>,
        count: usize,
    ) -> Result<Self, WorkError> {
        let buffers = if queue.output() { work.output } else { work.capture };
        let mut side = Self { device, queue, format, buffers, work, own: vec![], holds: vec![0; count], first: 0 };
        let (memory, wanted) = (side.memory(), count as u32);
        if work.asked.calls.contains(&StreamCall::CreateBufs) {
            side.first = v4l2::create_buffers(device, queue, memory, wanted, &side.format)
                .map_err(Refusal::of("VIDIOC_CREATE_BUFS"))
                .map_err(WorkError::Call)?;
        } else {
            v4l2::request_buffers(device, queue, memory, wanted)
                .map_err(Refusal::of("VIDIOC_REQBUFS"))
                .map_err(WorkError::Call)?;
        }
        if !side.buffers.imported() {
            side.own = (0..wanted).map(|index| side.map(index)).collect::<Result<_, _>>().map_err(WorkError::Call)?;
        }
        Ok(side)
    }

    fn memory(&self) -> Memory {
        if self.buffers.imported() { Memory::DmaBuf } else { Memory::Mmap }
    }

    fn map(&self, index: u32) -> Result<Vec<(Mapping, usize)>, Refusal> {
        let planes = v4l2::query_buffer(self.device, self.queue, self.first + index);
        let planes = planes.map_err(Refusal::of("VIDIOC_QUERYBUF"))?;
        let map = |plane: &v4l2::PlaneBuffer| {
            let length = plane.length as usize;
            let window = Window { offset: u64::from(plane.offset), len: length.next_multiple_of(page_size()) };
            let mapping = Mapping::of_file(self.device, window, Access::ReadWrite, Sharing::Shared);
            mapping.map(|mapping| (mapping, length)).map_err(Refusal::of("mmap of the V4L2 node"))
        };
        planes.iter().map(map).collect()
    }

    /// Hands a frame's buffers to the device, at an index that is free.
    pub fn queue(&mut self, index: usize, frame: usize) -> Result<(), WorkError> {
        self.holds[index] = frame;
        let number = self.first + index as u32;
        let output = self.queue.output();
        let prepare = self.work.asked.calls.contains(&StreamCall::PrepareBuf);
        let Buffers::Imported(files) = self.buffers else {
            self.fill(index);
            let used: Vec<u32> = self.format.sizes.iter().map(|&size| if output { size } else { 0 }).collect();
            if prepare {
                let answer = v4l2::prepare_own(self.device, self.queue, number, &used);
                answer.map_err(Refusal::of("VIDIOC_PREPARE_BUF")).map_err(WorkError::Call)?;
            }
            let answer = v4l2::queue_own(self.device, self.queue, number, &used);
            return answer.map_err(Refusal::of("VIDIOC_QBUF")).map_err(WorkError::Call);
        };
        let planes = self.format.sizes.len();
        let offset = if output { self.work.asked.offset.0 as u32 } else { 0 };
        if offset > 0 && !self.queue.multi_planar() {
            return Err(WorkError::Call(Refusal::NotAsked("a single-planar queue has no data_offset")));
        }
        let plane = |(file, &size): (&BorrowedFd<'_>, &u32)| {
            let used = if output { offset + size } else { 0 };
            // Without a length it is the file's; but `__verify_length` compare what a multi-planar output uses with it.
            let length = if self.queue.multi_planar() { used } else { 0 };
            PlaneFile { number: file.as_raw_fd(), length, used, offset }
        };
        let given: Vec<PlaneFile> = files[frame * planes..].iter().zip(&self.format.sizes).map(plane).collect();
        if prepare {
            let answer = v4l2::prepare_dma_buf(self.device, self.queue, number, &given);
            answer.map_err(Refusal::of("VIDIOC_PREPARE_BUF")).map_err(WorkError::Import)?;
        }
        let answer = v4l2::queue_dma_buf(self.device, self.queue, number, &given);
        answer.map_err(Refusal::of("VIDIOC_QBUF")).map_err(WorkError::Import)
    }

    fn fill(&self, index: usize) {
        let Buffers::Own(word) = self.buffers else { return };
        let first = self.holds[index] * self.format.sizes.len();
        for (number, (mapping, _)) in self.own[index].iter().enumerate() {
            // What is to be written holds the same in every buffer.
            let number = if self.queue.output() { first + number } else { 0 };
            mapping.write_words(|at| word(place(number, at)));
        }
    }

    /// Starts it.
    pub fn start(&self) -> Result<(), WorkError> {
        let answer = v4l2::stream_on(self.device, self.queue);
        answer.map_err(Refusal::of("VIDIOC_STREAMON")).map_err(WorkError::Call)
    }

    /// Stops it, and takes back every buffer.
    pub fn stop(&self) -> Result<(), WorkError> {
        let answer = v4l2::stream_off(self.device, self.queue);
        answer.map_err(Refusal::of("VIDIOC_STREAMOFF")).map_err(WorkError::Call)
    }

    /// Waits for a frame and takes it back. Tells the index and which frame it is.
    pub fn done(&self, number: usize, of: usize) -> Result<(usize, usize, Done), WorkError> {
        let call = |call: &'static str| move |errno| WorkError::Call(Refusal::of(call)(errno));
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(done) = v4l2::take_done(self.device, self.queue, self.memory()).map_err(call("VIDIOC_DQBUF"))? {
                let index = done.index.wrapping_sub(self.first) as usize;
                let strange = WorkError::Call(Refusal::NotAsked("VIDIOC_DQBUF returned an index that was not queued"));
                let frame = *self.holds.get(index).ok_or(strange)?;
                return if done.faulty {
                    Err(WorkError::Faulty { frame: number, of })
                } else {
                    Ok((index, frame, done))
                };
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(WorkError::Late { frame: number, of, seconds: PATIENCE.as_secs() });
            }
            let ready = v4l2::wait_done(self.device, self.queue.output(), left).map_err(call("poll"))?;
            if ready {
                // With POLLERR it is ready at once, and has nothing.
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }

    /// The device's own buffers of an index, as they are now; as many empty ones where they are imported.
    pub fn bytes(&self, index: usize) -> Vec<Vec<u8>> {
        let read = |(mapping, length): &(Mapping, usize)| mapping.read_bytes(*length);
        self.own
            .get(index)
            .map_or_else(|| vec![Vec::new(); self.format.sizes.len()], |own| own.iter().map(read).collect())
    }
}

impl Drop for Side<'_> {
    fn drop(&mut self) {
        let _ = v4l2::stream_off(self.device, self.queue);
        let memory = self.memory();
        self.own.clear();
        let _ = v4l2::request_buffers(self.device, self.queue, memory, 0);
    }
}
