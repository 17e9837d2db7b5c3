//! Patterns over cell ids and endpoint keys: `*` stands for any text within a segment, `**` for
//! any text at all. Nothing else is special.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A pattern: `*` stands for any text up to the next '.', `**` for any text at all; nothing else is special.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Glob(String);

impl Glob {
    /// Takes any text; text without `*` matches itself only.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Returns whether all of `text` is matched.
    pub fn matches(&self, text: &str) -> bool {
        matches(self.0.as_bytes(), text.as_bytes())
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|taken| matches(rest, &text[taken..])),
        [b'*', rest @ ..] => {
            let segment = text.iter().position(|&byte| byte == b'.').unwrap_or(text.len());
            (0..=segment).any(|taken| matches(rest, &text[taken..]))
        }
        [first, rest @ ..] => text.first() == Some(first) && matches(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_a_segment() {
        assert!(Glob::new("mapping.*.drm-vgem.*").matches("mapping.at-offset.drm-vgem.v4l2-vivid-cap0"));
        assert!(!Glob::new("mapping.*").matches("mapping.at-offset.drm-vgem"));
        assert!(Glob::new("mapping.**").matches("mapping.at-offset.drm-vgem"));
        assert!(Glob::new("*.*.drm-*").matches("fd.size.drm-vgem"));
    }

    #[test]
    fn text_without_a_star_matches_itself_only() {
        assert!(Glob::new("fd.size.udmabuf").matches("fd.size.udmabuf"));
        assert!(!Glob::new("fd.size.udmabuf").matches("fd.size.udmabuf2"));
        assert!(!Glob::new("").matches("x"));
    }
}
