//! `prime-cts merge`.

use suite::event::Event;
use suite::exit::Exit;
use suite::journal::{Journal, Recorded};
use suite::merge::merged;
use suite::report::paint::Paint;

use super::{Trouble, read_board, recorded, reports};
use crate::arguments::Merge as Wanted;

/// Joins the shards, and writes and tells what the whole run would have.
pub fn run(wanted: &Wanted) -> Result<Exit, Trouble> {
    let board = wanted.board.as_deref().map(read_board).transpose()?;
    let named = |path: &std::path::PathBuf| Ok((path.display().to_string(), recorded(path)?));
    let shards: Vec<(String, Recorded)> = wanted.journals.iter().map(named).collect::<Result<_, Trouble>>()?;
    let events: Vec<Event> = merged(&shards, board.as_ref().map(|board| &board.expect))?;
    let folder = &wanted.output;
    std::fs::create_dir_all(folder).map_err(|source| Trouble::Folder { path: folder.clone(), source })?;
    Journal::create(&folder.join("run.jsonl"))?.write(&events)?;
    reports(folder, Some(Paint::of_output()))
}
