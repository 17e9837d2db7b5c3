//! `prime-cts bless`.

use std::path::PathBuf;

use clap::Args;
use event::exit::Exit;
use report::bless::{blessed, differences, unmatched};
use spec::board::Board;

use crate::error::CommandError;
use crate::files::recorded;

/// The arguments of `bless`.
#[derive(Debug, Args)]
pub struct Bless {
    /// The run: a run.jsonl, or the folder that has it.
    pub journal: PathBuf,
    /// Take only cells whose id contains one of these texts.
    pub filter: Vec<String>,
    /// Write this board file.
    #[arg(long, value_name = "FILE")]
    pub board: PathBuf,
    /// The reason for the new entries, in a sentence. Without it the cells are listed and nothing is written.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Writes what a run has shown into the board file.
pub fn run(wanted: &Bless) -> Result<Exit, CommandError> {
    let path = &wanted.board;
    let recorded = recorded(&wanted.journal)?;
    let text =
        std::fs::read_to_string(path).map_err(|source| CommandError::Unreadable { path: path.clone(), source })?;
    if let Some(filter) = unmatched(&recorded, &wanted.filter) {
        return Err(CommandError::NotInRun(filter.into()));
    }
    let board = Board::parse(path, &text).map_err(CommandError::Board)?;
    let cells = differences(&recorded, &wanted.filter, &board.expect);
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
    let written = blessed(path, &text, &cells, wanted.reason.as_deref())?;
    crate::files::replace(path, &written)?;
    println!(
        "{}: {} expected from now on as in this run; look at the change before you commit it",
        path.display(),
        if cells.len() == 1 { "1 cell is".into() } else { format!("{} cells are", cells.len()) }
    );
    Ok(Exit::Success)
}
