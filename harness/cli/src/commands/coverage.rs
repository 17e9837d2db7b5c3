//! `prime-cts coverage`.

use std::path::PathBuf;

use clap::Args;
use event::exit::Exit;
use report::coverage;

use crate::error::CommandError;
use crate::files::recorded;
use crate::options::OutputFormat;

/// The arguments of `coverage`.
#[derive(Debug, Args)]
pub struct Coverage {
    /// The run.jsonl of each run, or the folder that has it.
    #[arg(required = true)]
    pub journals: Vec<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    pub format: OutputFormat,
}

/// Joins the runs and reports what they have reached.
pub fn run(wanted: &Coverage) -> Result<Exit, CommandError> {
    let registry = catalogue::registry::embedded().map_err(CommandError::Registry)?;
    let runs = wanted.journals.iter().map(|path| recorded(path)).collect::<Result<Vec<_>, _>>()?;
    let reached = coverage::joined(&registry, &runs);
    match wanted.format {
        OutputFormat::Text => print!("{}", coverage::text(&reached)),
        OutputFormat::Json => println!("{}", serde_json::to_string_pretty(&reached).expect("it is plain data")),
    }
    Ok(reached.exit())
}
