//! A device that misbehaves on demand: how the suite's own checks are shown to catch what they are for.
//!
//! `prime-cts run --mock clean,wrong-page` makes the endpoints `mock-clean` and `mock-wrong-page`. Their buffers are
//! memfds; what a memfd does otherwise than a dma-buf is put right here, so that a clean mock passes every case.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use spec::case::Kind;
use spec::step::{BufferUse, DeviceMisuse, Misfit};
use uapi::Errno;
use uapi::dma_buf;
use uapi::memory::{Access, Mapping, Sharing, Window};

mod fault;
mod fences;
mod files;
mod flow;
mod misuse;
mod work;

pub use fault::Fault;
use files::FaultyFiles;

use crate::backend::Backend;
use crate::buffer::{Buffer, Decoys, Device, ExportFlags, ImagePlane, ImagePlanes, ImportSize};
use crate::endpoint::Endpoint;
use crate::fence::Fence;
use crate::files::Files;
use crate::refusal::Refusal;
use crate::work::{Work, WorkError, WorkResult};

/// Found nowhere; opened by key.
pub const BACKEND: Backend = Backend { kind: Kind::Mock, find: |_| Vec::new(), open };

/// Endpoints with the named faults, separated by commas. Warnings are written to `kernel_log`.
///
/// # Errors
/// The word that names no fault.
pub fn endpoints(words: &str, kernel_log: &Path) -> Result<Vec<Endpoint>, String> {
    let endpoint = |word: &str| {
        Fault::ALL.iter().find(|fault| fault.word() == word).ok_or(word.to_owned())?;
        let endpoint = Endpoint::new(Kind::Mock, format!("mock-{word}"), "mock", kernel_log.to_owned());
        let able = Endpoint { exports: true, imports: true, reads: true, writes: true, spare: true, ..endpoint };
        Ok(Endpoint { topology: word.to_owned(), ..able })
    };
    words.split(',').map(endpoint).collect()
}

fn open(endpoint: &Endpoint) -> std::io::Result<Rc<dyn Device>> {
    let fault = Fault::ALL.iter().find(|fault| fault.word() == endpoint.topology).copied();
    let fault = fault.ok_or(std::io::ErrorKind::NotFound)?;
    Ok(Rc::new(Mock {
        fault,
        kernel_log: endpoint.node.clone(),
        handles: Rc::default(),
        files: FaultyFiles::new(fault),
        imports: Cell::new(0),
    }))
}

/// Handles by the inode of their buffer, with the count of their users.
type HandleTable = Rc<RefCell<BTreeMap<u64, (u32, u32)>>>;

struct Mock {
    fault: Fault,
    kernel_log: PathBuf,
    handles: HandleTable,
    files: FaultyFiles,
    imports: Cell<u32>,
}

/// The number of imports that succeed before one fails.
const MANY: u32 = 20;

thread_local! {
/// The number of attachments of each buffer, by inode.
    static ATTACHED: RefCell<BTreeMap<u64, usize>> = const { RefCell::new(BTreeMap::new()) };
/// The number of mappings left of each buffer, by inode.
    static KEPT: RefCell<BTreeMap<u64, i64>> = const { RefCell::new(BTreeMap::new()) };
}

/// More bytes than any machine has.
const TOO_MUCH: u64 = 1 << 50;

const NAME: &std::ffi::CStr = c"prime-cts-mock";

fn memory(size: u64) -> Result<File, Errno> {
    let file = nix::sys::memfd::memfd_create(NAME, nix::sys::memfd::MFdFlags::MFD_CLOEXEC)?;
    nix::unistd::ftruncate(&file, size as nix::libc::off_t)?;
    Ok(File::from(file))
}

fn reopen(file: impl AsFd, writable: bool) -> Result<File, Errno> {
    let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    let opened = File::options().read(true).write(writable).open(path);
    opened.map_err(|error| uapi::errno_of(&error))
}

fn is_mock(number: i32) -> bool {
    std::fs::read_link(format!("/proc/self/fd/{number}"))
        .is_ok_and(|link| link.to_string_lossy().contains("prime-cts-mock"))
}

impl Mock {
    fn buffer(&self, memory: File, size: u64, imported: bool) -> Result<Rc<dyn Buffer>, Errno> {
        let inode = dma_buf::inode(memory.as_fd())?;
        let mut handles = self.handles.borrow_mut();
        let next = handles.len() as u32 + 1;
        if self.fault == Fault::NewHandle {
            handles.insert(u64::from(next) << 32, (next, 1));
        }
        let entry = handles.entry(inode).or_insert((next, 0));
        entry.1 += 1;
        let handle = if self.fault == Fault::NewHandle { next } else { entry.0 };
        if imported {
            ATTACHED.with_borrow_mut(|attached| *attached.entry(inode).or_insert(0) += 1);
        }
        let handles = self.handles.clone();
        Ok(Rc::new(MockBuffer { memory, size, handle, inode, imported, fault: self.fault, handles }))
    }

