//! What is done to a mock's files: as the kernel does it to a dma-buf's, but for the fault.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::unistd::Whence;
use spec::step::FileMisuse;
use uapi::dma_buf::{self, FileFlags};
use uapi::memory::{Mapping, Sharing};
use uapi::sync_file::Readiness;
use uapi::{CallError, Errno};

use super::{ATTACHED, Fault, fences, is_mock, misuse, reopen};
use crate::files::{Files, MapRequest, Pending};

/// The operations on a mock's files: as the kernel does them on a dma-buf, but for the fault.
pub(super) struct FaultyFiles {
    fault: Fault,
    /// The names that buffers were given, by inode.
    names: RefCell<BTreeMap<u64, String>>,
    /// True while an access of the CPU has begun and not ended.
    begun: Cell<bool>,
    /// True once the list of dma-bufs was read.
    listed: Cell<bool>,
}

impl FaultyFiles {
    pub(super) fn new(fault: Fault) -> Self {
        Self { fault, names: RefCell::default(), begun: Cell::new(false), listed: Cell::new(false) }
    }
}

impl Files for FaultyFiles {
    fn map(&self, file: BorrowedFd<'_>, request: MapRequest) -> Result<Mapping, CallError> {
        let MapRequest { mut window, access, mut sharing } = request;
        let size = dma_buf::size(file)?;
        let beyond = window.offset + window.len as u64 > size;
        if beyond && self.fault == Fault::LeaksRefusedMapping {
            std::mem::forget(dma_buf::duplicate(file)?);
        }
        if beyond && self.fault != Fault::PastEnd {
            return Err(Errno::EINVAL.into());
        }
        match self.fault {
            Fault::LeaksMapping => std::mem::forget(dma_buf::duplicate(file)?),
            // The driver is asked for whole pages only: what is left of the offset, the kernel refuses.
            Fault::WrongPage => window.offset %= uapi::memory::page_size() as u64,
            Fault::AdjustsMapping => {
                window.offset -= window.offset % uapi::memory::page_size() as u64;
                window.len = window.len.max(1);
            }
            Fault::PrivateMapping => sharing = Sharing::Private,
            Fault::SharesPrivate => sharing = Sharing::Shared,
            Fault::WritableMapping => {
                let writable = reopen(file, true)?;
                return Mapping::of_file(writable.as_fd(), window, access, sharing);
            }
            _ => {}
        }
        Mapping::of_file(file, window, access, sharing)
    }

    fn grow(&self, mapping: &mut Mapping, by: usize) -> Result<(), CallError> {
        if self.fault == Fault::Grows { mapping.grow(by) } else { Err(Errno::EFAULT.into()) }
    }

    fn reopen(&self, file: BorrowedFd<'_>) -> Result<std::fs::File, Errno> {
        if self.fault == Fault::Reopens { dma_buf::reopen(file) } else { Err(Errno::ENXIO) }
    }

    fn sync(&self, file: BorrowedFd<'_>, flags: u64) -> Result<(), Errno> {
        let bad = flags & !7 != 0 || flags & 3 == 0;
        if bad && self.fault != Fault::SyncAnyFlags || self.fault == Fault::SyncFails {
            return Err(Errno::EINVAL);
        }
        if flags & 4 == 0 && self.begun.get() && self.fault == Fault::SyncCounts {
            return Err(Errno::EINVAL);
        }
        self.begun.set(flags & 4 == 0);
        if self.fault == Fault::SyncScribbles {
            std::os::unix::fs::FileExt::write_at(&reopen(file, true)?, b"?", 100).map_err(|_| Errno::EIO)?;
        }
        Ok(())
    }

    fn readiness(&self, file: BorrowedFd<'_>, read: bool, write: bool) -> Result<Readiness, Errno> {
        fences::readiness(file, read, write, self.fault)
    }

    fn export_sync_file(&self, file: BorrowedFd<'_>, flags: u32) -> Result<OwnedFd, Errno> {
        fences::export(file, flags, self.fault)
    }

