//! What an oracle saw in a cell, and who broke the rule.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spec::verdict::Verdict;

/// The party that broke the rule, as far as the finding shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// The exporter's driver.
    Exporter,
    /// The importer's driver.
    Importer,
    /// Either of the two, or the core between them.
    Undecided,
    /// The kernel as a whole.
    Kernel,
    /// prime-cts.
    Suite,
    /// No one: a property, a refusal, something that cannot be seen.
    Nobody,
}

/// The oracle that saw a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Oracle {
    /// Counts of descriptors, references, attachments, memory before and after.
    Balance,
    /// The bytes that a mapping or a device shows.
    Content,
    /// The use of a device: whether it could be opened.
    Device,
    /// The DMA contract between exporter and importer, watched in the kernel.
    Dma,
    /// The answer of a display to a test of a frame.
    Display,
    /// The fences that a buffer waits for.
    Fence,
    /// The descriptor and the file of a dma-buf.
    File,
    /// The frames of a stream under load.
    Frames,
    /// The identity of a buffer after a round trip.
    Identity,
    /// The kernel's log.
    KernelLog,
    /// The machine: whether it still runs.
    Machine,
    /// The result of mapping a file.
    Mapping,
    /// The struct pages: who takes them, and which memory has them.
    Pages,
    /// The end of a cell's process.
    Process,
    /// A call that was answered with an errno.
    Refusal,
    /// The requirements of a case.
    Requirement,
    /// The preparation of a load.
    Setup,
    /// The table that an exporter gives to an attachment.
    SgTable,
    /// prime-cts itself.
    Suite,
    /// DMA_BUF_IOCTL_SYNC.
    Sync,
    /// The taint of the kernel.
    Taint,
    /// One of a later version of the program, by its word.
    Other(String),
}

impl Oracle {
    const ALL: &[(Self, &str)] = &[
        (Self::Balance, "balance"),
        (Self::Content, "content"),
        (Self::Device, "device"),
        (Self::Display, "display"),
        (Self::Dma, "dma"),
        (Self::Fence, "fence"),
        (Self::File, "file"),
        (Self::Frames, "frames"),
        (Self::Identity, "identity"),
        (Self::KernelLog, "kernel-log"),
        (Self::Machine, "machine"),
        (Self::Mapping, "mapping"),
        (Self::Pages, "pages"),
        (Self::Process, "process"),
        (Self::Refusal, "refusal"),
        (Self::Requirement, "requirement"),
        (Self::Setup, "setup"),
        (Self::SgTable, "sg_table"),
        (Self::Suite, "suite"),
        (Self::Sync, "sync"),
        (Self::Taint, "taint"),
    ];

    /// The word for it in events and reports.
    pub fn word(&self) -> &str {
        match self {
            Self::Other(word) => word,
            known => Self::ALL.iter().find(|(oracle, _)| oracle == known).map_or("", |(_, word)| word),
        }
    }
}

impl From<String> for Oracle {
    fn from(word: String) -> Self {
        let known = Self::ALL.iter().find(|(_, known)| *known == word);
        known.map_or(Self::Other(word), |(oracle, _)| oracle.clone())
    }
}

impl From<Oracle> for String {
    fn from(oracle: Oracle) -> Self {
        oracle.word().to_owned()
    }
}

impl fmt::Display for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The end of the observation of a cell that failed behind others in a process and did not when it was run again by itself.
pub const NOT_SHOWN_ALONE: &str = "run again in a process of its own, the cell does not show it";

/// A finding: what an oracle saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Which, by its name: `content`, `sg_table`, `kernel-log` and others.
    pub oracle: Oracle,
    /// The verdict that it leads to.
    #[schemars(with = "String")]
    pub verdict: Verdict,
    /// The step, from 1, and its verb; nothing for what was seen from outside the cell.
    pub step: Option<String>,
    /// The demand of the rule.
    pub expected: String,
    /// The observation.
    pub seen: String,
    /// Whose fault it is.
    pub blame: Blame,
    /// Lines of the kernel log or a stack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// True for a broken rule of the DMA contract that this machine cannot show in bytes and another can. It fails the
    /// cell only if that was asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub latent: bool,
}

impl Finding {
    /// A finding of no step, without lines of a log.
    pub fn new(
        oracle: Oracle,
        verdict: Verdict,
        blame: Blame,
        seen: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let (seen, expected) = (seen.into(), expected.into());
        Self { oracle, verdict, step: None, expected, seen, blame, lines: Vec::new(), latent: false }
    }

    /// A broken rule.
    pub fn fail(oracle: Oracle, blame: Blame, seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::new(oracle, Verdict::Fail, blame, seen, expected)
    }

    /// Something that this kernel does not let us see.
    pub fn not_observable(oracle: Oracle, seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::new(oracle, Verdict::NotObservable, Blame::Nobody, seen, expected)
    }

    /// Something that keeps the cell from running; `seen` says what removes it.
    pub fn blocked(oracle: Oracle, seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::new(oracle, Verdict::Blocked, Blame::Nobody, seen, expected)
    }

    /// A fault of prime-cts.
    pub fn suite(seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::new(Oracle::Suite, Verdict::Error, Blame::Suite, seen, expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_oracle_is_read_back_from_its_word() {
        for (oracle, word) in Oracle::ALL {
            assert!(!word.is_empty());
            assert_eq!((&Oracle::from((*word).to_owned()), oracle.word()), (oracle, *word));
        }
    }

    #[test]
    fn an_oracle_of_a_later_version_keeps_its_word() {
        let later: Oracle = serde_json::from_str("\"dma-contract\"").unwrap();
        assert_eq!(serde_json::to_string(&later).unwrap(), "\"dma-contract\"");
    }
}
