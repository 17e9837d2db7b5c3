//! What the program has built in: the cases of `cases/`, the registry of `map_dma_buf` implementations and the front matter
//! of `fixtures/findings`.

pub mod findings;
pub mod registry;

mod cases;

use std::io::Read;

use flate2::read::GzDecoder;
use serde::de::DeserializeOwned;

pub use cases::*;

/// Reads what build.rs has written: JSON, compressed.
fn unpacked<T: DeserializeOwned>(compressed: &[u8]) -> T {
    let mut text = Vec::new();
    GzDecoder::new(compressed).read_to_end(&mut text).expect("build.rs has compressed it");
    serde_json::from_slice(&text).expect("build.rs has written it")
}