    fn import_sync_file(&self, file: BorrowedFd<'_>, flags: u32, sync_file: i32) -> Result<(), Errno> {
        fences::import(file, flags, sync_file, self.fault)
    }

    fn make_fence(&self) -> Result<Pending, &'static str> {
        fences::make().map_err(|_| "no memory for a mock's fence")
    }

    fn set_name(&self, file: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        let inode = dma_buf::inode(file)?;
        let mut names = self.names.borrow_mut();
        let mut name = name.to_string_lossy().into_owned();
        if name.len() > 31 && self.fault != Fault::NameCut {
            return Err(Errno::EINVAL);
        }
        name.truncate(31);
        match self.fault {
            Fault::NameLost => {}
            Fault::NameOnce if names.contains_key(&inode) => return Err(Errno::EINVAL),
            _ => drop(names.insert(inode, name)),
        }
        Ok(())
    }

    fn misuse(&self, _file: BorrowedFd<'_>, how: FileMisuse) -> Result<(), Errno> {
        misuse::file(how, self.fault)
    }

    fn seek(&self, file: BorrowedFd<'_>, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let allowed = offset == 0 && matches!(whence, Whence::SeekSet | Whence::SeekEnd);
        if self.fault == Fault::SeekFails || !allowed && self.fault != Fault::SeeksAnywhere {
            return Err(Errno::EINVAL);
        }
        let position = dma_buf::seek(file, offset, whence)?;
        Ok(if self.fault == Fault::WrongSize && matches!(whence, Whence::SeekEnd) { position + 4096 } else { position })
    }

    fn inode(&self, file: BorrowedFd<'_>) -> Result<u64, Errno> {
        if self.fault == Fault::OneInode { Ok(1) } else { dma_buf::inode(file) }
    }

    fn flags(&self, file: BorrowedFd<'_>) -> Result<FileFlags, Errno> {
        dma_buf::file_flags(file)
    }

    fn is_dma_buf(&self, file: BorrowedFd<'_>) -> Result<bool, Errno> {
        Ok(is_mock(file.as_raw_fd()) && self.fault != Fault::NoDmaBuf)
    }

    fn fdinfo(&self, file: BorrowedFd<'_>) -> std::io::Result<String> {
        let inode = dma_buf::inode(file)?;
        let (size, count) = (dma_buf::size(file)?, open_files().iter().filter(|(_, other)| *other == inode).count());
        let name = self.names.borrow().get(&inode).map_or(String::new(), |name| format!("name:\t{name}\n"));
        Ok(format!(
            "pos:\t0\nflags:\t02\nmnt_id:\t1\nino:\t{inode}\nsize:\t{size}\ncount:\t{count}\nexp_name:\tmock\n{name}"
        ))
    }

    fn bufinfo(&self) -> std::io::Result<String> {
        if self.listed.replace(true) && self.fault == Fault::EmptyList {
            return Ok(String::new());
        }
        let mut inodes: Vec<u64> = open_files().into_iter().map(|(_, inode)| inode).collect();
        inodes.sort_unstable();
        inodes.dedup();
        let mut text =
            "\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n".to_owned();
        for inode in inodes {
            let attached = ATTACHED.with_borrow(|attached| attached.get(&inode).copied().unwrap_or(0));
            text += &format!("00004096\t00000002\t00080007\t00000001\tmock\t{inode:08}\t<none>\n\tAttached Devices:\n");
            text += &"\tmock\n".repeat(attached);
            text += &format!("Total {attached} devices attached\n\n");
        }
        Ok(text)
    }
}

/// The mocks' files that this process has open: number and inode.
fn open_files() -> Vec<(i32, u64)> {
    let names = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers = names.filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok());
    let mocks: Vec<i32> = numbers.filter(|&number| is_mock(number)).collect();
    let inode = |number: i32| std::fs::metadata(format!("/proc/self/fd/{number}")).ok();
    mocks
        .into_iter()
        .filter_map(|number| Some((number, std::os::unix::fs::MetadataExt::ino(&inode(number)?))))
        .collect()
}
