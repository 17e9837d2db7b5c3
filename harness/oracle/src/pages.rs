//! Whether a mapping exposes struct pages.

use std::path::Path;

use serde::{Deserialize, Serialize};
use uapi::memory::Mapping;

use crate::NotAvailable;

/// What is behind a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingPages {
    /// As `VmFlags` of smaps has them: `pf`, `io`, `mm`, `dd`, `de` and others.
    pub vm_flags: Vec<String>,
    /// Whether user space can pin its pages; absent where the kernel does not let us ask.
    pub pinnable: Option<bool>,
    /// Whether its memory has struct pages; absent where that cannot be observed.
    pub struct_pages: Option<bool>,
}

impl MappingPages {
    /// Looks.
    ///
    /// # Errors
    /// Where smaps cannot be read.
    pub fn look(mapping: &Mapping, proc_root: &Path) -> Result<Self, NotAvailable> {
        let _ = mapping;
        Err(NotAvailable::because("read smaps", proc_root, "not written yet"))
    }
}
