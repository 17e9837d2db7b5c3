//! What one or many failures of a run come from, as far as the run shows.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of this part of the stream. It changes when a field changes its meaning or goes away.
pub const VERSION: u32 = 1;

/// The most cells that the event names; the evidence has their number.
const CELLS: usize = 64;

/// A cause: who is suspected of breaking which rule, and on what evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// Of this form.
    pub version: u32,
    /// The suspect.
    pub suspect: Suspect,
    /// Others that the evidence does not tell from it, where the cause is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or: Vec<Suspect>,
    /// The rule that is broken, of the case that shows it in most cells.
    pub rule: String,
    /// That case, `<area>.<case>`.
    pub case: String,
    /// The areas in which it shows.
    pub areas: Vec<String>,
    /// The observation in the smallest cell.
    pub seen: String,
    /// The evidence, in figures.
    pub evidence: Evidence,
    /// The cell with the fewest devices, and of those the shortest, that shows it.
    pub smallest: String,
    /// The function that a trace of the kernel names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// How sure it is.
    pub sure: Sure,
    /// The reason why it is as sure as that, in a sentence.
    pub why: String,
    /// Cells that would decide it, where it is open and there are such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decide: Vec<String>,
    /// The findings of `fixtures/findings` that explain all of its failures: then it is a known fault of the kernel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<String>,
    /// The cells that show it, by their ids; in a journal the first of them.
    pub cells: Vec<String>,
}

impl Cause {
    /// As a journal has it: without most of the ids, which are there already.
    pub fn for_journal(mut self) -> Self {
        self.cells.truncate(CELLS);
        self
    }
}

/// Who may be to blame.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Suspect {
    /// The role in which it fails.
    pub role: Role,
    /// The kind of thing that it is.
    pub kind: Sharer,
    /// Its name: an endpoint's key, a driver, a back end, a part of the kernel.
    pub name: String,
    /// The endpoints of this board that are it, or share it.
    pub endpoints: Vec<String>,
    /// The code that these endpoints alone use on this board: no run of it can tell whether that is to blame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

/// The role of an endpoint in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It makes the buffer.
    Exporter,
    /// It uses the buffer of another.
    Importer,
    /// Either.
    Either,
}

/// What a suspect is: from one endpoint to what all of them share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sharer {
    /// One endpoint.
    Endpoint,
    /// A driver, of one endpoint or several.
    Driver,
    /// The code behind the DRM core that makes a buffer, or videobuf2's allocator.
    Allocator,
    /// A module that several drivers use, and others do not.
    Library,
    /// What the devices of one subsystem share: the DRM core's PRIME, videobuf2, the heaps.
    Subsystem,
    /// The dma-buf core.
    DmaBuf,
    /// The kernel as a whole, or the board.
    Kernel,
}

/// The evidence for and against a suspect, in cells that can be counted again from the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The cells that fail in which the suspect has its role.
    pub fails: usize,
    /// The cells of the same cases in which it has that role and the rule was looked at: those and the ones that pass.
    pub of: usize,
    /// Those who took part beside the suspect and pass the same cases without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acquitted: Vec<Acquitted>,
    /// Cells that fail of the same fault in which the suspect has another role.
    #[serde(default)]
    pub in_other_roles: usize,
}

/// Someone who took part in cells that fail, and passes the same cases without the suspect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Acquitted {
    /// The endpoint's key.
    pub endpoint: String,
    /// Its role in the cells that fail.
    pub role: Role,
    /// The others with which it passes.
    pub passes_with: usize,
}

/// How sure a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sure {
    /// Something that is not a count shows it: a trace, a probe, a cell without anyone else.
    Proved,
    /// The others are acquitted by cells that pass.
    ByElimination,
    /// The evidence does not decide between several.
    Open,
}

impl Role {
    /// The word for it in events and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exporter => "exporter",
            Self::Importer => "importer",
            Self::Either => "either side",
        }
    }
}

impl Sure {
    /// The words for it in reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::ByElimination => "by elimination",
            Self::Open => "open",
        }
    }
}

impl fmt::Display for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            Sharer::Endpoint => write!(f, "{name}")?,
            Sharer::Driver => write!(f, "the driver {name}")?,
            Sharer::Allocator | Sharer::Subsystem => write!(f, "{name}")?,
            Sharer::Library => write!(f, "the module {name}, which several drivers use")?,
            Sharer::DmaBuf => write!(f, "the dma-buf core")?,
            Sharer::Kernel => write!(f, "the kernel or the board")?,
        }
        match self.role {
            Role::Exporter => write!(f, ", as the exporter"),
            Role::Importer => write!(f, ", as the importer"),
            Role::Either => Ok(()),
        }
    }
}
