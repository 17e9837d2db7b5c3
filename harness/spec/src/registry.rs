//! The registry of `map_dma_buf` implementations, `fixtures/map_dma_buf.yaml`: which there are, in which kernels, what
//! they map, how one gets there, and on which of our boards a run has been.
//!
//! Reference: `struct dma_buf_ops` of `include/linux/dma-buf.h`, `struct drm_gem_object_funcs` of
//! `include/drm/drm_gem.h`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::case::Memory;
use crate::glob::Glob;
use crate::yaml::{self, Diagnostic};

mod check;
pub mod list;
mod value;
mod version;

pub use value::{Answer, Driver, NoDriver};
pub use version::{NoVersion, Span, Version};

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Drivers that are none of the kernel's: those of `fixtures/kmod`.
    pub own_drivers: Vec<String>,
    /// Every implementation.
    pub map_dma_buf: Vec<Implementation>,
    /// The functions that make the sg_table for those that call `drm_gem_map_dma_buf`.
    pub get_sg_table: Vec<BackEnd>,
}

/// A function that is the `map_dma_buf` of a `struct dma_buf_ops`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Implementation {
    /// The function's name.
    pub symbol: String,
    /// The file that puts it into a `struct dma_buf_ops`.
    pub file: String,
    /// Where that file was before.
    #[serde(default)]
    pub earlier_files: Vec<String>,
    /// The part of the kernel that it belongs to.
    pub subsystem: String,
    /// Its purpose.
    #[serde(default)]
    pub kind: Kind,
    /// A module of this project, and no part of the kernel.
    #[serde(default)]
    pub ours: bool,
    /// The exporter names of its buffers in fdinfo.
    pub exp_name: Vec<Glob>,
    /// The memory of its buffers, in words.
    pub memory: String,
    /// The memory of its buffers to devices; nothing where that depends on the machine or the buffer, or on the [`BackEnd`].
    pub sort: Option<Memory>,
    /// Whether the sg_table has struct pages.
    pub struct_pages: Answer,
    /// Whether user space can map the dma-buf.
    pub mmap: Answer,
    /// Whether an importer's driver can map it for the CPU.
    pub vmap: Answer,
    /// Whether `begin_cpu_access` and `end_cpu_access` are there.
    pub cpu_access: Answer,
    /// True if it has `pin` and `unpin`: it may move a buffer that is not pinned.
    #[serde(default)]
    pub dynamic: bool,
    /// The first kernel that is known to have it.
    pub since: Version,
    /// The last kernel that is known to have it; nothing where the newest has it.
    pub until: Option<Version>,
    /// True if it calls `drm_gem_map_dma_buf`, so that a [`BackEnd`] is behind it.
    #[serde(default)]
    pub get_sg_table: bool,
    /// The option that builds it.
    pub kconfig: Option<String>,
    /// The way in which user space reaches it.
    pub reach: String,
    /// The boards on which a run has seen it.
    #[serde(default)]
    pub boards: Vec<String>,
    /// The requirements for reaching it, where no board has it.
    pub needs: Option<String>,
}

/// A function that is the `get_sg_table` of a `struct drm_gem_object_funcs`, or objects that have none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackEnd {
    /// The function's name; that of the objects' functions where there is none.
    pub symbol: String,
    /// Its earlier names.
    #[serde(default)]
    pub earlier_symbols: Vec<String>,
    /// The file that holds it.
    pub file: String,
    /// True if the objects have no `get_sg_table`.
    #[serde(default)]
    pub without_function: bool,
    /// The errno with which importing fails, for no table is made.
    pub refuses: Option<String>,
    /// The memory of the buffers, in words.
    pub memory: String,
    /// The memory of the buffers to devices; nothing where that depends on the machine or the buffer, or no table is made.
    pub sort: Option<Memory>,
    /// Whether the sg_table has struct pages.
    pub struct_pages: Answer,
    /// The drivers that use it, as `DRM_IOCTL_VERSION` names them.
    pub drivers: Vec<Driver>,
    /// The first kernel that is known to have it.
    pub since: Version,
    /// The last kernel that is known to have it; nothing where the newest has it.
    pub until: Option<Version>,
    /// The option that builds it.
    pub kconfig: Option<String>,
    /// The boards on which a run has seen it.
    #[serde(default)]
    pub boards: Vec<String>,
    /// The requirements for reaching it, where no board has it.
    pub needs: Option<String>,
}

/// The purpose of an implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Use.
    #[default]
    Driver,
    /// Tests in the kernel.
    Selftest,
    /// Showing how it is done.
    Sample,
}

impl Registry {
    /// Reads the registry.
    ///
    /// # Errors
    /// A [`Diagnostic`] with the place of the first fault: what [`yaml::parse`] refuses, two rows of one symbol and file,
    /// an end before the beginning, a row that names neither a board nor what it needs, or both.
    pub fn parse(path: &Path, source: &str) -> Result<Self, Diagnostic> {
        let registry: Self = yaml::parse(path, source)?;
        check::rows(&registry, path, source)?;
        Ok(registry)
    }

    /// Compares the boards that are named in it with those that there are.
    ///
    /// # Errors
    /// A [`Diagnostic`] with the place of the first that there is not.
    pub fn check_boards(&self, path: &Path, source: &str, boards: &[String]) -> Result<(), Diagnostic> {
        check::boards(self, path, source, boards)
    }

    /// The row of a function that a kernel's exporter of this name went through; nothing where there is no such row.
    pub fn implementation(&self, symbol: &str, exp_name: &str, kernel: Option<&Version>) -> Option<&Implementation> {
        let named = |row: &&Implementation| row.symbol == symbol && row.exp_name.iter().any(|it| it.matches(exp_name));
        let there = |row: &&Implementation| kernel.is_none_or(|kernel| row.span().covers(kernel));
        let rows = || self.map_dma_buf.iter().filter(named);
        // A kernel may have it earlier or longer than is known here.
        rows().find(there).or_else(|| rows().next())
    }

    /// The back end that a driver uses in a kernel; nothing where it is not known.
    pub fn back_end(&self, driver: &str, kernel: &Version) -> Option<&BackEnd> {
        self.get_sg_table.iter().find(|row| {
            let used = |known: &Driver| known.name == driver && known.span.covers(kernel);
            row.span().covers(kernel) && row.drivers.iter().any(used)
        })
    }

    /// Finds what a driver's buffers that go through a function are to devices, in a kernel; nothing where it is not known.
    pub fn memory(&self, symbol: &str, exp_name: &str, driver: &str, kernel: &Version) -> Option<Memory> {
        let row = self.implementation(symbol, exp_name, Some(kernel))?;
        if row.get_sg_table { self.back_end(driver, kernel)?.sort } else { row.sort }
    }

    /// Returns whether a driver is one of this project's modules.
    pub fn is_own_driver(&self, driver: &str) -> bool {
        self.own_drivers.iter().any(|own| own == driver)
    }
}

impl Implementation {
    /// The kernels that have it.
    pub fn span(&self) -> Span {
        Span { since: Some(self.since.clone()), until: self.until.clone() }
    }
}

impl BackEnd {
    /// The kernels that have it.
    pub fn span(&self) -> Span {
        Span { since: Some(self.since.clone()), until: self.until.clone() }
    }
}

#[cfg(test)]
mod tests;
