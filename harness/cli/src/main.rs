//! The `prime-cts` program: one static binary for a board.

mod arguments;
mod choice;
mod commands;
mod error;
mod explain;
mod files;
mod findings;
mod heartbeat;
mod live;
mod machine;
mod options;
mod progress;
mod upload;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    runner::inherited::answer();
    // `prime-cts list | head` ends quietly, as every program does.
    uapi::process::die_of_closed_pipes();
    commands::run(arguments::Arguments::parse()).into()
}