    fn misbehave(&self) {
        let say = |text: &str| {
            let log = File::options().append(true).open(&self.kernel_log);
            log.and_then(|mut log| log.write_all(text.as_bytes())).expect("the mock's kernel log can be written");
        };
        match self.fault {
            Fault::Crashes => std::process::abort(),
            Fault::HangsLater if self.imports.replace(self.imports.get() + 1) < MANY => {}
            Fault::Hangs | Fault::HangsLater => loop {
                std::thread::park();
            },
            Fault::Warns => {
                say("4,900,1000,-;WARNING: CPU: 0 PID: 1 at drivers/mock/mock.c:1 mock_map_dma_buf+0x1/0x2\n")
            }
            Fault::DumpsStack => {
                say("4,900,1000,-;mock: wrong value\n4,901,1000,-;CPU: 0 UID: 0 PID: 1 Comm: mock Not tainted 6.12\n\
                4,902,1000,-;Call Trace:\n")
            }
            Fault::Oopses => say("1,901,1000,-;BUG: kernel NULL pointer dereference, address: 0000000000000000\n"),
            Fault::Panics => panic!("the mock panics"),
            _ => {}
        }
    }
}

impl Device for Mock {
    fn allocate(&self, size: u64) -> Result<Rc<dyn Buffer>, Refusal> {
        let size = size.next_multiple_of(uapi::memory::page_size() as u64);
        // As a heap does, it looks for the memory when it exports.
        let memory = memory(if size < TOO_MUCH { size } else { 0 }).map_err(Refusal::of("mock allocate"))?;
        if self.fault == Fault::Dirty && size < TOO_MUCH {
            let written = std::os::unix::fs::FileExt::write_at(&memory, b"before", size - 6);
            written.map_err(|_| Refusal::of("mock allocate")(Errno::EIO))?;
        }
        self.buffer(memory, size, false).map_err(Refusal::of("mock allocate"))
    }

    fn allocate_for(&self, size: u64, _uses: &[BufferUse]) -> Result<Rc<dyn Buffer>, Refusal> {
        self.allocate(size)
    }

    fn import(&self, number: i32, size: ImportSize) -> Result<Rc<dyn Buffer>, Refusal> {
        let refuse = Refusal::of("mock import");
        self.misbehave();
        match self.fault {
            Fault::Refuses => return Err(refuse(Errno::ENODEV)),
            Fault::StrangeErrno => return Err(refuse(Errno::EIO)),
            Fault::LeaksRefused => {
                std::mem::forget(memory(1).map_err(&refuse)?);
                return Err(refuse(Errno::ENODEV));
            }
            _ => {}
        }
        let link = std::fs::read_link(format!("/proc/self/fd/{number}"));
        let memory = match link {
            Err(_) => return Err(refuse(Errno::EBADF)),
            Ok(_) if is_mock(number) => File::options().read(true).write(true).open(format!("/proc/self/fd/{number}")),
            Ok(_) if self.fault == Fault::TakesAnything => {
                memory(4096).map_err(|errno| std::io::Error::from_raw_os_error(errno as i32))
            }
            Ok(_) => return Err(refuse(Errno::EINVAL)),
        };
        let memory = memory.map_err(|_| refuse(Errno::EBADF))?;
        let has = dma_buf::size(memory.as_fd()).map_err(&refuse)?;
        if matches!(size, ImportSize::AtLeast(needed) if needed > has) && self.fault != Fault::TakesTooSmall {
            if self.fault == Fault::LeaksTooSmall {
                std::mem::forget(self::memory(1).map_err(&refuse)?);
            }
            return Err(refuse(Errno::EINVAL));
        }
        if self.fault == Fault::Scribbles {
            std::os::unix::fs::FileExt::write_at(&memory, b"?", 100).map_err(|_| refuse(Errno::EIO))?;
        }
        self.buffer(memory, has, true).map_err(refuse)
    }

    fn work(&self, work: &Work<'_>) -> Result<WorkResult, WorkError> {
        work::work(self.fault, work)
    }

    fn flow(&self, work: &Work<'_>, at_once: usize, feed: &mut dyn crate::Feed) -> Result<(), WorkError> {
        flow::flow(self.fault, work, at_once, feed)
    }

    fn misuse(&self, how: DeviceMisuse) -> Result<(), Refusal> {
        misuse::device(how, self.fault)
    }

    fn mapped(&self, file: BorrowedFd<'_>) -> Result<i64, Refusal> {
        let inode = dma_buf::inode(file).map_err(Refusal::of("mock mapped"))?;
        Ok(KEPT.with_borrow(|kept| kept.get(&inode).copied().unwrap_or(0)))
    }

    fn decoys(&self, _file: BorrowedFd<'_>) -> Result<Decoys, Refusal> {
        let referenced = if self.fault == Fault::HoldsPages { 2 } else { 0 };
        Ok(Decoys { pages: 16, changed: 0, referenced })
    }

    fn files(&self) -> &dyn Files {
        &self.files
    }
}

struct MockBuffer {
    memory: File,
    size: u64,
    handle: u32,
    inode: u64,
    imported: bool,
    fault: Fault,
    handles: HandleTable,
}

impl Buffer for MockBuffer {
    fn size(&self) -> u64 {
        let less = self.imported && self.fault == Fault::DeviceOverruns;
        self.size - if less { uapi::memory::page_size() as u64 } else { 0 }
    }

