//! The command line.

use clap::{Parser, Subcommand};

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
use crate::commands::plan::PlanCommand;
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
    Plan(PlanCommand),
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
