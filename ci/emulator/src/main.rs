//! `ci/board`: makes emulated boards out of Debian's kernel packages, runs `prime-cts` on them and
//! brings the results out.

mod all;
mod arguments;
mod bench;
mod bisect;
mod blamed;
mod board;
mod boots;
mod cache;
mod changes;
mod command;
mod debian;
mod error;
mod farm;
mod image;
mod lint;
mod machine;
mod make;
mod report;
mod results;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{ALL, Line, Verb};
use crate::bench::Bench;
use crate::bisect::judge;
use crate::cache::Cache;
use crate::error::{Error, Exit, Result};
use crate::report::Report;

fn main() -> ExitCode {
    // Whatever goes wrong here must not look like a bad kernel.
    let bisects = judge::is_asked(std::env::args_os());
    if bisects {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            told(panic);
            std::process::exit(i32::from(judge::STOP));
        }));
    }
    let line = match Line::try_parse() {
        Err(error) if bisects && error.use_stderr() => {
            eprint!("{error}");
            return ExitCode::from(judge::STOP);
        }
        Err(error) => error.exit(),
        Ok(line) => line,
    };
    match perform(line.command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("ci/board: {error}");
            ExitCode::from(if bisects { judge::STOP } else { error.exit() as u8 })
        }
    }
}

fn perform(verb: Verb) -> Result<u8> {
    let root = root()?;
    let cache = Cache::from_environment(|name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from))?;
    let bench = Bench { root, cache, report: Report::new() };
    match verb {
        Verb::List => {
            print!("{}", board::list(&bench.root)?);
            Ok(Exit::Success as u8)
        }
        Verb::Run { making, limits, .. } if making.name == ALL && limits.bisect => {
            Err(Error::usage("--bisect judges one board, and 'all' is all of them", "name the board"))
        }
        Verb::Run { making, others, limits, arguments } if making.name == ALL || !others.is_empty() => {
            let names = [&[making.name], &others[..]].concat();
            all::run(&bench, &names, limits.resume, &arguments)
        }
        Verb::Run { making, limits, arguments, .. } if limits.bisect => {
            let results = bench.root.join("target/boards").join(make::place(&making));
            judge::conclude(&results, run::run(&bench, &making, &limits, &arguments))
        }
        Verb::Run { making, limits, arguments, .. } => run::run(&bench, &making, &limits, &arguments),
        Verb::Bisect { name, cells, binary, boards } => {
            bisect::debian::run(&bench, &name, &cells, binary.as_deref(), boards)
        }
        Verb::Changes { names } => blamed::run(&bench, &names),
        Verb::Shell { making } => run::shell(&bench, &making),
        Verb::Image { making, output } => farm::image(&bench, &making, &output),
        Verb::Fetch { name, refresh } => run::fetch(&bench, &name, refresh),
        Verb::Lint { name } => lint::lint(&bench, &name),
        Verb::Program { architecture, refresh } => run::program(&bench, &architecture, refresh),
        Verb::Clean => {
            let _lock = bench.cache.lock_alone()?;
            let folder = bench.cache.folder();
            std::fs::remove_dir_all(folder).map_err(Error::file("remove", folder))?;
            Ok(Exit::Success as u8)
        }
    }
}

/// The repository: the launcher says where it is, else it is the one that we stand in.
fn root() -> Result<PathBuf> {
    if let Some(root) = std::env::var_os("PRIME_CTS_ROOT") {
        return Ok(PathBuf::from(root));
    }
    let here = std::env::current_dir().map_err(Error::file("read", std::path::Path::new(".")))?;
    let root = here.ancestors().find(|folder| folder.join("fixtures/boards").is_dir());
    root.map(PathBuf::from).ok_or_else(|| Error::usage("no folder fixtures/boards here or above", "start ci/board"))
}
