//! `ci/board`: makes emulated boards out of Debian's kernel packages, runs `prime-cts` on them and
//! brings the results out.

mod all;
mod archive;
mod board;
mod busybox;
mod cache;
mod command;
mod console;
mod cross;
mod custom;
mod device_tree;
mod drivers;
mod error;
mod farm;
mod heard;
mod image;
mod index;
mod initramfs;
mod kernel;
mod machine;
mod make;
mod modules;
mod program;
mod qemu;
mod report;
mod results;
mod run;
mod source;
mod sources;
mod toolchain;
mod userland;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::cache::Cache;
use crate::error::{Error, Exit, Result};
use crate::report::Report;
use crate::run::Limits;

const EXIT_CODES: &str = "Exit codes of `run`: that of prime-cts, or 2: bad usage, an unknown board, a faulty board \
    file, a package to install; 4: the board could not be made or booted, or died; 5: interrupted.\n\
    Environment: PRIME_CTS_CACHE, the folder that kernels and built drivers are kept in (else \
    XDG_CACHE_HOME/prime-cts, ~/.cache/prime-cts).";

/// Emulated boards: from Debian's kernel packages to results.
#[derive(Debug, Parser)]
#[command(name = "ci/board", after_help = EXIT_CODES)]
struct Line {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the boards in fixtures/boards.
    List,
    /// Run prime-cts on a board, or with the name `all` on every one; the results are in target/boards/NAME.
    Run {
        #[command(flatten)]
        making: Making,
        /// More boards: all of them are run, as many at a time as there is room for, and one table is printed.
        #[arg(value_name = "NAME", conflicts_with_all = ["kernel", "modules", "refresh"])]
        others: Vec<String>,
        #[command(flatten)]
        limits: Limits,
        /// Arguments for `prime-cts run`; without any, those of the board file.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Give a shell on a board, with its modules loaded and prime-cts there; `exit` switches it off.
    Shell {
        #[command(flatten)]
        making: Making,
    },
    /// Write what a board farm boots: a kernel, an initramfs with prime-cts in it and a login on the console, and the words
    /// for QEMU (board.json).
    Image {
        #[command(flatten)]
        making: Making,
        /// The folder for them.
        #[arg(long, value_name = "DIR")]
        output: PathBuf,
    },
    /// Fill the cache for a board, so that it runs without a network.
    Fetch {
        /// The board.
        name: String,
        /// Look for a newer kernel.
        #[arg(long)]
        refresh: bool,
    },
    /// Build a static prime-cts for an architecture and say where it is.
    Program {
        /// As `uname -m` says: x86_64, aarch64, armv7l.
        architecture: String,
        /// Look for a newer compiler.
        #[arg(long)]
        refresh: bool,
    },
    /// Remove the cache of kernels and built drivers.
    Clean,
}

/// In place of a board's name.
const ALL: &str = "all";

/// What a board is made of.
#[derive(Debug, Args)]
struct Making {
    /// The board, as `ci/board list` names it.
    name: String,
    /// A kernel that was just built, in place of Debian's.
    #[arg(long, value_name = "VMLINUZ")]
    kernel: Option<PathBuf>,
    /// Its modules: the folder given to `make modules_install` as INSTALL_MOD_PATH.
    #[arg(long, value_name = "DIR", requires = "kernel")]
    modules: Option<PathBuf>,
    /// A static prime-cts, in place of one built from this tree.
    #[arg(long, value_name = "PATH", env = "PRIME_CTS_BINARY")]
    binary: Option<PathBuf>,
    /// Look for a newer kernel than the one found last.
    #[arg(long, conflicts_with = "kernel")]
    refresh: bool,
}

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
    let report = Report::new();
    match verb {
        Verb::List => {
            print!("{}", board::list(&root)?);
            Ok(Exit::Success as u8)
        }
        Verb::Run { making, others, arguments, .. } if making.name == ALL || !others.is_empty() => {
            let names = [&[making.name], &others[..]].concat();
            all::run(&root, &report, &names, &arguments)
        }
        Verb::Run { making, limits, arguments, .. } => run::run(&root, &cache, &report, &making, &limits, &arguments),
        Verb::Shell { making } => run::shell(&root, &cache, &report, &making),
        Verb::Image { making, output } => farm::image(&root, &cache, &report, &making, &output),
        Verb::Fetch { name, refresh } => run::fetch(&root, &cache, &report, &name, refresh),
        Verb::Program { architecture, refresh } => run::program(&root, &cache, &report, &architecture, refresh),
        Verb::Clean => {
            let _lock = cache.lock_alone()?;
            std::fs::remove_dir_all(cache.folder()).map_err(Error::file("remove", cache.folder()))?;
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
