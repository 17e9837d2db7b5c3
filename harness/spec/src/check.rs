//! Every fault of a case at once, each with its place and what would fix it.
//!
//! Three passes over one [`tree`]: `shape`, its keys and values against the schema; `names`, what its steps make and use;
//! `meaning`, what can be known of it without a board.

use std::path::Path;

use serde::Deserialize;

use crate::case::Case;
use crate::fault::{self, Fault};
use crate::schema;
use crate::tree::{self, Node};
use crate::yaml::Diagnostic;

mod meaning;
mod names;
mod number;
mod shape;
mod steps;

pub(crate) use steps::LISTS;

/// More than any case needs, and little enough for every parser.
const LARGEST: usize = 64 << 10;

/// The most faults that are reported: the first ones are the ones to fix.
const MOST: usize = 50;

impl Case {
    /// Reads a case from the text of `<area>/<name>.yaml`.
    ///
    /// # Errors
    /// Every fault that it has, in the order of their places.
    pub fn parse(path: &Path, source: &str) -> Result<Self, Vec<Diagnostic>> {
        check(path, source)
    }
}

fn check(path: &Path, source: &str) -> Result<Case, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let root = root(path, source, &mut faults);
    if let Some(root) = root.filter(|_| faults.is_empty()) {
        // What only the types know; there should be nothing left.
        let area = part(path.parent().and_then(Path::file_name));
        let case = Case::deserialize(&root.to_json())
            .map_err(|error| vec![Diagnostic::new(path, source, Some((1, 1)), error.to_string())])?;
        return Ok(Case { area, ..case });
    }
    faults.sort_by_key(|fault| fault.place);
    faults.dedup();
    if faults.len() > MOST {
        faults.truncate(MOST);
        let place = faults[MOST - 1].place;
        faults.push(Fault::new(place, "there are more faults after this one").help("fix these first"));
    }
    let shared: std::sync::Arc<str> = source.into();
    let pointing = |fault: Fault| {
        let place = fault::within(source, fault.place);
        Diagnostic::of(path, &shared, Some(place), fault.message).with_help(fault.help)
    };
    Err(faults.into_iter().map(pointing).collect())
}

/// Parses a document, with its faults, if it is YAML at all.
fn root(path: &Path, source: &str, faults: &mut Vec<Fault>) -> Option<Node> {
    if source.len() > LARGEST {
        let message = format!("the file has {} bytes; a case has at most {LARGEST}", source.len());
        faults.push(Fault::new((1, 1), message));
        return None;
    }
    let root = tree::parse(source, faults)?;
    let schema = schema::schema();
    shape::check(&root, &schema, faults);
    let steps = steps::read(root.get("steps"), &schema::verbs(&schema));
    names::check(&steps, faults);
    meaning::check(path, &root, &steps, faults);
    Some(root)
}

/// A part of a path as text.
fn part(part: Option<&std::ffi::OsStr>) -> String {
    part.unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
