//! What can go wrong with a board, and the exit code that says so.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The exit codes of `ci/board` where `prime-cts` does not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Success = 0,
    /// Bad usage or bad input: an unknown board, a faulty board file, a file that is not a kernel, a package to install first.
    Usage = 2,
    /// The board could not be made or booted, or died before it delivered a result.
    Board = 4,
    /// The run was cut short, by a signal too; what the board had written by then is kept.
    CutShort = 5,
}

/// An error with its place and, where there is one, its remedy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The board file is not in order.
    #[error(transparent)]
    Document(#[from] spec::yaml::Diagnostic),
    /// The request cannot be met as it is.
    #[error("{what}\n  {remedy}")]
    Usage {
        /// The fault, and its place.
        what: String,
        /// The remedy.
        remedy: String,
    },
    /// A file or folder could not be used.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// The verb: `read`, `create`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A program that this one needs is missing.
    #[error("cannot start '{program}' to {purpose}: {source}\n  apt-get install {package}")]
    Missing {
        /// The program.
        program: String,
        /// Its purpose.
        purpose: String,
        /// The package that holds it.
        package: &'static str,
        /// The cause.
        source: std::io::Error,
    },
    /// A program failed.
    #[error("could not {purpose}: '{program}' ended with {status}\n{output}")]
    Command {
        /// The program.
        program: String,
        /// Its purpose.
        purpose: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The end of what it said, indented.
        output: String,
    },
    /// The archive does not have, or no longer has, what is needed.
    #[error("{what}\n  {remedy}")]
    Archive {
        /// The missing package, and the suite.
        what: String,
        /// The remedy.
        remedy: &'static str,
    },
    /// A package could not be fetched: perhaps the archive has a newer one by now.
    #[error(transparent)]
    Gone(Box<Error>),
    /// A file came over the network with the wrong content.
    #[error("{}: {what}; the download is refused and nothing of it is kept\n  try again, or another mirror", path.display())]
    Download {
        /// The file.
        path: PathBuf,
        /// The difference.
        what: String,
    },
    /// The board did not come to its end.
    #[error("the board {what}\n{tail}  the whole console: {}", console.display())]
    Died {
        /// In one sentence: panicked, hung, never started.
        what: String,
        /// The last lines of the console, indented.
        tail: String,
        /// Where all of the console is.
        console: PathBuf,
    },
    /// The results could not all be written.
    #[error(
        "{what}{}\n  make room in {}, and go on with the same command and --resume",
        .cause.as_ref().map_or(String::new(), |cause| format!(" ({cause})")),
        folder.display()
    )]
    Unwritten {
        /// What was lost or could not be written.
        what: String,
        /// What the file system says of it.
        cause: Option<std::io::Error>,
        /// The results' folder.
        folder: PathBuf,
    },
    /// A signal asked us to stop.
    #[error("interrupted; what the board had written by then is in {}", results.display())]
    Interrupted {
        /// The results' folder.
        results: PathBuf,
    },
}

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A usage error.
    pub fn usage(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), remedy: remedy.into() }
    }

    /// For `map_err` on calls that take a path.
    pub fn file(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { doing, path: path.to_owned(), source }
    }

    /// The exit code that belongs to it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Document(_) | Self::Usage { .. } | Self::Missing { .. } => Exit::Usage,
            Self::Interrupted { .. } | Self::Unwritten { .. } => Exit::CutShort,
            _ => Exit::Board,
        }
    }
}

/// The last `count` lines of a text, indented so that they stand apart from our own words.
pub fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].iter().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "    | {}", line.trim_end());
        all
    })
}
