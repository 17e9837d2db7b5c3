//! `prime-cts lists`.

use std::path::Path;

use suite::exit::Exit;
use suite::lists::{NAMES, export, import};

use super::{Trouble, read_board, recorded};
use crate::arguments::Lists as Wanted;

/// Writes a board's lists, or reads them.
pub fn run(wanted: &Wanted) -> Result<Exit, Trouble> {
    match wanted {
        Wanted::Export { journal, board, output } => {
            let board = read_board(board)?;
            std::fs::create_dir_all(output).map_err(|source| Trouble::Folder { path: output.clone(), source })?;
            for (name, text) in NAMES.iter().zip(export(&board, &recorded(journal)?)) {
                let path = output.join(format!("{}-{name}", board.name));
                std::fs::write(&path, text).map_err(|source| Trouble::Unwritten { path: path.clone(), source })?;
                println!("{}", path.display());
            }
        }
        Wanted::Import { lists, board, reason } => {
            let files = [&lists.fails, &lists.flakes, &lists.skips];
            let read = |path: &Path| {
                std::fs::read_to_string(path).map_err(|source| Trouble::Unreadable { path: path.to_owned(), source })
            };
            let names = files.map(|file| file.as_ref().map_or(String::new(), |path| path.display().to_string()));
            let mut texts = [String::new(), String::new(), String::new()];
            for (text, file) in texts.iter_mut().zip(files) {
                *text = file.as_deref().map_or(Ok(String::new()), read)?;
            }
            let written = import(&read(board)?, &texts, &names, reason.as_deref())?;
            document::board::Board::parse(board, &written).map_err(Trouble::Board)?;
            super::replace(board, &written)?;
            println!("{}", board.display());
        }
    }
    Ok(Exit::Success)
}
