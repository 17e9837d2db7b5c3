//! YAML text to typed values. The only module that calls `serde_yaml`: the crate is archived by
//! its author, and this is the one place to change when it is replaced.
//!
//! Enums are written as a single key (`- map: {...}`), not as YAML tags (`!map`), because that is
//! what people expect to write.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::de::DeserializeOwned;

/// A YAML document that could not be taken, with the place and the line it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as the user named it.
    pub path: PathBuf,
    /// 1-based line and column, where the parser gave one.
    pub place: Option<(usize, usize)>,
    /// The fault.
    pub message: String,
    /// The remedy.
    pub help: Option<String>,
    source: Arc<str>,
}

impl Diagnostic {
    /// A complaint about a document as a whole or about a place found by the caller.
    pub fn new(path: &Path, source: &str, place: Option<(usize, usize)>, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), place, message: message.into(), help: None, source: source.into() }
    }

    /// The same for one of several of a document, which share its text.
    pub fn of(path: &Path, source: &Arc<str>, place: Option<(usize, usize)>, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), place, message: message.into(), help: None, source: source.clone() }
    }

    /// The same, with what would fix it.
    pub fn with_help(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display().to_string();
        let Some((line, column)) = self.place else {
            let help = self.help.as_ref().map_or(String::new(), |help| format!("\n  = help: {help}"));
            return write!(f, "{path}: {}{help}", self.message);
        };
        let span = byte_span(&self.source, line, column);
        let snippet = Snippet::source(&*self.source).path(&path).annotation(AnnotationKind::Primary.span(span));
        let mut report = Level::ERROR.primary_title(&self.message).element(snippet);
        if let Some(help) = &self.help {
            report = report.element(Level::HELP.message(help));
        }
        let report = [report];
        f.write_str(&Renderer::plain().render(&report))
    }
}

impl std::error::Error for Diagnostic {}

/// The bytes that a caret at `line` and `column` (both from 1, column in characters) stands under: the word that begins
/// there, or one character.
fn byte_span(source: &str, line: usize, column: usize) -> std::ops::Range<usize> {
    let start_of_line: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let text = source[start_of_line..].split('\n').next().unwrap_or("");
    let into = text.char_indices().nth(column - 1).map_or(text.len(), |(at, _)| at);
    let word = text[into..].find(|c: char| c.is_whitespace() || ":,]}".contains(c)).unwrap_or(text.len() - into);
    let start = start_of_line + into;
    // A word without letters: the one character that stands there, however many bytes it has.
    let one = source[start..].chars().next().map_or(0, char::len_utf8);
    start..start + word.max(one)
}

/// Reads one document of type `T`.
///
/// # Errors
/// A [`Diagnostic`] with line and column for text that is not YAML, unknown keys, missing keys,
/// duplicate keys and values of a wrong type.
pub fn parse<T: DeserializeOwned>(path: &Path, source: &str) -> Result<T, Diagnostic> {
    let document = serde_yaml::Deserializer::from_str(source);
    serde_yaml::with::singleton_map_recursive::deserialize(document).map_err(|error: serde_yaml::Error| {
        let text = error.to_string();
        let place = error.location().map(|at| (at.line(), at.column()));
        let place = duplicate_key(&text, source).or(place);
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        Diagnostic::new(path, source, place, message)
    })
}

/// The parser reports a duplicate key at the start of its mapping or of the document: find the
/// second one by its text.
fn duplicate_key(message: &str, source: &str) -> Option<(usize, usize)> {
    let key = message.split("duplicate field `").nth(1)?.split('`').next()?;
    let written =
        |line: &str| line.trim_start_matches([' ', '-']).strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
    let mut seen: Vec<usize> = Vec::new();
    for (number, line) in source.lines().enumerate() {
        let indent = line.len() - line.trim_start_matches([' ', '-']).len();
        if written(line) {
            if seen.contains(&indent) {
                return Some((number + 1, indent + 1));
            }
            seen.push(indent);
        } else if !line.trim().is_empty() {
            let outer = line.len() - line.trim_start().len();
            seen.retain(|&column| outer >= column || line.trim_start().starts_with('#'));
        }
    }
    None
}

/// The place of a key at the top of a document.
pub fn place_of_key(source: &str, key: &str) -> Option<(usize, usize)> {
    let at = source.lines().position(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))?;
    Some((at + 1, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Shape {
        name: String,
        steps: Vec<Step>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    #[allow(dead_code)]
    enum Step {
        Map(Map),
        Close { file: String },
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Map {
        offset: u64,
    }

    fn complaint(source: &str) -> Diagnostic {
        parse::<Shape>(Path::new("x.yaml"), source).unwrap_err()
    }

    #[test]
    fn enums_are_single_keys() {
        parse::<Shape>(Path::new("x.yaml"), "name: a\nsteps:\n  - map: {offset: 1}\n  - close: {file: b}\n").unwrap();
    }

    #[test]
    fn a_wrong_type_is_pointed_at() {
        let error = complaint("name: a\nsteps:\n  - map: {offset: big}\n");
        assert_eq!(error.place, Some((3, 19)), "{error}");
        let text = error.to_string();
        assert!(text.contains("x.yaml:3:19") && text.contains("^^^"), "{text}");
    }

    #[test]
    fn an_unknown_key_and_an_unknown_verb_are_pointed_at() {
        assert_eq!(complaint("name: a\nwhat: 1\nsteps: []\n").place.map(|at| at.0), Some(2));
        let error = complaint("name: a\nsteps:\n  - mapp: {offset: 1}\n");
        assert_eq!(error.place.map(|at| at.0), Some(3), "{error}");
        assert!(error.message.contains("mapp"), "{error}");
    }

    #[test]
    fn a_duplicate_key_is_pointed_at_where_it_stands_again() {
        let error = complaint("name: a\nsteps: []\nname: b\n");
        assert_eq!(error.place, Some((3, 1)), "{error}");
        let nested = complaint("name: a\nsteps:\n  - map:\n      offset: 1\n      offset: 2\n");
        assert_eq!(nested.place, Some((5, 7)), "{nested}");
    }

    #[test]
    fn a_place_without_a_word_is_shown_whatever_stands_there() {
        for text in ["\u{a0}", ":", "", "a\n"] {
            for place in [(1, 1), (1, 2), (2, 1)] {
                let shown = Diagnostic::new(Path::new("x.yaml"), text, Some(place), "wrong").to_string();
                assert!(shown.contains("wrong"), "{text:?} {place:?}");
            }
        }
    }

    #[test]
    fn text_that_is_no_yaml_is_pointed_at() {
        let error = complaint("name: [a\nsteps: }\n");
        assert!(error.place.is_some() && error.to_string().contains("x.yaml"), "{error}");
    }
}
