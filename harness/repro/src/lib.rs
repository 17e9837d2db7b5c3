//! A cell as a stand-alone program in C, which shows a failure without this suite: for a bug report.

mod blocks;
mod buffers;
mod counts;
mod devices;
mod emitter;
mod mappings;
mod misuse;
mod names;
mod program;
mod source;
mod steps;
mod unsupported;

pub use program::{About, program};
pub use unsupported::Unsupported;
