//! What a mock says to calls that are wrong: what the kernel says, but for the fault.

use spec::step::{DeviceMisuse, FileMisuse, Misfit};
use uapi::Errno;

use super::{Fault, memory};
use crate::refusal::Refusal;

/// The answer of a device.
pub(super) fn device(how: DeviceMisuse, fault: Fault) -> Result<(), Refusal> {
    if how == DeviceMisuse::ExportUnwritable && fault == Fault::LeaksAnswer {
        std::mem::forget(memory(1).map_err(Refusal::of("mock misuse"))?);
    }
    let answer = match how {
        DeviceMisuse::HeapShorter | DeviceMisuse::HeapLonger if fault == Fault::OneAge => Err(Errno::ENOTTY),
        DeviceMisuse::HeapShorter | DeviceMisuse::HeapLonger => Ok(()),
        DeviceMisuse::UnknownCall | DeviceMisuse::ForeignCall => Err(Errno::ENOTTY),
        DeviceMisuse::ExportNull | DeviceMisuse::ImportNull | DeviceMisuse::ExportUnwritable => Err(Errno::EFAULT),
        DeviceMisuse::ExportNoHandle | DeviceMisuse::ExportFreedHandle => Err(Errno::ENOENT),
        DeviceMisuse::MemoryOther | DeviceMisuse::MemoryClosed => Err(Errno::EBADFD),
        _ => Err(Errno::EINVAL),
    };
    with(fault, answer).map_err(Refusal::of("mock misuse"))
}

/// The answer of a dma-buf's file.
pub(super) fn file(how: FileMisuse, fault: Fault) -> Result<(), Errno> {
    with(
        fault,
        Err(match how {
            FileMisuse::UnknownCall => Errno::ENOTTY,
            FileMisuse::SyncNull
            | FileMisuse::SetNameNull
            | FileMisuse::ExportSyncFileNull
            | FileMisuse::ExportSyncFileUnwritable
            | FileMisuse::ImportSyncFileNull => Errno::EFAULT,
            _ => Errno::EINVAL,
        }),
    )
}

/// The answer to a framebuffer that does not fit.
pub(super) fn framebuffer(how: Misfit, fault: Fault) -> Result<(), Refusal> {
    let answer = match how {
        Misfit::NoHandle | Misfit::PlaneNoHandle => Errno::ENOENT,
        Misfit::Overflow => Errno::ERANGE,
        _ => Errno::EINVAL,
    };
    with(fault, Err(answer)).map_err(Refusal::of("mock framebuffer"))
}

fn with(fault: Fault, answer: Result<(), Errno>) -> Result<(), Errno> {
    match (fault, answer) {
        (Fault::AnythingGoes, _) => Ok(()),
        (Fault::WrongErrno, Err(_)) => Err(Errno::EIO),
        (_, answer) => answer,
    }
}
