//! `prime-cts repro`.

use std::path::PathBuf;

use clap::Args;
use event::exit::Exit;
use repro::{About, program};
use runner::plan::Cell;

use crate::choice::Selection;
use crate::choice::cases;
use crate::error::CommandError;
use crate::files::replace;
use crate::machine::look;
use crate::options::Machine;

/// The arguments of `repro`.
#[derive(Debug, Args)]
pub struct Repro {
    #[command(flatten)]
    pub machine: Machine,
    /// Take only cells whose id contains one of these texts, or matches it where it has a '*'.
    #[arg(required = true)]
    pub filter: Vec<String>,
    /// Write each cell's program to this folder, as ID.c; needed for more than one.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Use the cases of this folder in place of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub cases: Option<PathBuf>,
}

/// Writes the programs of cells.
pub fn run(wanted: &Repro) -> Result<Exit, CommandError> {
    let cases = cases(wanted.cases.as_deref())?;
    let endpoints = look(&wanted.machine)?.endpoints;
    let chosen = Selection { filter: &wanted.filter, exact: &[], skip: &[], tags: &[], intrusive: true };
    let mut cells = chosen.cells(cases, &endpoints)?;
    // An id that is the beginning of others means itself.
    let named = |cell: &Cell| wanted.filter == [cell.id.as_str()];
    if cells.iter().any(|cell| named(&cell)) {
        cells.retain(|cell| named(&cell));
    }
    let (release, architecture) = uapi::process::kernel().unwrap_or_default();
    let kernel = format!("{release} {architecture}");
    let about = About { version: env!("CARGO_PKG_VERSION"), kernel: &kernel };
    let told = |cell: &Cell| program(cell, about).map_err(|why| CommandError::Unsupported { id: cell.id.clone(), why });
    let Some(folder) = &wanted.output else {
        let mut all = cells.iter();
        let (Some(cell), None) = (all.next(), all.next()) else { return Err(CommandError::ManyCells(cells.len())) };
        print!("{}", told(&cell)?);
        return Ok(Exit::Success);
    };
    std::fs::create_dir_all(folder).map_err(|source| CommandError::Folder { path: folder.clone(), source })?;
    let mut written = 0;
    for cell in cells.iter() {
        match told(&cell) {
            Ok(text) => {
                replace(&folder.join(format!("{}.c", cell.id)), &text)?;
                written += 1;
            }
            Err(trouble) => eprintln!("prime-cts: {trouble}"),
        }
    }
    println!("{written} programs of {} cells in {}", cells.len(), folder.display());
    Ok(if written > 0 { Exit::Success } else { Exit::BadInput })
}
