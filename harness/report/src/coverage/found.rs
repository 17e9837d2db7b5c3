//! What the runs say of one row of the registry, and of themselves.

use std::collections::BTreeSet;

use event::journal::Recorded;
use spec::registry::Implementation;

use super::model::RunSeen;

/// The facts that the runs show of a row.
#[derive(Default)]
pub(super) struct Found {
    pub(super) observed: BTreeSet<usize>,
    pub(super) inferred: BTreeSet<usize>,
    pub(super) cells: usize,
    pub(super) drivers: BTreeSet<String>,
}

/// Rows are known by their symbol and file.
pub(super) type Key<'a> = (&'a str, &'a str);

pub(super) fn key(row: &Implementation) -> Key<'_> {
    (&row.symbol, &row.file)
}

pub(super) fn seen(run: &Recorded) -> RunSeen {
    let probe = run.run.oracles.iter().find(|state| state.oracle == "map_dma_buf");
    RunSeen {
        board: run.run.board.clone(),
        kernel: run.run.kernel.clone(),
        architecture: run.run.architecture.clone(),
        cells: run.cells.len(),
        cut_short: run.end.is_none(),
        not_observed: probe.and_then(|state| state.missing.clone()),
    }
}
