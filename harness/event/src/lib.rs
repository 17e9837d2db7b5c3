//! The event stream: the only contract between running and reporting.
//!
//! | module | what it has |
//! |---|---|
//! | [`stream`] | the events, one JSON object a line of `run.jsonl` |
//! | [`finding`] | what an oracle saw, and who broke the rule |
//! | [`journal`] | `run.jsonl`, written so that it survives a crash, and read again |
//! | [`console`] | the same events on a console, among other output |
//! | [`crash`], [`blame`] | the end of a machine in a cell, and whose driver a trace names |
//! | [`shard`], [`merge`] | one run on several boards, and made one again |
//! | [`trouble`] | what becomes of the machine during a run |
//! | [`cause`] | what failures come from, and how sure that is |
//! | [`known`] | which failures the findings of `fixtures/findings` explain |
//! | [`missing`] | what a board file expects and a run did not see |
//! | [`exit`] | the exit codes |
//!
//! Everything here is pure but [`journal`], which reads and writes files.

pub mod blame;
pub mod cause;
pub mod console;
pub mod crash;
pub mod exit;
pub mod finding;
pub mod journal;
pub mod known;
pub mod merge;
pub mod missing;
#[cfg(any(test, feature = "sample"))]
pub mod sample;
pub mod shard;
pub mod stream;
pub mod trouble;

pub use finding::{Blame, Finding, Oracle};
pub use stream::{
    Again, CellEnd, CellStart, End, EndpointFound, Event, MapDmaBuf, Missing, OracleState, Part, Resumed, Run, VERSION,
};
pub use trouble::{Then, Trouble, TroubleKind};
