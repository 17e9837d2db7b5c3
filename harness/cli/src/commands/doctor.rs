//! `prime-cts doctor`.

use std::path::Path;
use std::rc::Rc;

use clap::Args;
use event::exit::Exit;
use runner::doctor;
use runner::run::Inventory;
use serde_json::json;

use crate::error::CommandError;
use crate::machine::{endpoints, sources};
use crate::options::print_object;
use crate::options::{Machine, OutputFormat};

/// The arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    pub machine: Machine,
    /// Output format; as JSON, one object a line: oracle, what it shows, and why it is missing.
    #[arg(long, value_enum, default_value = "text")]
    pub format: OutputFormat,
}

/// Reports what can be observed here.
pub fn run(wanted: &Doctor) -> Result<Exit, CommandError> {
    let endpoints = endpoints(&wanted.machine)?;
    let runner = Inventory::take(&sources(&wanted.machine), &[]).runner;
    let (release, architecture) = uapi::process::kernel().unwrap_or_default();
    let endpoints: Vec<&device::Endpoint> = endpoints.iter().map(Rc::as_ref).collect();
    let rows = doctor::rows(Path::new("/"), &release, &runner.oracles(), &endpoints);
    match wanted.format {
        OutputFormat::Text => print!("{}", doctor::text(&format!("{release} {architecture}"), &rows)),
        OutputFormat::Json => rows.iter().for_each(|row| {
            print_object(&json!({"oracle": row.oracle, "shows": row.shows, "missing": row.missing}));
        }),
    }
    Ok(Exit::Success)
}
