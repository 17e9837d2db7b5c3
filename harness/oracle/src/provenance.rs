//! Which `map_dma_buf` a buffer was exported with.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::NotAvailable;

/// How it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Seen by a probe on `dma_buf_export`.
    Traced,
    /// Concluded from the exporter's name.
    Inferred,
}

/// One buffer that was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// The exporter's name, as fdinfo tells it too.
    pub exp_name: String,
    /// The function that maps it for devices; absent where it cannot be known.
    pub map_dma_buf: Option<String>,
    /// The module that holds the function; absent for a function of the kernel itself, or an unknown one.
    pub module: Option<String>,
    /// In bytes.
    pub size: Option<u64>,
    /// The process that exported it.
    pub pid: Option<i32>,
    /// How it is known.
    pub evidence: Evidence,
}

/// A probe on `dma_buf_export`.
#[derive(Debug)]
pub struct Tracer {}

impl Tracer {
    /// Places the probe.
    ///
    /// # Errors
    /// Where the kernel has no probes, or does not let us place one.
    pub fn start(tracefs: &Path) -> Result<Self, NotAvailable> {
        Err(NotAvailable::because("probe dma_buf_export", tracefs, "not written yet"))
    }

    /// What this process exported since it was last asked.
    pub fn take(&mut self, pid: i32) -> Vec<Exported> {
        let _ = pid;
        Vec::new()
    }

    /// What any process exported since it was last asked.
    pub fn take_all(&mut self) -> Vec<Exported> {
        Vec::new()
    }

    /// How many events were overwritten before they could be read, so far.
    pub fn lost(&self) -> u64 {
        0
    }
}

/// What `/proc/PID/fdinfo/FD` of a dma-buf tells.
pub fn from_fdinfo(fdinfo: &str) -> Option<Exported> {
    let _ = fdinfo;
    None
}
