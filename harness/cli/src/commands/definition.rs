//! `prime-cts man` and `prime-cts completions`: what `--help` says, for other readers.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man as Page;
use event::exit::Exit;

use crate::error::CommandError;

/// The arguments of `man`.
#[derive(Debug, Args)]
pub struct Man {
    /// Write a page for each command to this folder, in place of one page to the standard output.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Writes man pages.
pub fn man(wanted: &Man, program: Command) -> Result<Exit, CommandError> {
    match &wanted.output {
        None => Page::new(program).render(&mut std::io::stdout()).map_err(|source| CommandError::Output { source })?,
        Some(folder) => {
            let failed = |source| CommandError::Folder { path: folder.clone(), source };
            std::fs::create_dir_all(folder).map_err(failed)?;
            clap_mangen::generate_to(program, folder).map_err(failed)?;
        }
    }
    Ok(Exit::Success)
}

/// Writes completions.
pub fn completions(shell: Shell, mut program: Command) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program, "prime-cts", &mut script);
    std::io::stdout().write_all(&script).map_err(|source| CommandError::Output { source })?;
    Ok(Exit::Success)
}
