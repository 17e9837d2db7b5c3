//! `prime-cts lists`.

use std::path::Path;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use event::exit::Exit;
use report::lists::{NAMES, export, import};

use crate::error::CommandError;
use crate::files::{read_board, recorded};

/// The commands for the lists of the kernel's drm/ci.
#[derive(Debug, Subcommand)]
pub enum Lists {
    /// Write BOARD-fails.txt, BOARD-flakes.txt and BOARD-skips.txt.
    Export {
        /// A run of the board, which shows the cells that fail as expected.
        journal: PathBuf,
        /// The board file.
        #[arg(long, value_name = "FILE")]
        board: PathBuf,
        /// Write the lists to this folder.
        #[arg(long, value_name = "DIR", default_value = ".")]
        output: PathBuf,
    },
    /// Read lists into a board file.
    Import {
        #[command(flatten)]
        lists: ListFiles,
        /// The board file.
        #[arg(long, value_name = "FILE")]
        board: PathBuf,
        /// The reason for lines that have no comment above them.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

/// Lists to read.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct ListFiles {
    /// The list of fails, lines of TEST,STATUS.
    #[arg(long, value_name = "FILE")]
    pub fails: Option<PathBuf>,
    /// The list of flakes: regular expressions of cells that sometimes fail.
    #[arg(long, value_name = "FILE")]
    pub flakes: Option<PathBuf>,
    /// The list of skips: regular expressions of cells that are not run.
    #[arg(long, value_name = "FILE")]
    pub skips: Option<PathBuf>,
}

/// Writes a board's lists, or reads them.
pub fn run(wanted: &Lists) -> Result<Exit, CommandError> {
    match wanted {
        Lists::Export { journal, board, output } => {
            let board = read_board(board)?;
            std::fs::create_dir_all(output).map_err(|source| CommandError::Folder { path: output.clone(), source })?;
            for (name, text) in NAMES.iter().zip(export(&board, &recorded(journal)?)) {
                let path = output.join(format!("{}-{name}", board.name));
                std::fs::write(&path, text).map_err(|source| CommandError::Unwritten { path: path.clone(), source })?;
                println!("{}", path.display());
            }
        }
        Lists::Import { lists, board, reason } => {
            let files = [&lists.fails, &lists.flakes, &lists.skips];
            let read = |path: &Path| {
                std::fs::read_to_string(path)
                    .map_err(|source| CommandError::Unreadable { path: path.to_owned(), source })
            };
            let names = files.map(|file| file.as_ref().map_or(String::new(), |path| path.display().to_string()));
            let mut texts = [String::new(), String::new(), String::new()];
            for (text, file) in texts.iter_mut().zip(files) {
                *text = file.as_deref().map_or(Ok(String::new()), read)?;
            }
            let written = import(&read(board)?, &texts, &names, reason.as_deref())?;
            spec::board::Board::parse(board, &written).map_err(CommandError::Board)?;
            crate::files::replace(board, &written)?;
            println!("{}", board.display());
        }
    }
    Ok(Exit::Success)
}
