//! Calls that must be refused, made on purpose with a bad argument. The calls are a closed list, and none whose argument
//! may hold a pointer is given bytes: whatever the kernel does with the bytes, it touches no memory of this process but the argument.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;

use crate::CallError;
use crate::memory::{Access, Mapping, Sharing, Window};

/// A call, by the parts of its number, and where its answer has a new descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    read: bool,
    letter: u8,
    number: u8,
    size: usize,
    answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// The struct may hold pointers: the call is made with a null pointer only.
    NullOnly,
    Nothing,
    Returned,
    At(usize),
}

const fn call(read: bool, letter: u8, number: u8, size: usize, answer: Answer) -> Call {
    Call { read, letter, number, size, answer }
}

/// `DMA_BUF_IOCTL_SYNC`.
pub const SYNC: Call = call(false, b'b', 0, 8, Answer::Nothing);
/// `DMA_BUF_SET_NAME_B`.
pub const SET_NAME: Call = call(false, b'b', 1, 8, Answer::Nothing);
/// `DMA_BUF_IOCTL_EXPORT_SYNC_FILE`: u32 flags, s32 fd.
pub const EXPORT_SYNC_FILE: Call = call(true, b'b', 2, 8, Answer::At(4));
/// `DMA_BUF_IOCTL_IMPORT_SYNC_FILE`: u32 flags, s32 fd.
pub const IMPORT_SYNC_FILE: Call = call(false, b'b', 3, 8, Answer::Nothing);
/// `DRM_IOCTL_PRIME_HANDLE_TO_FD`: u32 handle, u32 flags, s32 fd.
pub const PRIME_HANDLE_TO_FD: Call = call(true, b'd', 0x2d, 12, Answer::At(8));
/// `DRM_IOCTL_PRIME_FD_TO_HANDLE`: u32 handle, u32 flags, s32 fd.
pub const PRIME_FD_TO_HANDLE: Call = call(true, b'd', 0x2e, 12, Answer::Nothing);
/// `VIDIOC_EXPBUF`: u32 type, u32 index, u32 plane, u32 flags, s32 fd, u32 `reserved[11]`.
pub const EXPBUF: Call = call(true, b'V', 16, 64, Answer::At(16));
/// `VIDIOC_QBUF`, whose struct may hold pointers: for a null pointer only.
pub const QBUF: Call = call(true, b'V', 15, size_of::<v4l::v4l_sys::v4l2_buffer>(), Answer::NullOnly);
/// `DMA_HEAP_IOCTL_ALLOC`: u64 len, u32 fd, u32 fd_flags, u64 heap_flags.
pub const HEAP_ALLOC: Call = call(true, b'H', 0, 24, Answer::At(8));
/// `UDMABUF_CREATE`: u32 memfd, u32 flags, u64 offset, u64 size.
pub const UDMABUF_CREATE: Call = call(false, b'u', 0x42, 24, Answer::Returned);
/// `UDMABUF_CREATE_LIST`: u32 flags, u32 count, then for each: u32 memfd, u32 pad, u64 offset, u64 size.
pub const UDMABUF_CREATE_LIST: Call = call(false, b'u', 0x43, 8, Answer::Returned);

impl Call {
    /// The same call under a letter that no interface of the kernel has (`ioctl-number.rst`).
    pub fn foreign(self) -> Self {
        Self { letter: 0xee, ..self }
    }

    /// A call of the same interface that does not exist.
    pub fn unknown(self) -> Self {
        Self { number: 0xfe, answer: Answer::Nothing, ..self }
    }

    /// The same call with an argument of another size, as from a program that is older or newer than the kernel.
    pub fn sized(self, size: usize) -> Self {
        Self { size, ..self }
    }

    fn request(self) -> libc::c_ulong {
        let (letter, number) = (self.letter, self.number);
        let request = if self.read {
            nix::request_code_readwrite!(letter, number, self.size)
        } else {
            nix::request_code_write!(letter, number, self.size)
        };
        request as libc::c_ulong
    }
}

