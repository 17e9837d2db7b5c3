//! A cell as a stand-alone program in C, which shows a failure without this suite: for a bug report.

mod blocks;
mod buffers;
mod counts;
mod devices;
mod mappings;
mod misuse;
mod names;
mod source;
mod steps;

use devices::Opened;
use source::Source;
use steps::Told;

use runner::plan::Cell;
use spec::lines::wrapped;

/// Why a cell has no such program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// A device of a kind that needs more than the kernel's own headers.
    #[error("{0} needs more than a program of C and the kernel's headers; run the cell itself")]
    Device(String),
    /// A device that cannot be used here.
    #[error("{0} cannot be used here: {1}")]
    Blocked(String, String),
    /// Something that the program would have to do and that is not written for it.
    #[error("no program is made for {0}; run the cell itself")]
    Step(String),
}

/// What a program is headed by.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The version of prime-cts.
    pub version: &'a str,
    /// The kernel's release and architecture.
    pub kernel: &'a str,
}

/// The program of a cell. It ends with 0 if the rule is kept, with 1 if it is broken, and with 2 if it could not be
/// looked at.
///
/// # Errors
/// See [`Untold`].
pub fn program(cell: &Cell, about: About<'_>) -> Result<String, Untold> {
    if cell.second_importer.is_some() {
        return Err(Untold::Step("a chain of three devices".into()));
    }
    let mut source = Source::default();
    source.need("expect");
    let mut number = 0;
    let mut open = |source: &mut Source, name, endpoint| {
        number += 1;
        Opened::open(source, name, number, endpoint)
    };
    let exporter = cell.exporter.as_deref().map(|endpoint| open(&mut source, "exporter", endpoint)).transpose()?;
    let importer = cell.importer.as_deref().map(|endpoint| open(&mut source, "importer", endpoint)).transpose()?;
    let size = cell.sizes().first().copied().unwrap_or(4096);
    let gone = counts::gone(&cell.case.steps);
    let mut told =
        Told { source, names: Default::default(), exporter, importer, size, made: false, allocated: 0, gone };
    told.steps(&cell.case.steps)?;
    told.source.line("return failed;");
    Ok(told.source.text(&comment(cell, about)))
}

fn comment(cell: &Cell, about: About<'_>) -> String {
    let nodes: Vec<String> = cell.endpoints().map(|endpoint| format!("[NODE OF {}", endpoint.key)).collect();
    let nodes = format!("{}{}", nodes.join(" "), "]".repeat(nodes.len()));
    let rule = format!("{}: {}", cell.id, cell.case.rule.trim());
    format!(
        "{}{}For Linux {}, by prime-cts {}. As root: cc -o repro repro.c && ./repro {nodes}\nEnds with 0 if the rule is kept, 1 if \
         it is broken, 2 if it could not be looked at.\n",
        wrapped("", &rule),
        wrapped("    ", &cell.case.reference),
        about.kernel,
        about.version,
    )
}
