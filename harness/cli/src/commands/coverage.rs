//! `prime-cts coverage`.

use std::path::PathBuf;

use clap::Args;
use event::exit::Exit;
use report::coverage;

use crate::error::Trouble;
use crate::files::recorded;
use crate::options::Telling;

/// What several runs have reached.
#[derive(Debug, Args)]
pub struct Coverage {
    /// The run.jsonl of each run, or the folder that holds it.
    #[arg(required = true)]
    pub journals: Vec<PathBuf>,
    /// Its form.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Telling,
}

/// Joins the runs and tells what they have reached.
pub fn run(wanted: &Coverage) -> Result<Exit, Trouble> {
    let registry = catalogue::registry::embedded().map_err(Trouble::Registry)?;
    let runs = wanted.journals.iter().map(|path| recorded(path)).collect::<Result<Vec<_>, _>>()?;
    let reached = coverage::joined(&registry, &runs);
    match wanted.format {
        Telling::Text => print!("{}", coverage::text(&reached)),
        Telling::Json => println!("{}", serde_json::to_string_pretty(&reached).expect("it is plain data")),
    }
    Ok(reached.exit())
}
