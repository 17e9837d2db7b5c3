//! Which `map_dma_buf` implementations runs went through, on which boards, and which not and why: journals compared with
//! the registry (`fixtures/map_dma_buf.yaml`).
//!
//! An implementation is reached when a buffer that has it is exported; whether a device then mapped it, the cells show.
//! Only what a probe on `dma_buf_export` saw counts. What was only inferred from the exporter's name
//! stands apart, and so do this project's own modules: neither is proof that the kernel's code was there.

mod found;
mod gather;
mod model;
mod rows;
mod text;

pub use gather::joined;
pub use model::{Coverage, Elsewhere, Reached, Refusing, RunSeen, Unknown, Unreached, Untold};
pub use text::text;

#[cfg(test)]
mod tests;
