//! `prime-cts load`.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use event::exit::Exit;
use event::journal::Journal;
use event::{EndpointFound, Run};
use report::paint::Paint;
use report::summary;
use runner::load::{self, Progress, Setting};

use super::written::Written;
use crate::error::Trouble;
use crate::files::read_board;
use crate::findings;
use crate::machine::{endpoints, sources};
use crate::options::{Machine, ProgressForm, Results};

/// A load.
#[derive(Debug, Args)]
pub struct Load {
    #[command(flatten)]
    pub machine: Machine,
    /// Devices whose key contains this text, or matches it where it has a '*'; all devices without a filter.
    pub filter: Vec<String>,
    /// Devices whose key contains this text, or matches it, are left out.
    #[arg(long, value_name = "TEXT")]
    pub skip: Vec<String>,
    /// So long, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "120")]
    pub seconds: u64,
    /// Where the sequences of pairs begin: the same seed makes the same ones.
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// A worker of which nothing is heard for so many seconds hangs, and is killed.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub patience: u64,
    /// Lets devices work too that somebody may use: displays, cameras.
    #[arg(long)]
    pub intrusive: bool,
    #[command(flatten)]
    pub results: Results,
}

/// Loads the board and tells what came of it.
pub fn run(wanted: &Load) -> Result<Exit, Trouble> {
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
    std::fs::create_dir_all(folder).map_err(|source| Trouble::Folder { path: folder.clone(), source })?;
    let setting = Setting {
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
    let mut shown = Shown {
        form: wanted.results.progress.on(std::io::stderr().is_terminal()),
        seconds: wanted.seconds,
        said: None,
    };
    let done = load::run(&setting, &mut journal, &mut shown);
    shown.finish();
    done?;
    let written = Written::to(folder)?.of_this_program();
    print!("{}", written.text(Paint::of_output()));
    Ok(written.exit())
}

/// One line, which is written over on a terminal.
struct Shown {
    form: ProgressForm,
    seconds: u64,
    said: Option<(u64, usize)>,
}

impl Shown {
    fn finish(&self) {
        if self.form == ProgressForm::Auto {
            eprint!("\r\x1b[K");
        }
    }
}

impl Progress for Shown {
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
