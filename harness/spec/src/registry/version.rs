//! Versions of the kernel, and the stretch of them in which something is there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A version as it is written in the registry: `6.12`, which stands for the whole series, or `5.10.88`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(Vec<u32>);

/// A text that is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a kernel version: write \"6.12\" or \"6.12.3\", in quotes")]
pub struct NoVersion(String);

impl Version {
    /// Reads the version from a kernel's release: `6.12.117` of `6.12.117+deb12-amd64`, `7.3` of `7.3-rc7`.
    ///
    /// # Errors
    /// For a text that does not begin with two numbers.
    pub fn of_release(release: &str) -> Result<Self, NoVersion> {
        let end = release.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(release.len());
        let mut numbers: Vec<u32> = release[..end].split('.').map_while(|number| number.parse().ok()).collect();
        numbers.truncate(3);
        if numbers.len() < 2 { Err(NoVersion(release.into())) } else { Ok(Self(numbers)) }
    }

    /// The series that it belongs to: `6.12` of `6.12.117`.
    pub fn series(&self) -> Self {
        Self(self.0[..2].to_vec())
    }

    /// Returns the same with as many numbers as `other` has, where it has that many.
    fn as_exact_as(&self, other: &Self) -> &[u32] {
        &self.0[..self.0.len().min(other.0.len())]
    }
}

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let version = Self::of_release(text)?;
        if version.to_string() == text { Ok(version) } else { Err(NoVersion(text.into())) }
    }
}

impl TryFrom<String> for Version {
    type Error = NoVersion;

    fn try_from(text: String) -> Result<Self, NoVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.pad(&numbers.join("."))
    }
}

/// From one version to another, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The first; nothing for as far back as one looks.
    pub since: Option<Version>,
    /// The last; nothing where it is still there.
    pub until: Option<Version>,
}

impl Span {
    /// Returns whether a kernel lies in it. A series that is named as the last one belongs to it as a whole.
    pub fn covers(&self, kernel: &Version) -> bool {
        let begun = self.since.as_ref().is_none_or(|since| kernel.0 >= since.0);
        let ended = self.until.as_ref().is_some_and(|until| kernel.as_exact_as(until) > until.0.as_slice());
        begun && !ended
    }

    /// Returns whether its end lies before its beginning.
    pub fn is_reversed(&self) -> bool {
        self.since.as_ref().is_some_and(|since| !self.covers(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn span(since: &str, until: &str) -> Span {
        Span { since: since.parse().ok(), until: until.parse().ok() }
    }

    #[test]
    fn releases_of_distributions_are_read() {
        for (release, read) in [
            ("6.12.117+deb12-amd64", "6.12.117"),
            ("6.1.0-50-amd64", "6.1.0"),
            ("7.3-rc7", "7.3"),
            ("5.10.223", "5.10.223"),
            ("6.8.0.1", "6.8.0"),
        ] {
            assert_eq!(Version::of_release(release).unwrap().to_string(), read);
        }
        for text in ["", "6", "x.y", "6.x", "-6.1"] {
            assert!(Version::of_release(text).is_err(), "{text}");
        }
        for text in ["6.12+", "6.12.", "06.1", "6.12.3.4"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_and_not_texts() {
        assert!(version("6.9") < version("6.12") && version("6.12") < version("6.12.1"));
        assert_eq!(version("6.12.117").series(), version("6.12"));
    }

    #[test]
    fn a_series_belongs_to_its_span_as_a_whole() {
        let span = span("5.10", "6.12");
        assert!(span.covers(&version("5.10.223")) && span.covers(&version("6.1")) && span.covers(&version("6.12.117")));
        assert!(!span.covers(&version("5.9.16")) && !span.covers(&version("6.13")) && !span.covers(&version("7.3.4")));
        let exact = Span { until: Some(version("5.10.88")), ..span };
        assert!(exact.covers(&version("5.10.88")) && !exact.covers(&version("5.10.89")));
        assert!(exact.covers(&version("5.10")), "a series is there as long as one of its kernels is");
    }

    #[test]
    fn what_is_open_goes_on() {
        assert!(span("6.12", "").covers(&version("9.1")) && span("", "4.11").covers(&version("2.6")));
    }

    #[test]
    fn an_end_before_the_beginning_is_seen() {
        assert!(span("6.12", "6.1").is_reversed() && span("6.12.5", "6.12.4").is_reversed());
        assert!(!span("6.12", "6.12").is_reversed() && !span("5.10.88", "5.10").is_reversed());
        assert!(!span("", "6.1").is_reversed() && !span("6.1", "").is_reversed());
    }
}
