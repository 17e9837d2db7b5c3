//! `prime-cts list`.

use clap::{Args, ValueEnum};
use event::Event;
use event::exit::Exit;
use report::summary;
use runner::run::Inventory;
use serde_json::json;
use std::path::PathBuf;

use crate::choice::cases;
use crate::error::Trouble;
use crate::findings;
use crate::machine::{endpoints, sources};
use crate::options::print_object;
use crate::options::{Machine, Telling};

/// What to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// The devices of this machine.
    Devices,
    /// The cases, by area, with their rules.
    Cases,
    /// The known faults of the kernel, with the kernels that have them.
    Findings,
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
    /// A folder of findings in place of those that are built in.
    #[arg(long, value_name = "DIR")]
    pub findings: Option<PathBuf>,
    /// For people, or one JSON object a line: of a device the event of run.jsonl, of a case its area, name and rule, of a
    /// finding its front matter.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Telling,
}

/// Lists the devices, the cases or the known faults.
pub fn run(wanted: &List) -> Result<Exit, Trouble> {
    match wanted.what {
        Listed::Devices => devices(wanted),
        Listed::Cases => rules(wanted),
        Listed::Findings => known_faults(wanted),
    }
}

fn devices(wanted: &List) -> Result<Exit, Trouble> {
    let endpoints = endpoints(&wanted.machine)?;
    if endpoints.is_empty() {
        eprintln!("{}", report::gathered::NO_DEVICES);
        return Ok(Exit::NothingVerified);
    }
    let found = Inventory::take(&sources(&wanted.machine), &endpoints).found;
    match wanted.format {
        Telling::Text => print!("{}", summary::endpoints(&found)),
        Telling::Json => found.into_iter().for_each(|endpoint| print_object(&Event::Endpoint(endpoint))),
    }
    Ok(Exit::Success)
}

fn rules(wanted: &List) -> Result<Exit, Trouble> {
    let cases = cases(wanted.cases.as_deref())?;
    match wanted.format {
        Telling::Text => print!("{}", summary::cases(&cases)),
        Telling::Json => cases.iter().for_each(|case| {
            print_object(&json!({"area": case.area, "name": case.name, "rule": case.rule.trim()}));
        }),
    }
    Ok(Exit::Success)
}

fn known_faults(wanted: &List) -> Result<Exit, Trouble> {
    let pages = findings::pages(wanted.findings.as_deref(), &wanted.machine)?;
    match wanted.format {
        Telling::Text => print!("{}", summary::findings(&pages)),
        Telling::Json => pages.iter().for_each(print_object),
    }
    Ok(Exit::Success)
}
