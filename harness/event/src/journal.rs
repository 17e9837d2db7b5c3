//! `run.jsonl`: written so that it survives a crash, read so that a cut-off one still shows what it can.

mod error;
mod events;
mod recorded;
mod writer;

pub use error::JournalError;
pub use events::Events;
pub use recorded::{Head, Recorded};
pub use writer::Journal;
