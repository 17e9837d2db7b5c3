//! What keeps a journal from being written or read.

use std::path::PathBuf;

/// A journal that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A full disk, a read-only file system, a folder that is not there.
    #[error("cannot write {path}: {source}; free some space or choose another folder with --output")]
    Write {
        /// Which file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// No such file, or no permission.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A line in the middle that is not an event; the last line may be cut off.
    #[error("{path}:{line}: not an event of prime-cts: {source}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// The cause.
        source: serde_json::Error,
    },
    /// A compressed journal that is to be resumed.
    #[error("{path} is compressed, and nothing can be appended to it: unpack it first (gzip -d)")]
    Compressed {
        /// Which file.
        path: PathBuf,
    },
    /// A file without a `run` event.
    #[error("{path} is not a journal of prime-cts: it has no 'run' event")]
    NoRun {
        /// Which file.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error("{path} has version {version} of the event stream, this program reads up to {}", crate::VERSION)]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}
