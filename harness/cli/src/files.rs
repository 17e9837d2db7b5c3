//! Files that commands read and write.

use std::path::{Path, PathBuf};

use event::journal::{JournalError, Recorded};
use spec::board::Board;

use crate::error::CommandError;

pub fn read_board(path: &Path) -> Result<Board, CommandError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| CommandError::Unreadable { path: path.to_owned(), source })?;
    Board::parse(path, &text).map_err(CommandError::Board)
}

pub fn write(path: &Path, text: &str) -> Result<(), JournalError> {
    std::fs::write(path, text).map_err(|source| JournalError::Write { path: path.to_owned(), source })
}

/// Replaces a file: what was there is replaced at once, so that it is never half of one.
pub fn replace(path: &Path, text: &str) -> Result<(), CommandError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|source| CommandError::Unwritten { path: path.to_owned(), source })
}

/// A journal, or the one in a folder.
pub fn recorded(path: &Path) -> Result<Recorded, JournalError> {
    Recorded::read(&journal_of(path))
}

pub fn journal_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("run.jsonl") } else { path.to_owned() }
}
