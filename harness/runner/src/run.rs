//! Runs cells: one child process each, watched from outside.
//!
//! | module | what it does |
//! |---|---|
//! | [`inventory`] | looks at the board once, before anything is planned |
//! | [`session`] | the run loop |
//! | [`runner`] | runs cells and gathers what they and the watch saw |
//! | [`worker`], [`child`], [`watch`] | a cell's process, and the oracles outside it |
//! | [`judge`] | from what was seen to findings and a verdict |
//! | [`result`], [`board`] | what a cell showed, and what the board file makes of it |
//! | [`together`] | which cells run at the same time |
//! | [`resume`] | continues after the machine went down |
//! | [`trouble`] | what becomes of the machine during a run: damage, hangs, a loss of memory |

pub mod board;
mod breaker;
pub mod child;
mod common;
mod damage;
mod deadly;
mod exported;
pub mod inventory;
pub mod judge;
pub mod result;
pub mod resume;
pub mod runner;
pub mod session;
mod settle;
mod shrinking;
mod so_far;
pub mod together;
pub mod trouble;
pub mod watch;
pub mod worker;

pub use inventory::Inventory;
pub use result::CellResult;
pub use runner::Runner;
pub use watch::{Sources, Watch};
