//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use spec::case::Tag;

use crate::commands::bless::Bless;
use crate::commands::case::Case;
use crate::commands::coverage::Coverage;
use crate::commands::definition::Man;
use crate::commands::diff::Diff;
use crate::commands::doctor::Doctor;
use crate::commands::fuzz::Fuzz;
use crate::commands::list::List;
use crate::commands::lists::Lists;
use crate::commands::load::Load;
use crate::commands::merge::Merge;
use crate::commands::mutants::Mutants;
use crate::commands::plan::Planned;
use crate::commands::report::Report;
use crate::commands::repro::Repro;
use crate::commands::run::Run;
use crate::commands::speed::Speed;

/// The exit codes, as `--help` tells them.
fn codes() -> String {
    let rows = event::exit::Exit::TABLE.iter().map(|(code, meaning)| format!("  {}  {meaning}\n", *code as u8));
    format!("Exit codes:\n{}", rows.collect::<String>())
}

/// Carries dma-bufs between every pair of devices of this machine and proves that the kernel keeps its promises.
#[derive(Debug, Parser)]
#[command(name = "prime-cts", version, after_help = codes())]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists the devices that export or import dma-bufs, and why one cannot be used; or the cases, by area.
    List(List),
    /// Lists the cells that a run would run.
    Plan(Planned),
    /// Runs the cells and writes run.jsonl, junit.xml and run.ktap.
    Run(Run),
    /// Makes a report of a run, also of one that was cut short.
    Report(Report),
    /// Joins runs of several boards: which map_dma_buf implementations of the kernel they went through, and which not and
    /// why. Fails for one that the program does not know.
    Coverage(Coverage),
    /// Compares two runs, of two kernels or of two boards: new failures, what is mended, and what else has changed. Fails
    /// for a new failure, a new refusal, and a device that is gone.
    Diff(Diff),
    /// Joins the shards of a run: what the whole run would have written. A shard that is not there is missing.
    Merge(Merge),
    /// Writes what a run has shown into the board file as what is expected, with a reason.
    Bless(Bless),
    /// Writes and reads the lists of fails, flakes and skips that the kernel's drm/ci keeps for a board.
    #[command(subcommand)]
    Lists(Lists),
    /// Says which faults can be observed on this kernel, which cannot, and what would change that.
    Doctor(Doctor),
    /// Loads the board: every device streams through everybody's buffers, while others import and close them. Fails for a
    /// frame that is lost, for wrong bytes, for a leak, for a worker that hangs, and for what the kernel complains of.
    Load(Load),
    /// Plants each fault of the modules in fixtures/kmod and says what catches it; fails for one that nothing catches.
    Mutants(Mutants),
    /// Measures how fast the buffers of each exporter are filled and checked, against libc's memcpy and memcmp on the same
    /// mapping.
    Speed(Speed),
    /// Writes cells as stand-alone programs in C of under 100 lines of code, for bug reports.
    Repro(Repro),
    /// Writes the man page of the program, or those of all its commands.
    Man(Man),
    /// Writes completions for a shell.
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Makes malformed calls on /dev/prime_canary, to test the module.
    #[command(hide = true)]
    FuzzCanary(Fuzz),
    /// Checks, explains, writes and runs single cases.
    #[command(subcommand)]
    Case(Case),
}

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
