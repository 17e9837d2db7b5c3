//! `/dev/prime_canary`, a module of our own: buffers of every form that an exporter may hand out, the pageless ones among
//! them, and an importer that keeps to their DMA addresses. Reference: `fixtures/kmod/include/uapi/prime_canary.h`.
//!
//! One endpoint is one form of memory. The importer is the same for all of them, and an endpoint of its own.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use nix::fcntl::OFlag;
use spec::case::{Kind, Memory};
use uapi::canary;
use uapi::memory::{Access, Mapping, Sharing, Window};

use crate::backend::Backend;
use crate::buffer::{Buffer, Decoys, Device, ExportFlags, ImportSize};
use crate::endpoint::Endpoint;
use crate::refusal::Refusal;
use crate::system::System;

/// The forms of `/dev/prime_canary`, and its importer.
pub const BACKEND: Backend = Backend { kind: Kind::Canary, find, open };

const DRIVER: &str = "prime_canary";

/// The exporters. That of poison is there only while the module's parameter `poison` is set.
const FORMS: &[(&str, u32, Memory)] = &[
    ("canary-pages", canary::PAGES, Memory::Scattered),
    ("canary-coherent", canary::COHERENT, Memory::Coherent),
    ("canary-pageless", canary::PAGELESS, Memory::Pageless),
    ("canary-decoy", canary::DECOY, Memory::Coherent),
    ("canary-poison", canary::POISON, Memory::Coherent),
];

const IMPORTER: &str = "canary-importer";
/// Exists only where the module was given a PCI device.
const PEER: &str = "canary-peer";

fn find(system: &System) -> Vec<Endpoint> {
    let node = system.path("dev/prime_canary");
    if !node.exists() && !system.path("sys/class/misc/prime_canary").exists() {
        return Vec::new();
    }
    let endpoint = |key: &str| Endpoint::new(Kind::Canary, key, DRIVER, node.clone());
    let forms = open_node(&node).and_then(|file| Ok(canary::forms(file.as_fd())?));
    let forms = match forms {
        Ok(forms) => forms,
        Err(error) => {
            let (usual, _) = FORMS.split_at(FORMS.len() - 1);
            let keys = usual.iter().map(|(key, _, _)| *key).chain([IMPORTER]);
            return keys.map(|key| endpoint(key).blocked_by(&error)).collect();
        }
    };
    let allocated = FORMS.iter().filter(|(_, form, _)| forms & (1 << form) != 0);
    let exporters =
        allocated.map(|&(key, _, memory)| Endpoint { exports: true, memory: Some(memory), ..endpoint(key) });
    let importers = [IMPORTER].into_iter().chain((forms & canary::HAS_PEER != 0).then_some(PEER));
    let importers = importers.map(|key| Endpoint { imports: true, reads: true, writes: true, ..endpoint(key) });
    exporters.chain(importers).collect()
}

fn open_node(node: &Path) -> std::io::Result<File> {
    File::options().read(true).write(true).open(node)
}

fn open(endpoint: &Endpoint) -> std::io::Result<Rc<dyn Device>> {
    let form = FORMS.iter().find(|(key, _, _)| *key == endpoint.key).map(|(_, form, _)| *form);
    Ok(Rc::new(Canary { node: Rc::new(open_node(&endpoint.node)?), form, peer: endpoint.key == PEER }))
}

struct Canary {
    node: Rc<File>,
    /// Nothing for an importer.
    form: Option<u32>,
    peer: bool,
}

impl Device for Canary {
    fn allocate(&self, size: u64) -> Result<Rc<dyn Buffer>, Refusal> {
        let form = self.form.ok_or(Refusal::NotAsked("the importer allocates nothing"))?;
        let answer = canary::allocate(self.node.as_fd(), size, form);
        let (handle, size) = answer.map_err(Refusal::of("PRIME_CANARY_IOC_ALLOCATE"))?;
        Ok(Rc::new(Handle { node: self.node.clone(), handle, size }))
    }

