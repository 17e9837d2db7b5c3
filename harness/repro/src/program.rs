//! The program of a cell, from its comment to its last line.

use runner::plan::Cell;
use spec::lines::wrapped;

use super::counts;
use super::devices::Opened;
use super::emitter::Emitter;
use super::source::Source;
use super::unsupported::Unsupported;

/// The facts for the comment at the head of a program.
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
/// See [`Unsupported`].
pub fn program(cell: &Cell, about: About<'_>) -> Result<String, Unsupported> {
    if cell.second_importer.is_some() {
        return Err(Unsupported::Step("a chain of three devices".into()));
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
    let mut emitter =
        Emitter { source, names: Default::default(), exporter, importer, size, made: false, allocated: 0, gone };
    emitter.steps(&cell.case.steps)?;
    emitter.source.line("return failed;");
    Ok(emitter.source.text(&comment(cell, about)))
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
