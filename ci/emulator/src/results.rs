//! The results of a run, in their folder.

pub mod folder;
pub mod room;
pub mod table;
