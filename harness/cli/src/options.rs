//! Options that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use spec::case::Tag;

/// Which devices there are.
#[derive(Debug, Args)]
pub struct Machine {
    /// Devices that misbehave on demand in place of the machine's own, for tests of prime-cts itself.
    #[arg(long, hide = true, value_name = "FAULT,...")]
    pub mock: Option<String>,
    /// Where the kernel logs; a file stands in for it with --mock.
    #[arg(long, hide = true, default_value = "/dev/kmsg")]
    pub kernel_log: PathBuf,
    /// Where tracefs is mounted.
    #[arg(long, hide = true, default_value = "/sys/kernel/tracing")]
    pub tracefs: PathBuf,
}

/// Which cells.
#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub machine: Machine,
    /// Cells whose id contains this text, or matches it where it has a '*'; all cells without a filter.
    pub filter: Vec<String>,
    #[command(flatten)]
    pub choice: Choice,
    /// A folder of cases in place of those that are built in.
    #[arg(long, value_name = "DIR")]
    pub cases: Option<PathBuf>,
}

/// Cells by their ids.
#[derive(Debug, Args)]
pub struct Choice {
    /// A cell of exactly this id; may be given several times.
    #[arg(long, value_name = "ID")]
    pub exact: Vec<String>,
    /// Cells whose id contains this text are left out.
    #[arg(long, value_name = "TEXT")]
    pub skip: Vec<String>,
    /// Cells of the cases with this tag alone; may be given several times.
    #[arg(long = "tag", value_name = "TAG", value_parser = tag)]
    pub tags: Vec<Tag>,
    /// Cells too that take a device away from its user.
    #[arg(long)]
    pub intrusive: bool,
    /// One part of the cells, for several boards of the same kind: 2/3 is the second of three. 'prime-cts merge' joins
    /// them.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<event::shard::Shard>,
    /// A run of before: the shards take as long as each other, by the time that its cells took. All boards have to be
    /// given the same.
    #[arg(long, value_name = "JOURNAL", requires = "shard")]
    pub times: Vec<PathBuf>,
}

fn tag(word: &str) -> Result<Tag, String> {
    let tags = Tag::ALL.iter().find(|tag| tag.word() == word).copied();
    tags.ok_or_else(|| format!("the tags are {}", Tag::ALL.map(Tag::word).join(", ")))
}

/// How progress is shown on the standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressForm {
    /// One line that is written over and over, on a terminal; nothing elsewhere.
    Auto,
    /// A line now and then, `prime-cts: progress 12 345`, for programs that follow.
    Lines,
    /// Nothing.
    None,
}

impl ProgressForm {
    /// Where nobody sees a line that is written over, nothing is shown.
    pub fn on(self, terminal: bool) -> Self {
        if self == Self::Auto && !terminal { Self::None } else { self }
    }
}

/// What becomes of the results.
#[derive(Debug, Args)]
pub struct Results {
    /// The board file with what is expected of this machine; without it, only what is broken is unexpected.
    #[arg(long, value_name = "FILE")]
    pub board: Option<PathBuf>,
    /// Take the known faults of the kernel from this folder instead of the built-in ones (a copy of fixtures/findings).
    #[arg(long, value_name = "DIR")]
    pub findings: Option<PathBuf>,
    /// The folder for the results.
    #[arg(long, value_name = "DIR", default_value = "prime-cts-results")]
    pub output: PathBuf,
    /// How progress is shown.
    #[arg(long, value_enum, default_value = "auto")]
    pub progress: ProgressForm,
}

/// For whom something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Telling {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
}

/// One JSON object on a line of its own.
pub fn print_object(object: &impl serde::Serialize) {
    println!("{}", serde_json::to_string(object).expect("it is plain data"));
}
