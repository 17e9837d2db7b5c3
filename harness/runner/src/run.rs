//! Runs cells: one child process each, watched from outside.
//!
//! | module | what it does |
//! |---|---|
//! | [`inventory`] | looks at the board once, before anything is planned |
//! | [`session`] | the run loop |
//! | [`runner`] | runs cells and gathers what they and the watch saw |
//! | [`child`], [`watch`] | a cell's process, and the oracles outside it |
//! | [`judge`] | from what was seen to findings and a verdict |
//! | [`result`], [`board`] | what a cell showed, and what the board file makes of it |
//! | [`together`] | which cells run at the same time |
//! | [`resume`] | continues after the machine went down |

pub mod board;
pub mod child;
mod damage;
mod deadly;
mod exported;
pub mod inventory;
pub mod judge;
pub mod result;
pub mod resume;
pub mod runner;
pub mod session;
mod so_far;
pub mod together;
pub mod watch;

pub use inventory::Inventory;
pub use result::CellResult;
pub use runner::Runner;
pub use watch::{Sources, Watch};
