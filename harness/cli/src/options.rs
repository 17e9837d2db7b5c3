//! Options that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use spec::case::Tag;

/// The devices to work on.
#[derive(Debug, Args)]
pub struct Machine {
    /// Use devices that misbehave on demand in place of the machine's own, for tests of prime-cts itself.
    #[arg(long, hide = true, value_name = "FAULT,...")]
    pub mock: Option<String>,
    /// The kernel's log; with --mock, a file in its place.
    #[arg(long, hide = true, default_value = "/dev/kmsg")]
    pub kernel_log: PathBuf,
    /// The mount point of tracefs.
    #[arg(long, hide = true, default_value = "/sys/kernel/tracing")]
    pub tracefs: PathBuf,
}

/// The cells to work on.
#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub machine: Machine,
    /// Take only cells whose id contains this text, or matches it where it has a '*'.
    pub filter: Vec<String>,
    #[command(flatten)]
    pub choice: Choice,
    /// Use the cases of this folder in place of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub cases: Option<PathBuf>,
}

/// A choice among the planned cells.
#[derive(Debug, Default, Args)]
pub struct Choice {
    /// Take the cell of exactly this id; may be repeated.
    #[arg(long, value_name = "ID")]
    pub exact: Vec<String>,
    /// Leave out cells whose id contains this text, or matches it where it has a '*'; may be repeated.
    #[arg(long, value_name = "TEXT")]
    pub skip: Vec<String>,
    /// Take only cells of cases with this tag; may be repeated.
    #[arg(long = "tag", value_name = "TAG", value_parser = tag)]
    pub tags: Vec<Tag>,
    /// Also run cells that take over a device that may be in use (a display, a camera).
    #[arg(long)]
    pub intrusive: bool,
    /// Run one part of the cells, for several boards of the same kind: 2/3 is the second of three. 'prime-cts merge' joins
    /// them.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<event::shard::Shard>,
    /// Balance the shards using the cell times of this earlier run; may be repeated. Pass the same
    /// files on every board.
    #[arg(long, value_name = "JOURNAL", requires = "shard")]
    pub times: Vec<PathBuf>,
}

fn tag(word: &str) -> Result<Tag, String> {
    let tags = Tag::ALL.iter().find(|tag| tag.word() == word).copied();
    tags.ok_or_else(|| format!("the tags are {}", Tag::ALL.map(Tag::word).join(", ")))
}

/// The form of progress on the standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressForm {
    /// One line that is rewritten, on a terminal; nothing elsewhere.
    Auto,
    /// A line from time to time, `prime-cts: progress 12 345`, for programs that follow.
    Lines,
    /// Nothing.
    None,
}

impl ProgressForm {
    /// Returns no progress for `auto` where there is no terminal.
    pub fn on(self, terminal: bool) -> Self {
        if self == Self::Auto && !terminal { Self::None } else { self }
    }
}

/// The results: where they go and what they are compared with.
#[derive(Debug, Args)]
pub struct Results {
    /// Compare the verdicts with this board file. Without it, only failures, crashes, timeouts and errors are unexpected.
    #[arg(long, value_name = "FILE")]
    pub board: Option<PathBuf>,
    /// Take the known faults of the kernel from this folder instead of the built-in ones (a copy of fixtures/findings).
    #[arg(long, value_name = "DIR")]
    pub findings: Option<PathBuf>,
    /// Write the results to this folder.
    #[arg(long, value_name = "DIR", default_value = "prime-cts-results")]
    pub output: PathBuf,
    /// Show progress in this form.
    #[arg(long, value_enum, default_value = "auto")]
    pub progress: ProgressForm,
}

/// The reader of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
}

/// Prints one JSON object on a line of its own.
pub fn print_object(object: &impl serde::Serialize) {
    println!("{}", serde_json::to_string(object).expect("it is plain data"));
}
