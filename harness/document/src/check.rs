//! Every fault of a case at once, each with its place and what would mend it.
//!
//! Three passes over one [`tree`]: `shape`, its keys and values against the schema; `names`, what its steps make and use;
//! `meaning`, what can be known of it without a board.

use std::path::Path;

use crate::case::Case;
use crate::schema;
use crate::tree;
use crate::yaml::{self, Diagnostic};

pub mod fault;
mod meaning;
mod names;
mod number;
mod shape;
mod steps;

pub(crate) use steps::LISTS;

use fault::Fault;

/// More than any case needs, and little enough for every parser.
const LARGEST: usize = 64 << 10;

/// After so many, the first ones are the ones to mend.
const MOST: usize = 50;

/// Reads a case from the text of `<area>/<name>.yaml`.
///
/// # Errors
/// Every fault that it has, in the order of their places.
pub fn check(path: &Path, source: &str) -> Result<Case, Vec<Diagnostic>> {
    let mut faults = faults(path, source);
    if faults.is_empty() {
        // What only the types know; there should be nothing left.
        let area = part(path.parent().and_then(Path::file_name));
        let case = yaml::parse(path, source).map_err(|mut fault| {
            fault.place.get_or_insert((1, 1));
            vec![fault]
        })?;
        return Ok(Case { area, ..case });
    }
    faults.sort_by_key(|fault| fault.place);
    faults.dedup();
    if faults.len() > MOST {
        faults.truncate(MOST);
        let place = faults[MOST - 1].place;
        faults.push(Fault::new(place, "there are more faults behind this one").help("mend these first"));
    }
    let shared: std::sync::Arc<str> = source.into();
    let pointing = |fault: Fault| {
        let place = fault::within(source, fault.place);
        Diagnostic::of(path, &shared, Some(place), fault.message).with_help(fault.help)
    };
    Err(faults.into_iter().map(pointing).collect())
}

fn faults(path: &Path, source: &str) -> Vec<Fault> {
    if source.len() > LARGEST {
        let message = format!("the file has {} bytes; a case has at most {LARGEST}", source.len());
        return vec![Fault::new((1, 1), message)];
    }
    let mut faults = Vec::new();
    if let Some(root) = tree::parse(source, &mut faults) {
        let schema = schema::schema();
        shape::check(&root, &schema, &mut faults);
        let steps = steps::read(root.get("steps"), &schema::verbs(&schema));
        names::check(&steps, &mut faults);
        meaning::check(path, &root, &steps, &mut faults);
    }
    faults
}

/// A part of a path as text.
fn part(part: Option<&std::ffi::OsStr>) -> String {
    part.unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
