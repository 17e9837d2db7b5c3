//! The exit codes of `prime-cts`.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every outcome was expected, and at least one cell was verified.
    Success = 0,
    /// A regression, an unexpected pass, or something expected of the board that is missing.
    Regression = 1,
    /// The command line or a file that it names cannot be used.
    BadInput = 2,
    /// No cell was verified: no devices, or all of them blocked.
    NothingVerified = 3,
    /// The suite's own fault: a cell ended in `error`, or results could not be written.
    OwnFault = 4,
    /// A journal without an end: the run was cut short.
    Incomplete = 5,
}

impl Exit {
    /// Every code with its meaning, for `--help` and the documentation.
    pub const TABLE: &'static [(Exit, &'static str)] = &[
        (Exit::Success, "every outcome as expected, and at least one cell verified"),
        (Exit::Regression, "a regression, an unexpected pass, or something expected that is missing"),
        (Exit::BadInput, "the command line or a file that it names cannot be used"),
        (Exit::NothingVerified, "no cell was verified: no devices, or all of them blocked"),
        (Exit::OwnFault, "the suite's own fault: a cell in error, or results that could not be written"),
        (Exit::Incomplete, "the journal has no end: the run was cut short"),
    ];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
