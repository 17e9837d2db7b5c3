//! The YAML documents that people write: board files (`fixtures/boards/*.yaml`), the registry of implementations
//! (`fixtures/map_dma_buf.yaml`), cases (`cases/<area>/*.yaml`) and the front matter of findings
//! (`fixtures/findings/*.md`).
//!
//! Everything here is pure: text in, typed values or pointing errors out. [`yaml`] is the only module of the project that
//! knows which YAML parser makes the values, and [`tree`] the only one that knows which reports the places.
//!
//! The types of [`case`] and [`step`] are the one definition of the case language: [`schema`] is made from them, and from
//! it the [`check`], the [`manual`] and the [`words`] of a case.

pub mod board;
pub mod case;
pub mod check;
pub mod errno;
pub mod fault;
pub mod finding;
pub mod glob;
pub mod lines;
pub mod manual;
pub mod nearest;
pub mod pixels;
pub mod quantity;
pub mod registry;
pub mod schema;
pub mod step;
pub mod template;
pub mod tree;
pub mod verdict;
pub mod words;
pub mod yaml;
