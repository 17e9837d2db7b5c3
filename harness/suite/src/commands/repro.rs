//! `prime-cts repro`.

use suite::exit::Exit;
use suite::repro::{About, program};
use suite::survey::survey;

use super::{Trouble, cases, endpoints, replace, sources};
use crate::arguments::Repro;
use crate::choice::Chosen;

/// Writes the program of a cell.
pub fn run(wanted: &Repro) -> Result<Exit, Trouble> {
    let cases = cases(wanted.cases.as_deref())?;
    let endpoints = survey(endpoints(&wanted.machine)?, &cases, &sources(&wanted.machine));
    let exact = [wanted.cell.clone()];
    let chosen = Chosen { filter: &[], exact: &exact, skip: &[], tags: &[], intrusive: true };
    let cells = chosen.cells(cases, &endpoints)?;
    let (release, architecture) = uapi::process::kernel().unwrap_or_default();
    let kernel = format!("{release} {architecture}");
    let text = program(&cells[0], About { version: env!("CARGO_PKG_VERSION"), kernel: &kernel })?;
    match &wanted.output {
        None => print!("{text}"),
        Some(path) => replace(path, &text)?,
    }
    Ok(Exit::Success)
}
