//! `prime-cts list`.

use clap::{Args, ValueEnum};
use event::Event;
use event::exit::Exit;
use report::summary;
use runner::run::Inventory;
use serde_json::json;
use std::path::PathBuf;

use crate::choice::cases;
use crate::error::CommandError;
use crate::findings;
use crate::machine::{endpoints, sources};
use crate::options::print_object;
use crate::options::{Machine, OutputFormat};

/// The things that can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// The devices of this machine.
    Devices,
    /// The cases, by area, with their rules.
    Cases,
    /// The known faults of the kernel, with the kernels that have them.
    Findings,
}

/// The arguments of `list`.
#[derive(Debug, Args)]
pub struct List {
    /// What to list.
    #[arg(value_enum, default_value = "devices")]
    pub what: Listed,
    #[command(flatten)]
    pub machine: Machine,
    /// Use the cases of this folder in place of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub cases: Option<PathBuf>,
    /// Use the findings of this folder in place of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub findings: Option<PathBuf>,
    /// Output format; as JSON, one object a line: the event of run.jsonl for a device; area, name and rule for a case; the
    /// front matter of a finding.
    #[arg(long, value_enum, default_value = "text")]
    pub format: OutputFormat,
}

/// Lists the devices, the cases or the known faults.
pub fn run(wanted: &List) -> Result<Exit, CommandError> {
    match wanted.what {
        Listed::Devices => devices(wanted),
        Listed::Cases => rules(wanted),
        Listed::Findings => known_faults(wanted),
    }
}

fn devices(wanted: &List) -> Result<Exit, CommandError> {
    let endpoints = endpoints(&wanted.machine)?;
    if endpoints.is_empty() {
        eprintln!("{}", report::gathered::NO_DEVICES);
        return Ok(Exit::NothingVerified);
    }
    let found = Inventory::take(&sources(&wanted.machine), &endpoints).found;
    match wanted.format {
        OutputFormat::Text => print!("{}", summary::endpoints(&found)),
        OutputFormat::Json => found.into_iter().for_each(|endpoint| print_object(&Event::Endpoint(endpoint))),
    }
    Ok(Exit::Success)
}

fn rules(wanted: &List) -> Result<Exit, CommandError> {
    let cases = cases(wanted.cases.as_deref())?;
    match wanted.format {
        OutputFormat::Text => print!("{}", summary::cases(&cases)),
        OutputFormat::Json => cases.iter().for_each(|case| {
            print_object(&json!({"area": case.area, "name": case.name, "rule": case.rule.trim()}));
        }),
    }
    Ok(Exit::Success)
}

fn known_faults(wanted: &List) -> Result<Exit, CommandError> {
    let pages = findings::pages(wanted.findings.as_deref(), &wanted.machine)?;
    match wanted.format {
        OutputFormat::Text => print!("{}", summary::findings(&pages)),
        OutputFormat::Json => pages.iter().for_each(print_object),
    }
    Ok(Exit::Success)
}
