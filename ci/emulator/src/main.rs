//! `ci/board`: makes emulated boards out of Debian's kernel packages, runs `prime-cts` on them and
//! brings the results out.

mod all;
mod arguments;
mod bench;
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
use crate::cache::Cache;
use crate::error::{Error, Exit, Result};
use crate::report::Report;

fn main() -> ExitCode {
    match perform(Line::parse().command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("ci/board: {error}");
            ExitCode::from(error.exit() as u8)
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
        Verb::Run { making, others, limits, arguments } if making.name == ALL || !others.is_empty() => {
            let names = [&[making.name], &others[..]].concat();
            all::run(&bench, &names, limits.resume, &arguments)
        }
        Verb::Run { making, limits, arguments, .. } => run::run(&bench, &making, &limits, &arguments),
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
