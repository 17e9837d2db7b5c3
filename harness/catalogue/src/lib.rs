//! What the program has built in: the cases of `cases/` and the registry of `map_dma_buf` implementations.

pub mod registry;

mod cases;

pub use cases::*;
