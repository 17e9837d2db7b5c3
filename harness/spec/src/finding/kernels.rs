//! The kernels that have a fault, as far as it was established.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::registry::{Span, Version};

/// The kernels that have a fault.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Kernels {
    /// The first kernel that is known to have it.
    pub since: Version,
    /// The last kernel that is known to have it; nothing where the newest has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Version>,
    /// The first kernels without it: `7.4` of the main line, `6.12.130` of a stable series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed_in: Vec<Version>,
    /// The commit that brought it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduced: Option<Commit>,
    /// The commit that fixed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_by: Option<Commit>,
}

impl Kernels {
    /// Returns whether a kernel has the fault. A distribution may have taken the fix earlier.
    pub fn have(&self, kernel: &Version) -> bool {
        self.span().covers(kernel) && !self.fixed_in.iter().any(|fixed| is_fixed(kernel, fixed))
    }

    /// Returns whether the range ends before it begins.
    pub fn is_reversed(&self) -> bool {
        self.span().is_reversed() || self.fixed_in.contains(&self.since)
    }

    fn span(&self) -> Span {
        Span { since: Some(self.since.clone()), until: self.until.clone() }
    }
}

/// A fix of a stable release reaches its own series; one of a main-line release, all later ones too.
fn is_fixed(kernel: &Version, fixed: &Version) -> bool {
    let same_series = kernel.series() == fixed.series();
    if *fixed == fixed.series() { *kernel >= *fixed } else { same_series && *kernel >= *fixed }
}

impl fmt::Display for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.until {
            Some(until) if until == &self.since => write!(f, "{until}")?,
            Some(until) => write!(f, "{} to {until}", self.since)?,
            None => write!(f, "since {}", self.since)?,
        }
        let fixed: Vec<String> = self.fixed_in.iter().map(Version::to_string).collect();
        if fixed.is_empty() { Ok(()) } else { write!(f, ", fixed in {}", fixed.join(", ")) }
    }
}

/// A commit of the kernel, as `Fixes:` names it: `bf0ddaba65dd ("blk-mq: fix sysfs inflight counter")`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commit {
    id: String,
    subject: String,
}

/// A text that does not name a commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' does not name a commit: write the first 12 digits and the subject, 012345abcdef (\"subject\")")]
pub struct NoCommit(String);

impl FromStr for Commit {
    type Err = NoCommit;

    fn from_str(text: &str) -> Result<Self, NoCommit> {
        let hex = |id: &&str| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let parts = text.split_once(" (\"").and_then(|(id, rest)| Some((id, rest.strip_suffix("\")")?)));
        match parts.filter(|(id, subject)| hex(id) && !subject.is_empty()) {
            Some((id, subject)) => Ok(Self { id: id.into(), subject: subject.into() }),
            None => Err(NoCommit(text.into())),
        }
    }
}

impl TryFrom<String> for Commit {
    type Error = NoCommit;

    fn try_from(text: String) -> Result<Self, NoCommit> {
        text.parse()
    }
}

impl From<Commit> for String {
    fn from(commit: Commit) -> Self {
        commit.to_string()
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (\"{}\")", self.id, self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernels(since: &str, until: Option<&str>, fixed_in: &[&str]) -> Kernels {
        let version = |text: &&str| text.parse().unwrap();
        let (introduced, fixed_by) = (None, None);
        Kernels {
            since: version(&since),
            until: until.as_ref().map(version),
            fixed_in: fixed_in.iter().map(version).collect(),
            introduced,
            fixed_by,
        }
    }

    fn have(kernels: &Kernels, kernel: &str) -> bool {
        kernels.have(&Version::of_release(kernel).unwrap())
    }

    #[test]
    fn a_fix_reaches_its_own_stable_series_and_all_later_kernels() {
        let of = kernels("5.10", None, &["7.4", "6.12.130"]);
        for kernel in ["5.10.0-32-amd64", "6.12.117+deb12-amd64", "6.12.129", "6.13.1", "7.3.4"] {
            assert!(have(&of, kernel), "{kernel}");
        }
        for kernel in ["5.4.1", "6.12.130", "6.12.131-rc1", "7.4", "7.4-rc1", "7.5.2", "8.0"] {
            assert!(!have(&of, kernel), "{kernel}");
        }
    }

    #[test]
    fn the_last_series_that_has_it_has_it_as_a_whole() {
        let of = kernels("6.1", Some("6.12"), &[]);
        assert!(have(&of, "6.12.117") && !have(&of, "6.13") && !have(&of, "5.10.1"));
    }

    #[test]
    fn they_are_written_as_people_say_them() {
        assert_eq!(kernels("5.10", None, &[]).to_string(), "since 5.10");
        assert_eq!(kernels("6.12", Some("6.12"), &[]).to_string(), "6.12");
        assert_eq!(kernels("6.1", Some("6.12"), &[]).to_string(), "6.1 to 6.12");
        assert_eq!(kernels("6.1", None, &["7.4", "6.12.130"]).to_string(), "since 6.1, fixed in 7.4, 6.12.130");
    }

    #[test]
    fn a_commit_has_twelve_digits_and_a_subject() {
        let text = "bf0ddaba65dd (\"blk-mq: fix (\"a\") counter\")";
        assert_eq!(text.parse::<Commit>().unwrap().to_string(), text);
        for text in ["", "bf0ddaba65dd", "bf0ddaba65 (\"a\")", "BF0DDABA65DD (\"a\")", "bf0ddaba65dd (a)", "x (\"\")"] {
            assert!(text.parse::<Commit>().is_err(), "{text}");
        }
    }
}
