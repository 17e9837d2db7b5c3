//! A dma-heap used wrongly on purpose. Reference: `drivers/dma-buf/dma-heap.c`: dma_heap_ioctl, dma_heap_ioctl_allocate.

use std::os::fd::AsFd;

use spec::step::DeviceMisuse;
use uapi::misuse::{self, Argument, Call, HEAP_ALLOC};

use super::Heap;
use crate::refusal::{NO_SUCH_CALL, Refusal};

/// `struct dma_heap_allocation_data`.
#[derive(Clone, Copy)]
struct Allocation {
    len: u64,
    fd: u32,
    fd_flags: u32,
    heap_flags: u64,
}

impl Allocation {
    fn bytes(self) -> Vec<u8> {
        let mut bytes = self.len.to_ne_bytes().to_vec();
        bytes.extend(self.fd.to_ne_bytes());
        bytes.extend(self.fd_flags.to_ne_bytes());
        bytes.extend(self.heap_flags.to_ne_bytes());
        // A field that this kernel does not know, for a struct that is longer than its own.
        bytes.resize(32, 0);
        bytes
    }
}

pub(super) fn make(heap: &Heap, how: DeviceMisuse) -> Result<(), Refusal> {
    let good = Allocation { len: 4096, fd: 0, fd_flags: nix::libc::O_CLOEXEC as u32, heap_flags: 0 };
    let call = |call: Call, argument: Allocation| made(heap, call, Argument::Bytes(&mut argument.bytes()));
    match how {
        DeviceMisuse::UnknownCall => call(HEAP_ALLOC.unknown(), good),
        DeviceMisuse::ForeignCall => call(HEAP_ALLOC.foreign(), good),
        DeviceMisuse::ExportNull => made(heap, HEAP_ALLOC, Argument::Null),
        DeviceMisuse::ExportUnwritable => made(heap, HEAP_ALLOC, Argument::ReadOnly(&good.bytes())),
        DeviceMisuse::ExportUnknownFlag => {
            call(HEAP_ALLOC, Allocation { fd_flags: nix::libc::O_APPEND as u32, ..good })
        }
        DeviceMisuse::AllocateNothing => call(HEAP_ALLOC, Allocation { len: 0, ..good }),
        // PAGE_ALIGN makes 0 of it.
        DeviceMisuse::AllocateOverflow => call(HEAP_ALLOC, Allocation { len: u64::MAX, ..good }),
        DeviceMisuse::HeapUnknownFlag => call(HEAP_ALLOC, Allocation { heap_flags: 1 << 63, ..good }),
        DeviceMisuse::HeapFileGiven => call(HEAP_ALLOC, Allocation { fd: 1, ..good }),
        DeviceMisuse::HeapShorter => call(HEAP_ALLOC.sized(16), good),
        DeviceMisuse::HeapLonger => call(HEAP_ALLOC.sized(32), good),
        _ => Err(NO_SUCH_CALL),
    }
}

fn made(heap: &Heap, call: Call, argument: Argument<'_>) -> Result<(), Refusal> {
    misuse::make(heap.node.as_fd(), call, argument).map_err(Refusal::of("DMA_HEAP_IOCTL_ALLOC"))
}
