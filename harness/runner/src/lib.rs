//! Runs cells on a board.
//!
//! Data runs one way: board -> inventory -> (x cases) [`plan`] -> [`cell`]s -> findings -> verdict -> (against the
//! board file) outcome -> events. Only a cell's child process touches a device.

pub mod bare;
pub mod cell;
pub mod doctor;
pub mod fuzz;
pub mod inherited;
pub mod load;
pub mod memory_sort;
pub mod mutants;
mod numbers;
pub mod plan;
pub mod run;
pub mod shard;
pub mod speed;
pub mod survey;
pub mod watchdog;
pub mod witness;
