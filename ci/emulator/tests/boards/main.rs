//! Real kernels in emulated boards: `cargo test -p emulator --features boards --test boards -- --test-threads=2`.
//!
//! They need what `ci/board` installs, and minutes; `ci/test` runs them.

mod architectures;
mod bad_input;
mod bisect;
mod changes;
mod commands;
mod compare;
mod conformance;
mod cut_short;
mod documents;
mod ends;
mod full_disk;
mod fuzz;
mod host;
mod jobs;
mod kills;
mod layout;
mod lint;
mod load;
mod modules;
mod observable;
mod offline;
mod recorded;
mod repro;
mod size;
mod whole;
mod witness;
