//! `prime-cts speed`.

use std::rc::Rc;

use clap::Args;
use event::exit::Exit;
use runner::bare;
use runner::speed::{self, Unmeasured};
use serde_json::json;

use crate::error::CommandError;
use crate::machine::endpoints;
use crate::options::print_object;
use crate::options::{Machine, OutputFormat};

/// The arguments of `speed`.
#[derive(Debug, Args)]
pub struct Speed {
    #[command(flatten)]
    pub machine: Machine,
    /// Take only exporters whose key contains one of these texts.
    pub filter: Vec<String>,
    /// Size of the buffers in MiB.
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub mib: u64,
    /// Measure what exports and imports take with nothing around them, between all pairs of devices: the floor
    /// under the time of a run.
    #[arg(long, conflicts_with_all = ["filter", "mib"])]
    pub bare: bool,
    /// Output format; as JSON, one object a line: the figures of an exporter, or why there are none.
    #[arg(long, value_enum, default_value = "text")]
    pub format: OutputFormat,
}

/// Measures each exporter.
pub fn run(wanted: &Speed) -> Result<Exit, CommandError> {
    let named = |key: &str| wanted.filter.is_empty() || wanted.filter.iter().any(|text| key.contains(text.as_str()));
    let endpoints = endpoints(&wanted.machine)?;
    if endpoints.is_empty() {
        eprintln!("{}", report::gathered::NO_DEVICES);
    }
    if wanted.bare {
        return bare(&endpoints, wanted.format);
    }
    // What a blocked one can do is not known.
    let able = |endpoint: &device::Endpoint| endpoint.exports || endpoint.blocked.is_some();
    let exporters: Vec<_> = endpoints.iter().filter(|endpoint| able(endpoint) && named(&endpoint.key)).collect();
    if exporters.is_empty() && !wanted.filter.is_empty() && !endpoints.is_empty() {
        return Err(CommandError::NoExporter(wanted.filter.join("' or '")));
    }
    let measured: Vec<_> =
        exporters.iter().map(|endpoint| (endpoint.key.clone(), speed::of(endpoint, wanted.mib << 20))).collect();
    match wanted.format {
        OutputFormat::Text => print!("{}", speed::table(&measured)),
        OutputFormat::Json => measured.iter().for_each(|(exporter, speed)| match speed {
            Ok(speed) => print_object(speed),
            Err(Unmeasured::Not(why)) => print_object(&json!({"exporter": exporter, "not_measured": why})),
            Err(Unmeasured::Wrong(why)) => print_object(&json!({"exporter": exporter, "wrong": why})),
        }),
    }
    Ok(speed::exit(measured.iter().map(|(_, speed)| speed)))
}

fn bare(endpoints: &[Rc<device::Endpoint>], format: OutputFormat) -> Result<Exit, CommandError> {
    let measured = bare::of(endpoints);
    match (format, &measured) {
        (OutputFormat::Text, Ok(bare)) => println!("{}", bare.sentence()),
        (OutputFormat::Json, Ok(bare)) => print_object(bare),
        (OutputFormat::Text, Err(why)) => println!("{why}"),
        (OutputFormat::Json, Err(why)) => print_object(&json!({"not_measured": why.to_string()})),
    }
    Ok(measured.map_or(Exit::NothingVerified, |_| Exit::Success))
}
