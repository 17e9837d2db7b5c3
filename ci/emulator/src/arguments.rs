//! The command line of `ci/board`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

const EXIT_CODES: &str = "Exit codes of `run`: that of prime-cts, or 2: bad usage, an unknown board, a faulty board \
    file, a package to install; 4: the board could not be made or booted; 5: the run was cut short, and the summary is of what there is.\n\
    With --bisect, those of `git bisect run`: 0: good, 1: bad, 125: cannot tell, 128: bad usage, or interrupted: stop.\n\
    Environment: PRIME_CTS_CACHE, the folder that kernels and built drivers are kept in (else \
    XDG_CACHE_HOME/prime-cts, ~/.cache/prime-cts).";

/// Emulated boards: from Debian's kernel packages to results.
#[derive(Debug, Parser)]
#[command(name = "ci/board", after_help = EXIT_CODES)]
pub struct Line {
    #[command(subcommand)]
    pub command: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
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
    /// Find out which of Debian's kernels has a fault first: run these cells with the kernels that the boards of the same
    /// machine have, and then with those of the archive that lie between two with different results.
    Bisect {
        /// The board whose machine, modules and drivers are used.
        name: String,
        /// Which cells: filters for `prime-cts run`. A kernel is bad if one of them is broken, and good if all pass.
        #[arg(required = true, value_name = "CELL")]
        cells: Vec<String>,
        /// A static prime-cts, in place of one built from this tree.
        #[arg(long, value_name = "PATH", env = "PRIME_CTS_BINARY")]
        binary: Option<PathBuf>,
        /// Only the kernels of the boards: nothing of the archive that lies between them.
        #[arg(long)]
        boards: bool,
    },
    /// Plant each fault of fixtures/changes in the kernel of debian-amd64, one after the other, and tell whom the causes of
    /// the run name. Fails if one is not named rightly.
    Changes {
        /// Only these; `A+B` plants two at once.
        names: Vec<String>,
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
    /// Check the modules of this repository that a board builds: their style with the kernel's checkpatch.pl, and with sparse.
    Lint {
        /// The board.
        name: String,
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
pub const ALL: &str = "all";

/// The parts that a board is made of.
#[derive(Debug, Args)]
pub struct Making {
    /// The board, as `ci/board list` names it.
    pub name: String,
    /// A kernel that was just built, in place of Debian's.
    #[arg(long, value_name = "VMLINUZ")]
    pub kernel: Option<PathBuf>,
    /// Its modules: the folder given to `make modules_install` as INSTALL_MOD_PATH.
    #[arg(long, value_name = "DIR", requires = "kernel")]
    pub modules: Option<PathBuf>,
    /// Another of Debian's kernels in place of the board file's, as `ci/board bisect` names it:
    /// trixie-backports/6.19.6+deb13-amd64. The results are in target/boards/BOARD@RELEASE.
    #[arg(long, value_name = "SUITE/RELEASE", conflicts_with = "kernel", value_parser = suite_and_release)]
    pub debian: Option<(String, String)>,
    /// A static prime-cts, in place of one built from this tree.
    #[arg(long, value_name = "PATH", env = "PRIME_CTS_BINARY")]
    pub binary: Option<PathBuf>,
    /// Look for a newer kernel than the one found last.
    #[arg(long, conflicts_with = "kernel")]
    pub refresh: bool,
    /// Plant a fault in the kernel: this file of fixtures/changes; may be repeated. The results are in
    /// target/boards/BOARD+NAME.
    #[arg(long = "change", value_name = "NAME", conflicts_with = "kernel")]
    pub changes: Vec<String>,
}

/// The limits of a run.
#[derive(Debug, Clone, Copy, Args)]
pub struct Limits {
    /// Give up after this many seconds of emulation.
    #[arg(long, value_name = "SECONDS", default_value = "1800", value_parser = seconds)]
    pub timeout: Duration,
    /// Restart the board up to this many times after a cell has brought its kernel down, has damaged it, or hangs it.
    #[arg(long, value_name = "COUNT", default_value = "40")]
    pub restarts: u32,
    /// Go on with the run whose results are there: what has ended is kept, and not run again.
    #[arg(long)]
    pub resume: bool,
    /// End with the exit codes of `git bisect run`, and say why: 0 if the chosen cells pass, 1 if one is broken, as a known
    /// fault too, 125 if that cannot be told.
    #[arg(long, requires = "arguments", conflicts_with_all = ["resume", "others"])]
    pub bisect: bool,
}

fn suite_and_release(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('/') {
        Some((suite, release)) if !suite.is_empty() && !release.is_empty() && !release.contains('/') => {
            Ok((suite.to_owned(), release.to_owned()))
        }
        _ => Err("a suite, a '/' and a kernel's release, bookworm-security/6.12.117".to_owned()),
    }
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a whole number of seconds from 1 on".to_owned()),
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
    }
}
