//! `prime-cts load`.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use event::exit::Exit;
use event::journal::Journal;
use event::{EndpointFound, Run};
use report::paint::Paint;
use report::summary;
use runner::load::{self, LoadOptions, Progress};

use super::written::RunReports;
use crate::error::CommandError;
use crate::files::read_board;
use crate::findings;
use crate::machine::{endpoints, sources};
use crate::options::{Machine, ProgressForm, Results};

/// The arguments of `load`.
#[derive(Debug, Args)]
pub struct Load {
    #[command(flatten)]
    pub machine: Machine,
    /// Take only devices whose key contains this text, or matches it where it has a '*'.
    pub filter: Vec<String>,
    /// Leave out devices whose key contains this text, or matches it.
    #[arg(long, value_name = "TEXT")]
    pub skip: Vec<String>,
    /// Duration in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "120")]
    pub seconds: u64,
    /// Seed of the sequences of pairs: the same seed makes the same sequences.
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// Kill a worker that reports nothing for this many seconds: it hangs.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub patience: u64,
    /// Also use devices that may be in use: displays, cameras.
    #[arg(long)]
    pub intrusive: bool,
    #[command(flatten)]
    pub results: Results,
}

/// Loads the board and reports the result.
pub fn run(wanted: &Load) -> Result<Exit, CommandError> {
    let chosen = load::choose(endpoints(&wanted.machine)?, &wanted.filter, &wanted.skip);
    if chosen.is_empty() {
        println!(
            "{}",
            if wanted.filter.is_empty() {
                report::gathered::NO_DEVICES
            } else {
                "no device matches; 'prime-cts list' names them"
            }
        );
        return Ok(Exit::NothingVerified);
    }
    let board = wanted.results.board.as_deref().map(read_board).transpose()?;
    let findings = findings::pages(wanted.results.findings.as_deref(), &wanted.machine)?;
    findings::check(board.as_ref(), &findings)?;
    let folder = &wanted.results.output;
    std::fs::create_dir_all(folder).map_err(|source| CommandError::Folder { path: folder.clone(), source })?;
    let setting = LoadOptions {
        board,
        findings,
        endpoints: chosen,
        sources: sources(&wanted.machine),
        length: Duration::from_secs(wanted.seconds),
        patience: Duration::from_secs(wanted.patience),
        seed: wanted.seed,
        intrusive: wanted.intrusive,
    };
    let mut journal = Journal::create(&folder.join("run.jsonl"))?;
    let mut shown = LoadProgress {
        form: wanted.results.progress.on(std::io::stderr().is_terminal()),
        seconds: wanted.seconds,
        said: None,
    };
    let done = load::run(&setting, &mut journal, &mut shown);
    shown.finish();
    done?;
    let written = RunReports::to(folder)?.of_this_program();
    print!("{}", written.text(Paint::of_output()));
    Ok(written.exit())
}

/// One line, which is rewritten on a terminal.
struct LoadProgress {
    form: ProgressForm,
    seconds: u64,
    said: Option<(u64, usize)>,
}

impl LoadProgress {
    fn finish(&self) {
        if self.form == ProgressForm::Auto {
            eprint!("\r\x1b[K");
        }
    }
}

impl Progress for LoadProgress {
    fn planned(&mut self, run: &Run, endpoints: &[EndpointFound], pairs: usize) {
        println!("prime-cts {} on Linux {} {}", run.program, run.kernel, run.architecture);
        for oracle in &run.oracles {
            if let Some(missing) = &oracle.missing {
                println!("without the oracle {}: {missing}", oracle.oracle);
            }
        }
        print!("{}", summary::endpoints(endpoints));
        println!("{pairs} pairs\n");
    }

    fn left(&mut self, seconds: u64, workers: usize) {
        if self.said.replace((seconds, workers)) == Some((seconds, workers)) {
            return;
        }
        match self.form {
            ProgressForm::Auto => {
                eprint!("\r\x1b[K{seconds} s left, {workers} workers");
                let _ = std::io::stderr().flush();
            }
            ProgressForm::Lines => {
                eprintln!("prime-cts: progress {} {}", self.seconds.saturating_sub(seconds), self.seconds);
            }
            ProgressForm::None => {}
        }
    }
}
