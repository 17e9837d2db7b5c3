//! `prime-cts plan`.

use std::rc::Rc;

use clap::Args;
use device::Endpoint;
use event::exit::Exit;
use runner::plan::Cell;
use serde_json::json;

use super::run::sharded;
use crate::choice::{cases, chosen};
use crate::error::CommandError;
use crate::machine::look;
use crate::options::print_object;
use crate::options::{OutputFormat, Plan};

/// The arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanCommand {
    #[command(flatten)]
    pub plan: Plan,
    /// Output format; as JSON, one object a line: id, case, exporter, importer, second_importer, and why it cannot be run or
    /// observed.
    #[arg(long, value_enum, default_value = "text")]
    pub format: OutputFormat,
}

/// Lists the cells that a run would run.
pub fn run(wanted: &Plan, format: OutputFormat) -> Result<Exit, CommandError> {
    let cases = cases(wanted.cases.as_deref())?;
    let endpoints = look(&wanted.machine)?.endpoints;
    if endpoints.is_empty() {
        eprintln!("{}", report::gathered::NO_DEVICES);
    }
    let cells = chosen(&wanted.filter, &wanted.choice).cells(cases, &endpoints)?;
    for cell in sharded(cells, &wanted.choice, false)?.0.iter() {
        match format {
            OutputFormat::Text => println!("{}", line(&cell)),
            OutputFormat::Json => print_object(&object(&cell)),
        }
    }
    Ok(if endpoints.is_empty() { Exit::NothingVerified } else { Exit::Success })
}

fn line(cell: &Cell) -> String {
    match (&cell.unobserved, cell.blocked()) {
        (Some(why), _) => format!("{}  not-observable: {why}", cell.id),
        (None, Some(why)) => format!("{}  blocked: {why}", cell.id),
        (None, None) => cell.id.clone(),
    }
}

fn object(cell: &Cell) -> serde_json::Value {
    let key = |endpoint: &Option<Rc<Endpoint>>| endpoint.as_ref().map(|endpoint| endpoint.key.clone());
    json!({
        "id": cell.id,
        "case": cell.case.id(),
        "exporter": key(&cell.exporter),
        "importer": key(&cell.importer),
        "second_importer": key(&cell.second_importer),
        "not_observable": cell.unobserved,
        "blocked": cell.blocked(),
    })
}
