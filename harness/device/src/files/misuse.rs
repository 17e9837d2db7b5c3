//! A dma-buf's file, used wrongly on purpose.

use std::os::fd::{AsRawFd, BorrowedFd};

use spec::step::FileMisuse;
use uapi::Errno;
use uapi::misuse::{self, Argument};

/// Makes the call.
///
/// # Errors
/// The errno of the call.
pub fn make(file: BorrowedFd<'_>, how: FileMisuse) -> Result<(), Errno> {
    /// `DMA_BUF_SYNC_READ`, and a bit that means nothing.
    const READ: u32 = 1;
    const UNKNOWN: u32 = 1 << 8;
    // The struct of both sync file calls.
    let argument = |flags: u32, fd: i32| [flags.to_ne_bytes(), fd.to_ne_bytes()].concat();
    let export = |flags| misuse::make(file, misuse::EXPORT_SYNC_FILE, Argument::Bytes(&mut argument(flags, -1)));
    let import = |flags, fd| misuse::make(file, misuse::IMPORT_SYNC_FILE, Argument::Bytes(&mut argument(flags, fd)));
    match how {
        FileMisuse::Read => nix::unistd::read(file, &mut [0; 8]).map(drop),
        FileMisuse::Write => nix::unistd::write(file, &[0; 8]).map(drop),
        FileMisuse::Truncate => nix::unistd::ftruncate(file, 0),
        FileMisuse::UnknownCall => misuse::make(file, misuse::SYNC.unknown(), Argument::Bytes(&mut [0; 8])),
        FileMisuse::SyncNull => misuse::make(file, misuse::SYNC, Argument::Null),
        FileMisuse::SetNameNull => misuse::make(file, misuse::SET_NAME, Argument::Null),
        FileMisuse::ExportSyncFileNull => misuse::make(file, misuse::EXPORT_SYNC_FILE, Argument::Null),
        FileMisuse::ExportSyncFileUnwritable => {
            misuse::make(file, misuse::EXPORT_SYNC_FILE, Argument::ReadOnly(&argument(READ, -1)))
        }
        FileMisuse::ExportSyncFileNoFlag => export(0),
        FileMisuse::ExportSyncFileUnknownFlag => export(READ | UNKNOWN),
        FileMisuse::ImportSyncFileNull => misuse::make(file, misuse::IMPORT_SYNC_FILE, Argument::Null),
        FileMisuse::ImportSyncFileNoFlag => import(0, file.as_raw_fd()),
        FileMisuse::ImportSyncFileUnknownFlag => import(READ | UNKNOWN, file.as_raw_fd()),
        FileMisuse::ImportSyncFileClosed => import(READ, -1),
    }
}
