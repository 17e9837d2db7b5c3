//! Steps with steps of their own: in other processes, again and again, within limits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::{part, rows};
use super::{Part, Sort, Step};

/// Steps in a forked process.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fork {
    /// The steps of the process; it inherits all that was made before, and what it makes is gone with it.
    pub steps: Vec<Step>,
}

part!(Fork: steps steps;);

/// Whose rights a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum User {
    /// The rights of the suite.
    #[default]
    Same,
    /// The rights of the user `nobody` (uid and gid 65534, no groups): needs root.
    Nobody,
}

/// A file passed to another process.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Send {
    /// The file.
    pub file: String,
    /// Names the descriptor that the other process receives, for its steps.
    pub r#as: String,
    /// Whose rights the other process has.
    #[serde(default)]
    pub user: User,
    /// The steps of the process; it inherits all that was made before, and what it makes is gone with it.
    pub steps: Vec<Step>,
}

impl Part for Send {
    rows!(steps steps; uses file: File;);

    fn gives(&self) -> Option<(&str, Sort)> {
        Some((&self.r#as, Sort::File))
    }
}

/// A file received from another process.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Receive {
    /// Which of its files the other process sends.
    pub file: String,
    /// Names the descriptor that is received.
    pub r#as: String,
    /// The other process lives on until the descriptor is given up; else it is killed once it was received.
    #[serde(default)]
    pub lives: bool,
    /// The steps of the other process before. It opens the devices again and knows none of the names made here.
    pub steps: Vec<Step>,
}

impl Part for Receive {
    rows!(steps steps; makes File; takes file: File;);

    fn fresh(&self) -> bool {
        true
    }
}

/// Checks whether another program has the file too.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exec {
    /// The file.
    pub file: String,
    /// True if the program must have it open, or must not.
    pub open: bool,
}

part!(Exec: checks; uses file: File;);

/// Two processes that do steps at the same time. They are forked, so that they share every file with its handles, as
/// threads do.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Race {
    /// The number of rounds. Both begin each round together; what a round makes is released at its end.
    pub times: u32,
    /// The steps of one process.
    pub steps: Vec<Step>,
    /// The steps of the other.
    pub against: Vec<Step>,
}

part!(Race: steps steps, against;);

/// Steps done again and again.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Repeat {
    /// The number of rounds.
    pub times: u32,
    /// True if what they make is kept until all rounds are done; else each round releases it.
    #[serde(default)]
    pub keep: bool,
    /// The steps.
    pub steps: Vec<Step>,
}

part!(Repeat: steps steps;);

/// Steps done within a limit of the process.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limit {
    /// The number of further descriptors that the process may open (RLIMIT_NOFILE).
    pub files: u32,
    /// The steps.
    pub steps: Vec<Step>,
}

part!(Limit: steps steps;);

/// Things released in every order.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Orders {
    /// The steps before, repeated for each order.
    pub steps: Vec<Step>,
    /// The names that are then released: two to five, so 2 to 120 orders.
    pub release: Vec<String>,
    /// A mapping among them that must show the pattern of seed 1 for as long as it is there.
    pub shows: Option<String>,
    /// Which orders are gone through.
    #[serde(default)]
    pub cover: Cover,
}

/// The orders that are enough.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cover {
    /// Every one.
    #[default]
    All,
    /// The fewest in which any three of the things are released in each of their six orders: 6 of 24, and less than 10 of 120.
    Triples,
}

impl Part for Orders {
    rows!(steps steps; takes release: File | Buffer | Mapping, shows: Mapping;);

    fn checks(&self) -> bool {
        self.shows.is_some()
    }
}
