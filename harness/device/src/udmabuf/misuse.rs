//! udmabuf used wrongly on purpose. Reference: `drivers/dma-buf/udmabuf.c`: udmabuf_create, check_memfd_seals.

use std::os::fd::{AsFd, AsRawFd};

use nix::fcntl::SealFlag;
use spec::step::DeviceMisuse;
use uapi::misuse::{self, Argument, Call, UDMABUF_CREATE, UDMABUF_CREATE_LIST};

use super::Udmabuf;
use crate::refusal::{NO_SUCH_CALL, Refusal};

/// `UDMABUF_FLAGS_CLOEXEC`, and a flag that does not exist.
const CLOEXEC: u32 = 1;
const UNKNOWN_FLAG: u32 = 1 << 30;
/// More than the module parameter `list_limit` allows by default, 1024.
const LONG: u32 = 1025;
/// `F_SEAL_FUTURE_WRITE`, which nix has no name for.
const FUTURE_WRITE: SealFlag = SealFlag::from_bits_retain(0x10);

/// The memory of a part of a buffer.
struct Part {
    memory: i32,
    flags: u32,
    offset: u64,
    size: u64,
}

impl Part {
    /// `struct udmabuf_create`; an item of a list has the same layout, with no flags.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = [self.memory.to_ne_bytes(), self.flags.to_ne_bytes()].concat();
        bytes.extend(self.offset.to_ne_bytes());
        bytes.extend(self.size.to_ne_bytes());
        bytes
    }
}

pub(super) fn make(udmabuf: &Udmabuf, how: DeviceMisuse) -> Result<(), Refusal> {
    let page = uapi::memory::page_size() as u64;
    let memory = |seals| uapi::udmabuf::sealed_file(2 * page, seals).map_err(Refusal::of("memfd_create"));
    let shrink = SealFlag::F_SEAL_SHRINK;
    let sealed = memory(match how {
        DeviceMisuse::MemoryUnsealed => SealFlag::empty(),
        DeviceMisuse::MemoryWriteSealed => shrink | SealFlag::F_SEAL_WRITE,
        DeviceMisuse::MemoryFutureWriteSealed => shrink | FUTURE_WRITE,
        _ => shrink,
    })?;
    let good = Part { memory: sealed.as_raw_fd(), flags: CLOEXEC, offset: 0, size: page };
    let create = |part: Part| call(udmabuf, UDMABUF_CREATE, &mut part.bytes());
    match how {
        DeviceMisuse::UnknownCall => call(udmabuf, UDMABUF_CREATE.unknown(), &mut good.bytes()),
        DeviceMisuse::ForeignCall => call(udmabuf, UDMABUF_CREATE.foreign(), &mut good.bytes()),
        DeviceMisuse::ExportNull => {
            misuse::make(udmabuf.node.as_fd(), UDMABUF_CREATE, Argument::Null).map_err(Refusal::of("UDMABUF_CREATE"))
        }
        DeviceMisuse::ExportUnknownFlag => create(Part { flags: CLOEXEC | UNKNOWN_FLAG, ..good }),
        DeviceMisuse::AllocateNothing => create(Part { size: 0, ..good }),
        DeviceMisuse::AllocateOverflow => create(Part { size: u64::MAX - page + 1, ..good }),
        DeviceMisuse::MemoryUnsealed | DeviceMisuse::MemoryWriteSealed | DeviceMisuse::MemoryFutureWriteSealed => {
            create(good)
        }
        DeviceMisuse::MemoryOther => create(Part { memory: udmabuf.node.as_raw_fd(), ..good }),
        DeviceMisuse::MemoryClosed => create(Part { memory: -1, ..good }),
        DeviceMisuse::MemoryUnalignedOffset => create(Part { offset: 8, ..good }),
        DeviceMisuse::MemoryUnalignedSize => create(Part { size: page - 8, ..good }),
        DeviceMisuse::MemoryPastEnd => create(Part { offset: page, size: 2 * page, ..good }),
        DeviceMisuse::MemoryLongList => {
            let mut list = [CLOEXEC.to_ne_bytes(), LONG.to_ne_bytes()].concat();
            let item = Part { flags: 0, ..good }.bytes();
            (0..LONG).for_each(|_| list.extend(&item));
            call(udmabuf, UDMABUF_CREATE_LIST, &mut list)
        }
        _ => Err(NO_SUCH_CALL),
    }
}

fn call(udmabuf: &Udmabuf, call: Call, argument: &mut [u8]) -> Result<(), Refusal> {
    misuse::make(udmabuf.node.as_fd(), call, Argument::Bytes(argument)).map_err(Refusal::of("UDMABUF_CREATE"))
}
