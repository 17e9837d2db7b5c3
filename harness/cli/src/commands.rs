//! What each command does.

pub mod bless;
pub mod case;
pub mod coverage;
pub mod definition;
pub mod diagnose;
pub mod diff;
pub mod doctor;
pub mod fuzz;
pub mod list;
pub mod lists;
pub mod load;
pub mod merge;
pub mod mutants;
pub mod plan;
pub mod report;
pub mod repro;
pub mod run;
pub mod speed;
mod written;

use clap::CommandFactory;
use event::exit::Exit;

use crate::arguments::{Arguments, Command};

/// Does what the command line says.
pub fn run(arguments: Arguments) -> Exit {
    let done = match arguments.command {
        Command::List(wanted) => list::run(&wanted),
        Command::Plan(wanted) => plan::run(&wanted.plan, wanted.format),
        Command::Run(run) => run::run(&run.plan, &run.conduct),
        Command::Report(report) => report::run(&report),
        Command::Coverage(wanted) => coverage::run(&wanted),
        Command::Diagnose(wanted) => diagnose::run(&wanted),
        Command::Diff(wanted) => diff::run(&wanted),
        Command::Merge(wanted) => merge::run(&wanted),
        Command::Load(wanted) => load::run(&wanted),
        Command::Mutants(wanted) => mutants::run(&wanted),
        Command::FuzzCanary(wanted) => fuzz::run(&wanted),
        Command::Bless(wanted) => bless::run(&wanted),
        Command::Lists(wanted) => lists::run(&wanted),
        Command::Doctor(wanted) => doctor::run(&wanted),
        Command::Speed(wanted) => speed::run(&wanted),
        Command::Repro(wanted) => repro::run(&wanted),
        Command::Man(wanted) => definition::man(&wanted, Arguments::command()),
        Command::Completions { shell } => definition::completions(shell, Arguments::command()),
        Command::Case(wanted) => case::run(&wanted),
    };
    done.unwrap_or_else(|trouble| {
        eprintln!("prime-cts: {trouble}");
        trouble.exit()
    })
}