    fn import(&self, number: i32, size: ImportSize) -> Result<Rc<dyn Buffer>, Refusal> {
        let (ImportSize::Within(size) | ImportSize::AtLeast(size)) = size;
        let handle = canary::import(self.node.as_fd(), number, size, self.peer);
        let handle = handle.map_err(Refusal::of("PRIME_CANARY_IOC_IMPORT"))?;
        Ok(Rc::new(Handle { node: self.node.clone(), handle, size }))
    }

    fn decoys(&self, file: BorrowedFd<'_>) -> Result<Decoys, Refusal> {
        let counts = canary::counts(self.node.as_fd(), file).map_err(Refusal::of("PRIME_CANARY_IOC_COUNTS"))?;
        let (pages, changed) = (counts.decoys, counts.decoys_changed);
        Ok(Decoys { pages, changed, referenced: counts.decoys_referenced })
    }

    fn mapped(&self, file: BorrowedFd<'_>) -> Result<i64, Refusal> {
        let counts = canary::counts(self.node.as_fd(), file).map_err(Refusal::of("PRIME_CANARY_IOC_COUNTS"))?;
        Ok(counts.importers().map(|importer| i64::from(importer.map) - i64::from(importer.unmap)).sum())
    }
}

/// A handle of the device's file, allocated or imported.
struct Handle {
    node: Rc<File>,
    handle: u32,
    size: u64,
}

impl Buffer for Handle {
    fn size(&self) -> u64 {
        self.size
    }

    fn handle(&self) -> Option<u32> {
        Some(self.handle)
    }

    fn export(&self, flags: ExportFlags) -> Result<OwnedFd, Refusal> {
        let access = if flags.writable { OFlag::O_RDWR } else { OFlag::O_RDONLY };
        let exec = if flags.close_on_exec { OFlag::O_CLOEXEC } else { OFlag::empty() };
        let answer = canary::export(self.node.as_fd(), self.handle, access | exec);
        answer.map_err(Refusal::of("PRIME_CANARY_IOC_EXPORT"))
    }

    fn device_read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Refusal> {
        canary::read(self.node.as_fd(), self.handle, offset, bytes).map_err(Refusal::of("PRIME_CANARY_IOC_TRANSFER"))
    }

    fn device_write(&self, bytes: &[u8]) -> Result<(), Refusal> {
        canary::write(self.node.as_fd(), self.handle, 0, bytes).map_err(Refusal::of("PRIME_CANARY_IOC_TRANSFER"))
    }

    fn map(&self, window: Window, access: Access) -> Result<Mapping, Refusal> {
        let info = canary::info(self.node.as_fd(), self.handle).map_err(Refusal::of("PRIME_CANARY_IOC_INFO"))?;
        let window = Window { offset: info.offset + window.offset, ..window };
        let answer = Mapping::of_file(self.node.as_fd(), window, access, Sharing::Shared);
        answer.map_err(Refusal::of("mmap of /dev/prime_canary"))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _ = canary::close(self.node.as_fd(), self.handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_the_module_has_no_endpoint() {
        let root = tempfile::tempdir().unwrap();
        assert!(find(&System::at(root.path())).is_empty());
    }

    #[test]
    fn a_node_that_does_not_answer_blocks_every_form_but_poison() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("dev")).unwrap();
        std::fs::write(root.path().join("dev/prime_canary"), "").unwrap();
        let found = find(&System::at(root.path()));
        let keys: Vec<&str> = found.iter().map(|endpoint| endpoint.key.as_str()).collect();
        assert_eq!(keys, ["canary-pages", "canary-coherent", "canary-pageless", "canary-decoy", "canary-importer"]);
        assert!(found.iter().all(|endpoint| endpoint.blocked.as_deref().is_some_and(|why| why.contains("node"))));
    }
}
