//! Rows of the registry, with what the runs show of them.

use std::collections::{BTreeMap, BTreeSet};

use spec::registry::{BackEnd, Implementation, Kind, Registry};

use super::found::{Found, Key, key, seen};
use super::model::{Reached, Unreached};
use event::journal::Recorded;

pub(super) fn of_implementation(registry: &Registry, row: &Implementation, found: &Found) -> Reached {
    let runs = if found.observed.is_empty() { &found.inferred } else { &found.observed };
    Reached {
        symbol: row.symbol.clone(),
        file: row.file.clone(),
        kind: row.kind,
        runs: runs.clone(),
        cells: Some(found.cells),
        drivers: found.drivers.clone(),
        own_drivers: own(registry, &found.drivers),
    }
}

pub(super) fn of_back_end(registry: &Registry, row: &BackEnd, found: &Found) -> Reached {
    Reached {
        symbol: row.symbol.clone(),
        file: row.file.clone(),
        kind: Kind::Driver,
        runs: found.observed.clone(),
        cells: None,
        drivers: found.drivers.clone(),
        own_drivers: own(registry, &found.drivers),
    }
}

fn own(registry: &Registry, drivers: &BTreeSet<String>) -> BTreeSet<String> {
    drivers.iter().filter(|driver| registry.is_own_driver(driver)).cloned().collect()
}

pub(super) fn unreached(row: &Implementation) -> Unreached {
    Unreached {
        symbol: row.symbol.clone(),
        file: row.file.clone(),
        kind: row.kind,
        struct_pages: row.struct_pages.to_string(),
        needs: row.needs.clone(),
        boards: row.boards.clone(),
        reach: Some(row.reach.clone()),
        kconfig: row.kconfig.clone(),
    }
}

pub(super) fn unreached_table(row: &BackEnd) -> Unreached {
    Unreached {
        symbol: row.symbol.clone(),
        file: row.file.clone(),
        kind: Kind::Driver,
        struct_pages: row.struct_pages.to_string(),
        needs: row.needs.clone(),
        boards: row.boards.clone(),
        reach: None,
        kconfig: row.kconfig.clone(),
    }
}

/// A board reaches what the registry does not say, or does not reach what it says: of runs that could have shown it.
pub(super) fn contradictions(registry: &Registry, runs: &[Recorded], found: &BTreeMap<Key<'_>, Found>) -> Vec<String> {
    let mut told = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        let (Some(board), seen) = (&run.run.board, seen(run)) else { continue };
        if seen.cut_short || seen.not_observed.is_some() {
            continue;
        }
        for row in &registry.map_dma_buf {
            let was = found.get(&key(row)).is_some_and(|found| found.observed.contains(&(number + 1)));
            match (row.boards.contains(board), was) {
                (true, false) => {
                    told.push(format!("it names {board} for {}, and run {} did not get there", row.symbol, number + 1))
                }
                (false, true) => {
                    told.push(format!("it does not name {board} for {}, and run {} got there", row.symbol, number + 1))
                }
                _ => {}
            }
        }
    }
    told
}