/// The argument of a call.
pub enum Argument<'a> {
    /// A null pointer.
    Null,
    /// Bytes that the kernel may read and cannot write.
    ReadOnly(&'a [u8]),
    /// Bytes of this process.
    Bytes(&'a mut [u8]),
}

/// Makes a call. A descriptor that it answers with is closed again.
///
/// # Errors
/// The kernel's errno: EFAULT for an argument that it cannot read or write, ENOTTY for an unknown call.
///
/// # Panics
/// If the argument is shorter than the call's size, or the call's struct may hold pointers.
pub fn make(file: BorrowedFd<'_>, call: Call, argument: Argument<'_>) -> Result<(), Errno> {
    match argument {
        // SAFETY: the kernel reads and writes nothing through a null pointer.
        Argument::Null => unsafe { raw(file, call, std::ptr::null_mut()) }.map(drop),
        Argument::ReadOnly(bytes) => {
            check(call, bytes.len());
            let page = crate::dma_buf::ordinary_file()?;
            nix::sys::uio::pwrite(&page, bytes, 0)?;
            let window = Window { offset: 0, len: bytes.len() };
            let mapping =
                Mapping::of_file(page.as_fd(), window, Access::ReadOnly, Sharing::Shared).map_err(CallError::errno)?;
            // SAFETY: the mapping is as long as the call's size and outlives the call; it is mapped for reading, so that
            // the kernel writes nothing there either.
            unsafe { raw(file, call, mapping.address() as *mut libc::c_void) }.map(drop)
        }
        Argument::Bytes(bytes) => {
            check(call, bytes.len());
            // SAFETY: the bytes are as long as the call's size, are borrowed for writing and outlive the call; `check`
            // lets no call pass whose struct has pointers.
            let returned = unsafe { raw(file, call, bytes.as_mut_ptr().cast()) }?;
            let number = match call.answer {
                Answer::Nothing | Answer::NullOnly => return Ok(()),
                Answer::Returned => returned,
                Answer::At(offset) => i32::from_ne_bytes(bytes[offset..offset + 4].try_into().expect("four bytes")),
            };
            // SAFETY: after a success the kernel has installed a new descriptor there that no one else owns.
            drop((number >= 0).then(|| unsafe { OwnedFd::from_raw_fd(number) }));
            Ok(())
        }
    }
}

fn check(call: Call, len: usize) {
    assert!(len >= call.size && call.answer != Answer::NullOnly, "{len} bytes for {call:?}");
}

/// # Safety
/// `argument` is null, or as long as the call's size, writable unless the kernel cannot write it, and alive.
unsafe fn raw(file: BorrowedFd<'_>, call: Call, argument: *mut libc::c_void) -> Result<i32, Errno> {
    // SAFETY: as the caller promises.
    crate::retry::retry(|| Errno::result(unsafe { libc::ioctl(file.as_raw_fd(), call.request() as _, argument) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_headers() {
        let numbers = [SYNC, EXPORT_SYNC_FILE, PRIME_HANDLE_TO_FD, EXPBUF, HEAP_ALLOC, UDMABUF_CREATE_LIST];
        let requests = numbers.map(|call| call.request() as u32);
        assert_eq!(requests, [0x4008_6200, 0xc008_6202, 0xc00c_642d, 0xc040_5610, 0xc018_4800, 0x4008_7543]);
        assert_eq!(HEAP_ALLOC.foreign().request() as u32, 0xc018_ee00);
        assert_eq!(HEAP_ALLOC.sized(16).request() as u32, 0xc010_4800);
    }

    #[test]
    #[should_panic(expected = "96 bytes for")]
    fn a_struct_with_pointers_is_never_passed() {
        let (pipe, _other) = nix::unistd::pipe().unwrap();
        let _ = make(pipe.as_fd(), QBUF, Argument::Bytes(&mut [0; 96]));
    }

    #[test]
    fn a_pipe_refuses_every_one() {
        let (pipe, _other) = nix::unistd::pipe().unwrap();
        for argument in [Argument::Null, Argument::ReadOnly(&[0; 24]), Argument::Bytes(&mut [0; 24])] {
            assert_eq!(make(pipe.as_fd(), HEAP_ALLOC, argument), Err(Errno::ENOTTY));
        }
    }
}
