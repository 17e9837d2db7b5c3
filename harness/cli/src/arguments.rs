//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::bless::Bless;
use crate::commands::case::Case;
use crate::commands::coverage::Coverage;
use crate::commands::definition::Man;
use crate::commands::diagnose::Diagnose;
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

/// Returns the exit codes as `--help` shows them.
fn codes() -> String {
    let rows = event::exit::Exit::TABLE.iter().map(|(code, meaning)| format!("  {}  {meaning}\n", *code as u8));
    format!("Exit codes:\n{}", rows.collect::<String>())
}

/// Carries dma-bufs between every pair of devices of this machine and proves that the kernel keeps its promises.
#[derive(Debug, Parser)]
#[command(name = "prime-cts", version, after_help = codes())]
pub struct Arguments {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the devices that export or import dma-bufs, with the reason where one cannot be used; or the cases, by
    /// area; or the known faults of the kernel.
    List(List),
    /// List the cells that a run would run.
    Plan(PlanCommand),
    /// Run the cells and write run.jsonl, junit.xml and run.ktap.
    Run(Box<Run>),
    /// Report on a run, even one that was cut short.
    Report(Report),
    /// Join runs of several boards: which map_dma_buf implementations of the kernel they reached, and which they did not and
    /// why. Fails for an implementation that the program does not know.
    Coverage(Coverage),
    /// Tell what the failures of a run come from: who fails with everybody, what those who fail share, and how sure that is.
    /// Fails if there is a cause that is no known fault.
    Diagnose(Diagnose),
    /// Compare two runs, of two kernels or of two boards: new failures, what is fixed, and what else has changed. Fails
    /// for a new failure, a new refusal, and a device that is gone.
    Diff(Diff),
    /// Join the shards of a run into what the whole run would have written. An absent shard is reported as missing.
    Merge(Merge),
    /// Write what a run has shown into the board file as what is expected, with a reason.
    Bless(Bless),
    /// Write or read the lists of fails, flakes and skips that the kernel's drm/ci keeps for a board.
    #[command(subcommand)]
    Lists(Lists),
    /// Report which faults can be observed on this kernel, which cannot, and what would change that.
    Doctor(Doctor),
    /// Load the board: every device streams through everyone's buffers, while others import and close them. Fails for a
    /// frame that is lost, for wrong bytes, for a leak, for a worker that hangs, and for what the kernel complains of.
    Load(Load),
    /// Plant each fault of the modules in fixtures/kmod and report what catches it. Fails for one that nothing catches.
    Mutants(Mutants),
    /// Measure how fast the buffers of each exporter are filled and checked, against libc's memcpy and memcmp on the same
    /// mapping.
    Speed(Speed),
    /// Write cells as stand-alone C programs of under 100 lines of code, for bug reports.
    Repro(Repro),
    /// Write the man page of the program, or those of all its commands.
    Man(Man),
    /// Write completions for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Make malformed calls on /dev/prime_canary, to test the module.
    #[command(hide = true)]
    FuzzCanary(Fuzz),
    /// Check, explain, write or run single cases.
    #[command(subcommand)]
    Case(Case),
}
