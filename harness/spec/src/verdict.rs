//! The words for what became of a cell.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The verdict of a cell, whatever was expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The rule was looked at and held.
    Pass,
    /// A device said no with an errno that the rule allows.
    Refused,
    /// This kernel or board cannot show the defect; never a pass.
    NotObservable,
    /// Permission, a missing node, a busy device: a person can remedy it.
    Blocked,
    /// The rule was looked at and did not hold.
    Fail,
    /// The cell did not end within its deadline.
    Timeout,
    /// The cell's process died, or the kernel did.
    Crash,
    /// The suite's own fault.
    Error,
}

impl Verdict {
    /// Every verdict, from the best to the worst.
    pub const ALL: [Verdict; 8] = [
        Self::Pass,
        Self::Refused,
        Self::NotObservable,
        Self::Blocked,
        Self::Fail,
        Self::Timeout,
        Self::Crash,
        Self::Error,
    ];

    /// The word used in YAML, events and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Refused => "refused",
            Self::NotObservable => "not-observable",
            Self::Blocked => "blocked",
            Self::Fail => "fail",
            Self::Timeout => "timeout",
            Self::Crash => "crash",
            Self::Error => "error",
        }
    }

    /// Returns whether the rule was really looked at.
    pub fn verified(self) -> bool {
        matches!(self, Self::Pass | Self::Fail)
    }

    /// Returns whether something is broken, in the kernel or in the suite.
    pub fn broken(self) -> bool {
        matches!(self, Self::Fail | Self::Timeout | Self::Crash | Self::Error)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A verdict compared with what the board file expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As the board file says, or good where it has no entry.
    Expected,
    /// The board file expects something worse: the finding is gone, the entry is stale.
    UnexpectedPass,
    /// Worse than the board file says.
    Regression,
    /// The board file allows more than one verdict here, and this is one of them.
    Flake,
    /// Expected of the board, and not there.
    Missing,
}

impl Outcome {
    /// Returns whether it makes a run fail.
    pub fn unwanted(self) -> bool {
        matches!(self, Outcome::Regression | Outcome::UnexpectedPass | Outcome::Missing)
    }

    /// The word used in events and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::UnexpectedPass => "unexpected-pass",
            Self::Regression => "regression",
            Self::Flake => "flake",
            Self::Missing => "missing",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
