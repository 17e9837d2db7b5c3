//! `prime-cts list`.

use serde_json::json;
use suite::event::Event;
use suite::exit::Exit;
use suite::report::summary;
use suite::run::Runner;

use super::{Trouble, cases, endpoints, print_object, sources};
use crate::arguments::{List, Listed, Telling};

/// Lists the devices, or the cases.
pub fn run(wanted: &List) -> Result<Exit, Trouble> {
    match wanted.what {
        Listed::Devices => devices(wanted),
        Listed::Cases => rules(wanted),
    }
}

fn devices(wanted: &List) -> Result<Exit, Trouble> {
    let endpoints = endpoints(&wanted.machine)?;
    if endpoints.is_empty() {
        eprintln!("{}", summary::NO_DEVICES);
        return Ok(Exit::NothingVerified);
    }
    let (_, found) = Runner::start(&sources(&wanted.machine), &endpoints);
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
