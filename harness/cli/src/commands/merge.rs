//! `prime-cts merge`.

use std::path::PathBuf;

use clap::Args;
use event::Event;
use event::exit::Exit;
use event::journal::{Journal, Recorded};
use event::merge::merged;
use report::paint::Paint;

use super::written::RunReports;
use crate::error::CommandError;
use crate::files::{read_board, recorded};

/// The arguments of `merge`.
#[derive(Debug, Args)]
pub struct Merge {
    /// The shards: each a run.jsonl, or the folder that has it.
    #[arg(required = true)]
    pub journals: Vec<PathBuf>,
    /// Require the endpoints and implementations of this board file of the shards together.
    #[arg(long, value_name = "FILE")]
    pub board: Option<PathBuf>,
    /// Write the results to this folder.
    #[arg(long, value_name = "DIR", default_value = "prime-cts-results")]
    pub output: PathBuf,
}

/// Joins the shards, and writes and prints what the whole run would have.
pub fn run(wanted: &Merge) -> Result<Exit, CommandError> {
    let board = wanted.board.as_deref().map(read_board).transpose()?;
    let named = |path: &std::path::PathBuf| Ok((path.display().to_string(), recorded(path)?));
    let shards: Vec<(String, Recorded)> = wanted.journals.iter().map(named).collect::<Result<_, CommandError>>()?;
    let events: Vec<Event> = merged(&shards, board.as_ref().map(|board| &board.expect))?;
    let folder = &wanted.output;
    std::fs::create_dir_all(folder).map_err(|source| CommandError::Folder { path: folder.clone(), source })?;
    Journal::create(&folder.join("run.jsonl"))?.write(&events)?;
    let written = RunReports::to(folder)?;
    print!("{}", written.text(Paint::of_output()));
    Ok(written.exit())
}
