//! What becomes of the machine during a run, and what the run does about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The machine cannot be used as it was at the start: cells before it have harmed it, and those behind it would be judged
/// on a machine that is not to be trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trouble {
    /// The kind.
    pub what: TroubleKind,
    /// The observation.
    pub seen: String,
    /// The cells that did it, those that did most of it first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<String>,
    /// What the run does.
    pub then: Then,
    /// Lines of the kernel log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

/// What has become of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TroubleKind {
    /// The kernel is damaged: an oops, a BUG, a bad page, a machine check.
    Damage,
    /// Cells hang, and SIGKILL does not end them.
    Hangs,
    /// Something of the machine's only gets less: memory, address space of the kernel, file descriptors.
    Shrinks,
    /// The kernel complained after cells had ended and before the next began: of work that it had put off.
    Late,
}

impl TroubleKind {
    /// Returns whether a run with such trouble has failed, whatever its cells say: no cell says it.
    pub fn unwanted(self) -> bool {
        match self {
            Self::Damage | Self::Hangs => false,
            Self::Shrinks | Self::Late => true,
        }
    }

    /// The word for it in events and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::Hangs => "hangs",
            Self::Shrinks => "shrinks",
            Self::Late => "late",
        }
    }
}

/// What a run does about trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// It ends here. Once the machine was started again, `--resume` runs the other cells.
    Restart,
    /// It goes on.
    GoOn,
    /// It ends here, without the other cells.
    Stop,
}
