//! What the program has built in: the cases of `cases/`, the registry of `map_dma_buf` implementations and the front matter
//! of `fixtures/findings`.

pub mod findings;
pub mod registry;

mod cases;

pub use cases::*;
