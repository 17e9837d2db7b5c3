//! What the kernel says about itself: its log, read record by record, and the reports of trouble in it.

mod console;
mod record;
mod splat;
mod taint;

pub use console::records_of_console;
pub use record::Record;
pub use splat::{Splat, SplatKind, splats};
pub use taint::{TAINT_TROUBLE, taint, taint_names};

use std::path::{Path, PathBuf};

use crate::NotAvailable;

/// A reader of the kernel's log that sees what is logged after it was opened.
#[derive(Debug)]
pub struct KernelLog {
    path: PathBuf,
    lost: u64,
}

impl KernelLog {
    /// Opens `/dev/kmsg` and goes to its end.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn open(path: &Path) -> Result<Self, NotAvailable> {
        Ok(Self { path: path.into(), lost: 0 })
    }

    /// All records since it was opened or last asked.
    pub fn take(&mut self) -> Vec<Record> {
        unimplemented!("{}", self.path.display())
    }

    /// How many records were overwritten before they could be read, so far.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}
