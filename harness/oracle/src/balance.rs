//! What was not given back.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::NotAvailable;

/// What `/proc/PID/fdinfo/FD` says of a dma-buf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FdInfo {
    /// In bytes.
    pub size: u64,
    /// References to its file.
    pub count: u64,
    /// The exporter's name.
    pub exp_name: String,
    /// What DMA_BUF_SET_NAME called it.
    pub name: Option<String>,
    /// The inode: the buffer's identity.
    pub ino: Option<u64>,
}

impl FdInfo {
    /// Reads it; `None` for a file that is no dma-buf.
    pub fn parse(text: &str) -> Option<Self> {
        let _ = text;
        None
    }
}

/// One buffer of `dma_buf/bufinfo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BufinfoEntry {
    /// In bytes.
    pub size: u64,
    /// References to its file.
    pub count: u64,
    /// The exporter's name.
    pub exp_name: String,
    /// The inode: the buffer's identity.
    pub ino: u64,
    /// What DMA_BUF_SET_NAME called it.
    pub name: Option<String>,
    /// The devices attached.
    pub devices: Vec<String>,
}

/// debugfs `dma_buf/bufinfo`.
#[derive(Debug, Clone, Copy)]
pub struct Bufinfo;

impl Bufinfo {
    /// Reads it.
    pub fn parse(text: &str) -> Vec<BufinfoEntry> {
        let _ = text;
        Vec::new()
    }
}

/// How many files this process has open.
///
/// # Errors
/// Where `/proc` is not mounted.
pub fn open_files(proc_root: &Path) -> Result<usize, NotAvailable> {
    Err(NotAvailable::because("count open files", proc_root, "not written yet"))
}

/// How many devices are attached to a buffer; `None` when no such buffer lives.
///
/// # Errors
/// Where debugfs cannot be read.
pub fn attachments(debug_root: &Path, inode: u64) -> Result<Option<usize>, NotAvailable> {
    let _ = inode;
    Err(NotAvailable::because("read dma_buf/bufinfo", debug_root, "not written yet"))
}