    fn handle(&self) -> Option<u32> {
        Some(self.handle)
    }

    fn export(&self, flags: ExportFlags) -> Result<OwnedFd, Refusal> {
        let refuse = Refusal::of("mock export");
        if self.fault == Fault::NoExport {
            return Err(refuse(Errno::ENOSYS));
        }
        if self.size >= TOO_MUCH && self.fault != Fault::TakesAnySize {
            return Err(refuse(Errno::ENOMEM));
        }
        let _second = match self.fault {
            Fault::TwoDescriptors => Some(memory(1).map_err(&refuse)?),
            _ => None,
        };
        let file = if self.fault == Fault::NewInode {
            memory(self.size).map_err(refuse)?
        } else {
            reopen(&self.memory, flags.writable || self.fault == Fault::AccessIgnored).map_err(refuse)?
        };
        if (!flags.close_on_exec || self.fault == Fault::ExecIgnored) && self.fault != Fault::ExecAlways {
            let cleared = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty());
            nix::fcntl::fcntl(&file, cleared).map_err(Refusal::of("mock export"))?;
        }
        Ok(file.into())
    }

    fn planes(&self) -> Result<ImagePlanes, Refusal> {
        let flags = ExportFlags { writable: true, close_on_exec: true };
        let half = self.size / 2;
        let beyond = if self.fault == Fault::PlaneBeyond { 8 } else { 0 };
        let plane = |offset| Ok(ImagePlane { file: self.export(flags)?, handle: self.handle, offset, length: half });
        let planes = vec![plane(0)?, plane(half + beyond)?];
        Ok(ImagePlanes { planes, modifier: Some(u64::from(self.fault == Fault::PlaneTiled)) })
    }

    fn device_read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Refusal> {
        let answer = std::os::unix::fs::FileExt::read_exact_at(&self.memory, bytes, offset);
        if self.fault == Fault::DeviceElsewhere {
            bytes.rotate_left(8);
        }
        answer.map_err(|_| Refusal::of("mock read")(Errno::EFAULT))
    }

    fn device_write(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let bytes = if self.fault == Fault::DeviceElsewhere { &bytes[8..] } else { bytes };
        if self.fault == Fault::DeviceOverruns {
            let _ = std::os::unix::fs::FileExt::write_all_at(&self.memory, &[0xff; 8], bytes.len() as u64);
        }
        let answer = std::os::unix::fs::FileExt::write_all_at(&self.memory, bytes, 0);
        answer.map_err(|_| Refusal::of("mock write")(Errno::EFAULT))
    }

    fn map(&self, window: Window, access: Access) -> Result<Mapping, Refusal> {
        let (refuse, unmapped) = (Refusal::of("mock map"), Refusal::of("mock map"));
        let sharing = if self.fault == Fault::Incoherent { Sharing::Private } else { Sharing::Shared };
        if self.imported && self.fault == Fault::Copies {
            return Mapping::of_file(memory(self.size).map_err(&refuse)?.as_fd(), window, access, Sharing::Shared)
                .map_err(unmapped);
        }
        if self.fault == Fault::LostPage {
            let kept = self.size - uapi::memory::page_size() as u64;
            let copy = memory(self.size).map_err(&refuse)?;
            let mut source = &self.memory;
            std::io::copy(&mut std::io::Read::take(&mut source, kept), &mut &copy).map_err(|_| refuse(Errno::EIO))?;
            return Mapping::of_file(copy.as_fd(), window, access, Sharing::Shared).map_err(unmapped);
        }
        Mapping::of_file(self.memory.as_fd(), window, access, sharing).map_err(unmapped)
    }

    fn framebuffer(&self, how: Misfit) -> Result<(), Refusal> {
        misuse::framebuffer(how, self.fault)
    }

    fn attach_fence(&self, write: bool) -> Result<Rc<dyn Fence>, Refusal> {
        Ok(fences::attach(self.inode, write))
    }
}

impl Drop for MockBuffer {
    fn drop(&mut self) {
        let mut handles = self.handles.borrow_mut();
        if let Some(entry) = handles.get_mut(&self.inode) {
            entry.1 -= 1;
            if entry.1 == 0 {
                handles.remove(&self.inode);
            }
        }
        if self.imported && self.fault != Fault::LeaksAttachment {
            ATTACHED.with_borrow_mut(|attached| {
                attached.entry(self.inode).and_modify(|count| *count -= 1);
            });
        }
        if self.imported && self.fault == Fault::KeepsMapped {
            KEPT.with_borrow_mut(|kept| *kept.entry(self.inode).or_insert(0) += 1);
        }
        if self.imported && self.fault == Fault::FenceGoes {
            fences::forget(self.inode);
        }
        if self.imported && self.fault == Fault::LeaksFile {
            std::mem::forget(self.memory.try_clone());
        }
        if !self.imported && self.fault == Fault::LeaksBuffer {
            std::mem::forget(self.memory.try_clone());
        }
        if !self.imported && self.fault == Fault::FreesMapped {
            let _ = self.memory.set_len(0);
        }
    }
}
