//! prime-cts: what is run on a board, and what became of it.
//!
//! Data runs one way: board -> inventory -> (x cases) [`plan`] -> [`cell`]s -> findings -> verdict -> (against the
//! board file) outcome -> [`event`]s -> [`report`]s. Only a cell's child process touches a device; reports are pure
//! functions of the events.

pub mod bless;
pub mod catalogue;
pub mod cell;
pub mod console;
pub mod doctor;
pub mod event;
pub mod exit;
pub mod explain;
pub mod fuzz;
pub mod inherited;
pub mod journal;
pub mod lava;
pub mod lists;
pub mod load;
pub mod memory_sort;
pub mod merge;
pub mod mutants;
mod numbers;
pub mod plan;
pub mod registry;
pub mod report;
pub mod repro;
pub mod run;
pub mod shard;
pub mod speed;
pub mod survey;
pub mod upload;
pub mod watchdog;
pub mod witness;
