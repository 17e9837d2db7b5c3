//! The YAML documents that people write: board files (`fixtures/boards/*.yaml`) and cases
//! (`cases/<area>/*.yaml`).
//!
//! Everything here is pure: text in, typed values or a pointing error out. [`yaml`] is the only
//! module of the project that knows which YAML parser is used.

pub mod board;
pub mod case;
pub mod check;
pub mod errno;
pub mod glob;
pub mod manual;
pub mod nearest;
pub mod quantity;
pub mod schema;
pub mod step;
pub mod template;
pub mod tree;
pub mod verdict;
pub mod words;
pub mod yaml;
