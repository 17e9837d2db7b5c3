//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use document::case::Tag;

/// The exit codes, as `--help` tells them.
fn codes() -> String {
    let rows = suite::exit::Exit::TABLE.iter().map(|(code, meaning)| format!("  {}  {meaning}\n", *code as u8));
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

/// A program in C.
#[derive(Debug, Args)]
pub struct Repro {
    #[command(flatten)]
    pub machine: Machine,
    /// Cells whose id contains one of these texts, or matches it where it has a '*'.
    #[arg(required = true)]
    pub filter: Vec<String>,
    /// Writes each cell's program to this folder, as ID.c; needed for more than one.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// A folder of cases in place of those that are built in.
    #[arg(long, value_name = "DIR")]
    pub cases: Option<PathBuf>,
}

/// Man pages.
#[derive(Debug, Args)]
pub struct Man {
    /// Writes a page for each command to this folder, in place of the program's alone to the standard output.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

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

/// Shards to be joined.
#[derive(Debug, Args)]
pub struct Merge {
    /// The shards: each a run.jsonl, or the folder that holds it.
    #[arg(required = true)]
    pub journals: Vec<PathBuf>,
    /// The board file, whose endpoints and implementations the shards together must have.
    #[arg(long, value_name = "FILE")]
    pub board: Option<PathBuf>,
    /// The folder for the results.
    #[arg(long, value_name = "DIR", default_value = "prime-cts-results")]
    pub output: PathBuf,
}

/// The lists of the kernel's drm/ci.
#[derive(Debug, Subcommand)]
pub enum Lists {
    /// Writes BOARD-fails.txt, BOARD-flakes.txt and BOARD-skips.txt.
    Export {
        /// A run of the board, which tells the cells that fail as expected.
        journal: PathBuf,
        /// The board file.
        #[arg(long, value_name = "FILE")]
        board: PathBuf,
        /// The folder for them.
        #[arg(long, value_name = "DIR", default_value = ".")]
        output: PathBuf,
    },
    /// Reads lists into a board file.
    Import {
        #[command(flatten)]
        lists: ListFiles,
        /// The board file.
        #[arg(long, value_name = "FILE")]
        board: PathBuf,
        /// Why that is as it should be, for lines without a comment above them.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

/// Lists to read.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct ListFiles {
    /// TEST,STATUS.
    #[arg(long, value_name = "FILE")]
    pub fails: Option<PathBuf>,
    /// Regular expressions of cells that fail now and then.
    #[arg(long, value_name = "FILE")]
    pub flakes: Option<PathBuf>,
    /// Regular expressions of cells that are not run.
    #[arg(long, value_name = "FILE")]
    pub skips: Option<PathBuf>,
}

/// What a board file is to expect from now on.
#[derive(Debug, Args)]
pub struct Bless {
    /// The run: a run.jsonl, or the folder that holds it.
    pub journal: PathBuf,
    /// Cells whose id contains one of these texts; all that differ without one.
    pub filter: Vec<String>,
    /// The board file.
    #[arg(long, value_name = "FILE")]
    pub board: PathBuf,
    /// Why that is as it should be, in a sentence. Without it the cells are told and nothing is written.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Malformed calls.
#[derive(Debug, Args)]
pub struct Fuzz {
    /// So many.
    #[arg(long, default_value = "200000")]
    pub calls: u64,
    /// Where the sequence begins: the same seed makes the same calls.
    #[arg(long, default_value = "1")]
    pub seed: u64,
}

/// Planted faults.
#[derive(Debug, Args)]
pub struct Mutants {
    /// Only cells of these areas of cases are to catch them, as `stream`.
    #[arg(long = "area", value_name = "AREA")]
    pub areas: Vec<String>,
    /// Faults whose word, or whose module, contains this text; all without one.
    pub filter: Vec<String>,
    /// Only this: it is no run, and no board file is held against it.
    #[arg(long, value_name = "FILE", hide = true)]
    pub board: Option<PathBuf>,
    /// The folder for mutants.md and mutants.jsonl.
    #[arg(long, value_name = "DIR", default_value = "prime-cts-results")]
    pub output: PathBuf,
    /// How progress is shown.
    #[arg(long, value_enum, default_value = "auto")]
    pub progress: ProgressForm,
}

/// What to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// The devices of this machine.
    Devices,
    /// The cases, by area, with their rules.
    Cases,
}

/// A list.
#[derive(Debug, Args)]
pub struct List {
    /// Of what.
    #[arg(value_enum, default_value = "devices")]
    pub what: Listed,
    #[command(flatten)]
    pub machine: Machine,
    /// A folder of cases in place of those that are built in.
    #[arg(long, value_name = "DIR")]
    pub cases: Option<PathBuf>,
    /// For people, or one JSON object a line: of a device the event of run.jsonl, of a case its area, name and rule.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Telling,
}

/// A plan that is not run.
#[derive(Debug, Args)]
pub struct Planned {
    #[command(flatten)]
    pub plan: Plan,
    /// For people, or one JSON object a line: id, case, exporter, importer, second_importer, and why it cannot be run or
    /// looked at.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Telling,
}

/// What can be observed.
#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    pub machine: Machine,
    /// For people, or one JSON object a line: oracle, what it shows, and why it is missing.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Telling,
}

/// What to do with cases.
#[derive(Debug, Subcommand)]
pub enum Case {
    /// Tells every fault of case files, each with its place and what would mend it.
    Check {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Writes a new case, sound as it stands, with comments at what is to be filled in.
    New {
        /// AREA/NAME; the file is DIR/AREA/NAME.yaml.
        name: String,
        /// The folder of the cases.
        #[arg(long, value_name = "DIR", default_value = "cases")]
        output: PathBuf,
    },
    /// Tells a case's rule, reason and steps, on which devices of this machine it applies, and why not on the others.
    Explain {
        #[command(flatten)]
        machine: Machine,
        /// `area.name`, or the id of a cell.
        id: String,
        /// A folder of cases in place of those that are built in.
        #[arg(long, value_name = "DIR")]
        cases: Option<PathBuf>,
    },
    /// Runs the cells of case files, which need not be in the catalogue.
    Run {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        machine: Machine,
        #[command(flatten)]
        choice: Box<Choice>,
        #[command(flatten)]
        conduct: Box<Conduct>,
    },
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
    pub shard: Option<suite::shard::Shard>,
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

/// A run.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub plan: Plan,
    #[command(flatten)]
    pub conduct: Conduct,
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

/// How a run is done.
#[derive(Debug, Args)]
pub struct Conduct {
    #[command(flatten)]
    pub results: Results,
    /// So many cells at the same time, if they have no device in common and do not look at the machine as a whole (leaks,
    /// limits, races: these run alone). When the kernel complains meanwhile, or one of them crashes or hangs, nobody can say
    /// whose fault it is: then each of them is run once more, alone, and that alone counts. A board that goes down in the
    /// middle of several costs two restarts with --resume. Not with a journal on a console.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256),
        conflicts_with_all = ["crashed", "console"])]
    pub jobs: u16,
    /// Goes on with the run in --output, if one was cut short there: the cell that was open has crashed and is not run
    /// again, nor are the others of its exporter and importer.
    #[arg(long)]
    pub resume: bool,
    /// Goes on with a run whose journal is on a console, behind this cell, in which the machine went down. May be given
    /// several times, once for each restart.
    #[arg(long, value_name = "ID", conflicts_with = "resume")]
    pub crashed: Vec<String>,
    /// The console's or the kernel's log of the time before the restart; what it says at its end is told with the
    /// crashed cell. With --resume or --crashed.
    #[arg(long, value_name = "FILE")]
    pub previous_log: Option<PathBuf>,
    /// Puts the journal there (HTTP PUT, gzip) when the run has ended; behind a URL that ends with '/' its name is added. The
    /// variable PRIME_CTS_UPLOAD_TOKEN is sent as the bearer's, where it is set.
    #[arg(long, value_name = "URL")]
    pub upload: Option<String>,
    /// Starts this watchdog and feeds it as long as the run gets on: a kernel that hangs is started anew.
    #[arg(long, value_name = "DEVICE", num_args = 0..=1, require_equals = true, default_missing_value = "/dev/watchdog")]
    pub watchdog: Option<PathBuf>,
    /// The journal on the standard output, too, a line an event: 'prime-cts report --from-console' reads it there.
    #[arg(long)]
    pub console: bool,
    /// Results while the run goes on, on the standard output, as signals of LAVA.
    #[arg(long)]
    pub lava: bool,
    /// Results while the run goes on, on the standard output, as KTAP.
    #[arg(long)]
    pub ktap: bool,
    /// What the standard output is: for people, or the events of run.jsonl as they come, one JSON object a line.
    #[arg(long, value_enum, default_value = "text", conflicts_with_all = ["console", "lava", "ktap"])]
    pub format: Telling,
    /// A command of the shell for each frame that a device has worked on in an imported buffer: the frame is its standard
    /// input, a display still shows it. PRIME_CTS_CELL, PRIME_CTS_NODE and PRIME_CTS_FRAMES tell the cell, the device's
    /// node and what the frames are.
    #[arg(long, value_name = "COMMAND")]
    pub witness: Option<String>,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Form {
    /// The summary that a run ends with.
    Text,
    /// JUnit XML.
    Junit,
    /// KTAP.
    Ktap,
    /// A report for kcidb, schema 5.3; with --build.
    Kcidb,
}

/// A report.
#[derive(Debug, Args)]
pub struct Report {
    /// A run.jsonl, or the folder that holds it.
    pub journal: PathBuf,
    /// The file is a console's log, of a run with --console; or that of a LAVA job, as LAVA writes it.
    #[arg(long)]
    pub from_console: bool,
    /// Writes run.jsonl, junit.xml and run.ktap to a folder, as a run does.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["cell", "format"])]
    pub output: Option<PathBuf>,
    /// Writes report.html, one file to be read in a browser, into the folder of the run, or into that of --output.
    #[arg(long, conflicts_with_all = ["cell", "format"])]
    pub html: bool,
    /// The run of before, which report.html compares with this one: a run.jsonl, or the folder that holds it.
    #[arg(long, value_name = "JOURNAL", requires = "html")]
    pub against: Option<PathBuf>,
    /// Its form.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    /// The build of the kernel that was run, as kcidb knows it.
    #[arg(long, value_name = "ORIGIN:ID", required_if_eq("format", "kcidb"))]
    pub build: Option<suite::report::kcidb::Build>,
    /// Every cell that matches this text is told in full.
    #[arg(long, value_name = "TEXT")]
    pub cell: Option<String>,
}

/// For whom something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Telling {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
}

/// What several runs have reached.
#[derive(Debug, Args)]
pub struct Coverage {
    /// The run.jsonl of each run, or the folder that holds it.
    #[arg(required = true)]
    pub journals: Vec<PathBuf>,
    /// Its form.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Telling,
}

/// A comparison.
#[derive(Debug, Args)]
pub struct Diff {
    /// The run.jsonl of the run before, or the folder that holds it.
    pub before: PathBuf,
    /// That of the run after.
    pub after: PathBuf,
    /// Its form.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Telling,
}
