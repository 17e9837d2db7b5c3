//! What every command works with.

use std::path::PathBuf;

use crate::cache::Cache;
use crate::report::Report;

/// The repository, the cache, and where progress is reported.
pub struct Bench {
    /// The repository's folder.
    pub root: PathBuf,
    /// Kernels, packages and built drivers.
    pub cache: Cache,
    /// Progress on the standard error.
    pub report: Report,
}
