//! The known faults of the kernel that a command goes by.

use std::path::Path;

use catalogue::findings;
use event::EndpointFound;
use event::known::KnownFaults;
use spec::board::Board;
use spec::finding::FindingPage;
use spec::nearest::nearest;

use crate::error::CommandError;
use crate::options::{Machine, Results};

/// The findings of a folder, or those that are built in: these are of real devices, not of mocks.
pub fn pages(folder: Option<&Path>, machine: &Machine) -> Result<Vec<FindingPage>, CommandError> {
    match folder {
        Some(folder) => Ok(findings::from_folder(folder)?),
        None if machine.mock.is_some() => Ok(Vec::new()),
        None => Ok(findings::embedded()),
    }
}

/// Refuses a board file that names a finding that is not there.
pub fn check(board: Option<&Board>, pages: &[FindingPage]) -> Result<(), CommandError> {
    let names = || pages.iter().map(|page| page.name.as_str());
    let named = board.iter().flat_map(|board| board.expect.known.iter());
    let unknown = named.into_iter().find(|name| !names().any(|known| known == *name));
    unknown.map_or(Ok(()), |name| {
        Err(CommandError::NoSuchFinding(name.clone(), nearest(name, names()).map(str::to_owned)))
    })
}

/// The known faults of this kernel with these endpoints; the board file may name only findings that there are.
pub fn known(
    results: &Results,
    machine: &Machine,
    board: Option<&Board>,
    found: &[EndpointFound],
) -> Result<KnownFaults, CommandError> {
    let pages = pages(results.findings.as_deref(), machine)?;
    check(board, &pages)?;
    let registry = catalogue::registry::embedded().map_err(CommandError::Registry)?;
    let (release, _) = uapi::process::kernel().unwrap_or_default();
    Ok(KnownFaults::on(pages, Some(&registry), &release, found))
}
