//! `prime-cts diff`.

use std::path::PathBuf;

use clap::Args;
use event::exit::Exit;
use report::diff;

use crate::error::CommandError;
use crate::files::recorded;
use crate::options::OutputFormat;

/// The arguments of `diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The run.jsonl of the earlier run, or the folder that has it.
    pub before: PathBuf,
    /// The run.jsonl of the later run, or the folder that has it.
    pub after: PathBuf,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    pub format: OutputFormat,
}

/// Compares two runs and reports how they differ.
pub fn run(wanted: &Diff) -> Result<Exit, CommandError> {
    let compared = diff::between(&recorded(&wanted.before)?, &recorded(&wanted.after)?);
    match wanted.format {
        OutputFormat::Text => print!("{}", diff::text(&compared)),
        OutputFormat::Json => println!("{}", serde_json::to_string_pretty(&compared).expect("it is plain data")),
    }
    Ok(compared.exit())
}
