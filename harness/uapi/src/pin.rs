//! get_user_pages, asked from user space: can the pages behind a mapping be pinned by their struct page?

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use std::io::IoSliceMut;

use crate::memory::Mapping;

/// Lets the kernel pin the page at `offset` of the mapping and copy 8 bytes of it, as `process_vm_readv` does for any
/// process (`mm/process_vm_access.c`: pin_user_pages_remote).
///
/// A mapping with VM_PFNMAP or VM_IO has no struct pages to pin.
///
/// # Errors
/// EFAULT where no struct page can be had, EPERM or ENOSYS where the kernel does not let us ask.
pub fn pin_and_read(mapping: &Mapping, offset: usize) -> Result<u64, Errno> {
    assert!(offset + 8 <= mapping.len(), "pin within the mapping");
    let mut bytes = [0u8; 8];
    let remote = [RemoteIoVec { base: mapping.address() + offset, len: bytes.len() }];
    let read = process_vm_readv(nix::unistd::getpid(), &mut [IoSliceMut::new(&mut bytes)], &remote)?;
    if read == bytes.len() { Ok(u64::from_ne_bytes(bytes)) } else { Err(Errno::EFAULT) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Access, Sharing, Window};
    use std::os::fd::AsFd;

    #[test]
    fn an_ordinary_file_s_pages_can_be_pinned() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        let window = Window { offset: 0, len: 4096 };
        let mapping = Mapping::of_file(file.as_fd(), window, Access::ReadWrite, Sharing::Shared).unwrap();
        mapping.write_word(0, 0x1122_3344_5566_7788);
        assert_eq!(pin_and_read(&mapping, 0), Ok(0x1122_3344_5566_7788));
    }
}
