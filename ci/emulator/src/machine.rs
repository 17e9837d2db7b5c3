//! What differs between architectures, in one table.

use document::board::Board;

use crate::error::{Error, Result};

/// An architecture that boards can have.
#[derive(Debug, PartialEq, Eq)]
pub struct Machine {
    /// `uname -m`, the board file's `architecture`.
    pub name: &'static str,
    /// Debian's name of it.
    pub debian: &'static str,
    /// The flavour of Debian's kernel.
    pub flavour: &'static str,
    /// The program that emulates it.
    pub qemu: &'static str,
    /// The package that holds that program.
    pub package: &'static str,
    /// The name of the folder that Debian keeps its libraries in.
    pub triplet: &'static str,
    /// The Rust target of `prime-cts`.
    pub target: &'static str,
}

const MACHINES: &[Machine] = &[Machine {
    name: "x86_64",
    debian: "amd64",
    flavour: "amd64",
    qemu: "qemu-system-x86_64",
    package: "qemu-system-x86",
    triplet: "x86_64-linux-gnu",
    target: "x86_64-unknown-linux-gnu",
}];

impl Machine {
    /// The architecture of a board.
    ///
    /// # Errors
    /// For one that is not in the table.
    pub fn of(board: &Board) -> Result<&'static Self> {
        let known: Vec<&str> = MACHINES.iter().map(|machine| machine.name).collect();
        MACHINES.iter().find(|machine| machine.name == board.architecture).ok_or_else(|| {
            let what = format!(
                "board '{}' is of architecture '{}', which cannot be emulated yet",
                board.name, board.architecture
            );
            Error::usage(what, format!("known: {}", known.join(", ")))
        })
    }
}
