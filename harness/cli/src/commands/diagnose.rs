//! `prime-cts diagnose`.

use std::path::PathBuf;

use clap::Args;
use diagnose::Facts;
use diagnose::matrix::Matrix;
use event::cause::Cause;
use event::exit::Exit;
use event::journal::Recorded;
use report::causes;
use report::paint::Paint;
use serde::Serialize;
use spec::verdict::Verdict;

use crate::error::CommandError;
use crate::files::recorded;
use crate::options::{OutputFormat, print_object};

/// The arguments of `diagnose`.
#[derive(Debug, Args)]
pub struct Diagnose {
    /// The runs: each a run.jsonl, or the folder that has it.
    #[arg(required = true)]
    pub runs: Vec<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    pub format: OutputFormat,
}

/// The causes of a run, as JSON has them.
#[derive(Debug, Serialize)]
struct Told<'a> {
    /// The run's journal.
    run: &'a PathBuf,
    /// The causes.
    causes: &'a [Cause],
    /// Cells that are not as expected and have no cause.
    no_cause: Vec<NoCause<'a>>,
}

/// Cells that are evidence of no one's guilt.
#[derive(Debug, Serialize)]
struct NoCause<'a> {
    verdict: Verdict,
    seen: &'a str,
    cells: usize,
}

fn no_cause(matrix: &Matrix) -> Vec<NoCause<'_>> {
    matrix.undecided.iter().map(|((verdict, seen), &cells)| NoCause { verdict: *verdict, seen, cells }).collect()
}

/// Tells what the failures of runs come from.
pub fn run(wanted: &Diagnose) -> Result<Exit, CommandError> {
    let registry = catalogue::registry::embedded().map_err(CommandError::Registry)?;
    let mut exit = Exit::Success;
    for run in &wanted.runs {
        let recorded: Recorded = recorded(run)?;
        let matrix = Matrix::of(&recorded.cells);
        let found = diagnose::causes(&Facts::of(&recorded), &matrix, Some(&registry));
        if found.iter().any(|cause| cause.known.is_empty()) || !matrix.undecided.is_empty() {
            exit = Exit::Regression;
        }
        match wanted.format {
            OutputFormat::Json => print_object(&Told { run, causes: &found, no_cause: no_cause(&matrix) }),
            OutputFormat::Text => {
                if wanted.runs.len() > 1 {
                    println!("{}:", run.display());
                }
                print!("{}", causes::painted(&found, recorded.run.emulated(), Paint::of_output()));
                print!("{}", causes::known(&found));
                print!("{}", causes::undecided(&matrix));
                if found.is_empty() && matrix.undecided.is_empty() {
                    println!("no failure, no cause");
                }
            }
        }
    }
    Ok(exit)
}
