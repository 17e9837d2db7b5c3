//! `prime-cts diff`.

use std::path::PathBuf;

use clap::Args;
use event::exit::Exit;
use report::diff;

use crate::error::CommandError;
use crate::files::recorded;
use crate::options::OutputFormat;

/// A comparison.
#[derive(Debug, Args)]
pub struct Diff {
    /// The run.jsonl of the run before, or the folder that holds it.
    pub before: PathBuf,
    /// That of the run after.
    pub after: PathBuf,
    /// Its form.
    #[arg(long, value_enum, default_value = "text")]
    pub format: OutputFormat,
}

/// Compares two runs and tells how they differ.
pub fn run(wanted: &Diff) -> Result<Exit, CommandError> {
    let compared = diff::between(&recorded(&wanted.before)?, &recorded(&wanted.after)?);
    match wanted.format {
        OutputFormat::Text => print!("{}", diff::text(&compared)),
        OutputFormat::Json => println!("{}", serde_json::to_string_pretty(&compared).expect("it is plain data")),
    }
    Ok(compared.exit())
}
