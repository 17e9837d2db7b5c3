//! A V4L2 queue used wrongly on purpose. Reference: `Documentation/userspace-api/media/v4l/vidioc-expbuf.rst`,
//! `drivers/media/common/videobuf2/videobuf2-core.c`: vb2_core_expbuf.

use spec::step::DeviceMisuse;
use uapi::Errno;
use uapi::misuse::{self, Argument, Call, EXPBUF, QBUF};
use uapi::v4l2::{Memory, PlaneFile};

use super::Queue;
use crate::buffer::Device;
use crate::refusal::{NO_SUCH_CALL, Refusal};

/// `O_APPEND`: neither O_CLOEXEC nor an access mode.
const UNKNOWN_FLAG: u32 = nix::libc::O_APPEND as u32;
/// `VIDEO_MAX_FRAME`, `VIDEO_MAX_PLANES`: no queue has that many.
const NO_INDEX: u32 = 32;
const NO_PLANE: u32 = 8;
/// No `enum v4l2_buf_type`.
const NO_QUEUE: u32 = 200;

pub(super) fn make(queue: &Queue, how: DeviceMisuse) -> Result<(), Refusal> {
    let device = queue.0.device();
    let ours = queue.0.queue as u32;
    let bytes = |call: Call, [queue, index, plane, flags]: [u32; 4]| {
        let answer = misuse::make(device, call, Argument::Bytes(&mut argument([queue, index, plane, flags])));
        answer.map_err(expbuf())
    };
    match how {
        DeviceMisuse::UnknownCall => {
            let answer = misuse::make(device, EXPBUF.unknown(), Argument::Bytes(&mut [0; 64]));
            return answer.map_err(Refusal::of("an unknown ioctl"));
        }
        DeviceMisuse::ExportNull => return misuse::make(device, EXPBUF, Argument::Null).map_err(expbuf()),
        DeviceMisuse::ImportNull => {
            return misuse::make(device, QBUF, Argument::Null).map_err(Refusal::of("VIDIOC_QBUF"));
        }
        DeviceMisuse::ExportImported => {
            queue.0.request(Memory::DmaBuf, 1)?;
            let answer = bytes(EXPBUF, [ours, 0, 0, 0]);
            let _ = queue.0.request(Memory::DmaBuf, 0);
            return answer;
        }
        _ => {}
    }
    // What follows is asked of a queue that has a buffer, so that nothing else is wrong.
    let buffer = queue.allocate(1)?;
    let answer = match how {
        DeviceMisuse::ForeignCall => bytes(EXPBUF.foreign(), [ours, 0, 0, 0]),
        DeviceMisuse::ExportUnknownFlag => bytes(EXPBUF, [ours, 0, 0, UNKNOWN_FLAG]),
        DeviceMisuse::ExportNoPlane => bytes(EXPBUF, [ours, 0, NO_PLANE, 0]),
        DeviceMisuse::ExportNoIndex => bytes(EXPBUF, [ours, NO_INDEX, 0, 0]),
        DeviceMisuse::ExportNoQueue => bytes(EXPBUF, [NO_QUEUE, 0, 0, 0]),
        DeviceMisuse::ExportUnwritable => {
            let flags = nix::libc::O_CLOEXEC as u32;
            misuse::make(device, EXPBUF, Argument::ReadOnly(&argument([ours, 0, 0, flags]))).map_err(expbuf())
        }
        DeviceMisuse::QueueOtherMemory => {
            let file = PlaneFile { number: -1, length: 0, used: 0, offset: 0 };
            uapi::v4l2::queue_dma_buf(device, queue.0.queue, 0, &[file]).map_err(Refusal::of("VIDIOC_QBUF"))
        }
        _ => Err(NO_SUCH_CALL),
    };
    drop(buffer);
    answer
}

fn expbuf() -> impl Fn(Errno) -> Refusal {
    Refusal::of("VIDIOC_EXPBUF")
}

/// `struct v4l2_exportbuffer`: type, index, plane, flags, then fd and reserved fields.
fn argument(fields: [u32; 4]) -> Vec<u8> {
    let mut bytes = fields.map(u32::to_ne_bytes).concat();
    bytes.resize(64, 0);
    bytes
}
