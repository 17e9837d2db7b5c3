//! `prime-cts bless`.

use suite::bless::{blessed, differences};
use suite::exit::Exit;

use super::{Trouble, recorded};
use crate::arguments::Bless as Wanted;

/// Writes what a run has shown into the board file.
pub fn run(wanted: &Wanted) -> Result<Exit, Trouble> {
    let path = &wanted.board;
    let recorded = recorded(&wanted.journal)?;
    let cells = differences(&recorded, &wanted.filter);
    for missing in &recorded.missing {
        eprintln!(
            "not blessed: {} {} is missing; if that is as it should be, take it out of the file",
            missing.what, missing.name
        );
    }
    if cells.is_empty() {
        println!("nothing differs from {}", path.display());
        return Ok(Exit::Success);
    }
    let text = std::fs::read_to_string(path).map_err(|source| Trouble::Unreadable { path: path.clone(), source })?;
    let written = blessed(path, &text, &cells, wanted.reason.as_deref())?;
    super::replace(path, &written)?;
    println!(
        "{}: {} cells are expected as they were; look at the change before you commit it",
        path.display(),
        cells.len()
    );
    Ok(Exit::Success)
}
