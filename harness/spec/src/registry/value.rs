//! Values that are more than a word: answers, and drivers with the kernels in which they are meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Span, Version};

/// Yes, no, or on what it depends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Always.
    Yes,
    /// Never.
    No,
    /// On this.
    Depends(String),
}

/// A driver, and the kernels in which it uses a back end: `vgem`, `bochs-drm since 7.2`, `panthor since 6.12 until 7.1`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Driver {
    /// Its name.
    pub name: String,
    /// The kernels, as far as they are fewer than the back end's.
    pub span: Span,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes => f.pad("yes"),
            Self::No => f.pad("no"),
            Self::Depends(on) => write!(f, "depends: {on}"),
        }
    }
}

/// A text that names no driver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a driver: write 'vgem', 'bochs-drm since 7.2' or 'panthor since 6.12 until 7.1'")]
pub struct NoDriver(String);

impl FromStr for Driver {
    type Err = NoDriver;

    fn from_str(text: &str) -> Result<Self, NoDriver> {
        let wrong = || NoDriver(text.into());
        let version = |word: &str| word.parse::<Version>().map(Some).map_err(|_| wrong());
        let words: Vec<&str> = text.split_whitespace().collect();
        let (name, since, until) = match words[..] {
            [name] => (name, None, None),
            [name, "since", since] => (name, version(since)?, None),
            [name, "until", until] => (name, None, version(until)?),
            [name, "since", since, "until", until] => (name, version(since)?, version(until)?),
            _ => return Err(wrong()),
        };
        Ok(Self { name: name.into(), span: Span { since, until } })
    }
}

impl TryFrom<String> for Driver {
    type Error = NoDriver;

    fn try_from(text: String) -> Result<Self, NoDriver> {
        text.parse()
    }
}
