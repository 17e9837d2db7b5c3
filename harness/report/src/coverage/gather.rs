//! The joining of runs: what each shows of each row of the registry.

use std::collections::{BTreeMap, BTreeSet};

use spec::registry::{BackEnd, Implementation, Registry, Span, Version};

use super::found::{Found, Key, key, seen};
use super::model::{Coverage, Elsewhere, Refusing, Unknown, Untold, VERSION};
use super::rows::{contradictions, of_back_end, of_implementation, unreached, unreached_table};
use event::MapDmaBuf;
use event::journal::Recorded;

#[derive(Default)]
struct Gathered<'a> {
    implementations: BTreeMap<Key<'a>, Found>,
    back_ends: BTreeMap<Key<'a>, Found>,
    without_table: BTreeMap<(String, String), BTreeSet<usize>>,
    unknown: BTreeMap<(bool, String, String), BTreeSet<String>>,
    untold: BTreeMap<String, BTreeSet<usize>>,
}

/// Joins runs.
pub fn joined(registry: &Registry, runs: &[Recorded]) -> Coverage {
    let mut gathered = Gathered::default();
    for (number, run) in runs.iter().enumerate() {
        gathered.run(registry, number + 1, run);
    }
    let kernels: Vec<Version> = runs.iter().filter_map(kernel).collect();
    let there = |span: Span| kernels.iter().any(|kernel| span.covers(kernel));
    let Gathered { implementations, back_ends, .. } = &gathered;
    let observed = |row: &Implementation| implementations.get(&key(row)).is_some_and(|it| !it.observed.is_empty());
    let behind = |row: &BackEnd| back_ends.contains_key(&(row.symbol.as_str(), row.file.as_str()));
    let reached = |wanted: &dyn Fn(&Implementation) -> bool| {
        let rows = registry.map_dma_buf.iter().filter(|row| implementations.contains_key(&key(row)) && wanted(row));
        rows.map(|row| of_implementation(registry, row, &implementations[&key(row)])).collect::<Vec<_>>()
    };
    let counted: Vec<&Implementation> =
        registry.map_dma_buf.iter().filter(|row| !row.ours && (there(row.span()) || observed(row))).collect();
    let tables = || registry.get_sg_table.iter().filter(|row| row.refuses.is_none());
    let counted_tables: Vec<&BackEnd> = tables().filter(|row| there(row.span())).collect();
    let absent = registry.map_dma_buf.iter().filter(|row| !row.ours && !there(row.span()) && !observed(row));
    Coverage {
        version: VERSION,
        runs: runs.iter().map(seen).collect(),
        implementations: counted.len(),
        reached: reached(&|row| !row.ours && observed(row)),
        inferred: reached(&|row| !observed(row)),
        ours: reached(&|row| row.ours && observed(row)),
        back_ends: counted_tables.len(),
        reached_back_ends: tables()
            .filter_map(|row| {
                Some(of_back_end(registry, row, back_ends.get(&(row.symbol.as_str(), row.file.as_str()))?))
            })
            .collect(),
        unreached: counted.iter().filter(|row| !observed(row)).map(|row| unreached(row)).collect(),
        unreached_back_ends: counted_tables.iter().filter(|row| !behind(row)).map(|row| unreached_table(row)).collect(),
        elsewhere: absent
            .map(|row| Elsewhere { symbol: row.symbol.clone(), since: row.since.clone(), until: row.until.clone() })
            .collect(),
        contradictions: contradictions(registry, runs, implementations),
        without_table: gathered
            .without_table
            .into_iter()
            .map(|((driver, errno), runs)| Refusing { driver, errno, runs })
            .collect(),
        unknown: gathered
            .unknown
            .into_iter()
            .map(|((back_end, symbol, exp_name), seen)| Unknown { symbol, exp_name, seen, back_end })
            .collect(),
        untold: gathered.untold.into_iter().map(|(exp_name, runs)| Untold { exp_name, runs }).collect(),
    }
}

fn kernel(run: &Recorded) -> Option<Version> {
    Version::of_release(&run.run.kernel).ok()
}

/// Where a run was, for a person.
fn place(run: &Recorded) -> String {
    format!("{}, {}", run.run.board.as_deref().unwrap_or("no board"), run.run.kernel)
}

impl<'a> Gathered<'a> {
    fn run(&mut self, registry: &'a Registry, number: usize, run: &Recorded) {
        let kernel = kernel(run);
        let mut told = BTreeSet::new();
        let mut untold = BTreeSet::new();
        let mut take = |gathered: &mut Self, found: &MapDmaBuf| -> Option<&'a Implementation> {
            let Some(symbol) = &found.symbol else {
                untold.insert(found.exp_name.clone());
                return None;
            };
            told.insert(found.exp_name.clone());
            let Some(row) = registry.implementation(symbol, &found.exp_name, kernel.as_ref()) else {
                let unknown = (false, symbol.clone(), found.exp_name.clone());
                gathered.unknown.entry(unknown).or_default().insert(place(run));
                return None;
            };
            let of_row = gathered.implementations.entry(key(row)).or_default();
            if found.observed { &mut of_row.observed } else { &mut of_row.inferred }.insert(number);
            Some(row)
        };
        for endpoint in &run.endpoints {
            let Some(found) = &endpoint.map_dma_buf else { continue };
            let Some(row) = take(self, found) else { continue };
            self.implementations.entry(key(row)).or_default().drivers.insert(endpoint.driver.clone());
            if let Some(kernel) = kernel.as_ref().filter(|_| row.get_sg_table && found.observed) {
                self.back_end(registry, number, run, &endpoint.driver, &found.exp_name, kernel);
            }
        }
        for cell in &run.cells {
            let rows = cell.map_dma_buf.iter().filter_map(|found| take(self, found).filter(|_| found.observed));
            let rows: BTreeSet<Key<'a>> = rows.map(key).collect();
            for row in rows.into_iter().filter(|_| cell.verdict.verified()) {
                self.implementations.entry(row).or_default().cells += 1;
            }
        }
        for exp_name in untold.difference(&told) {
            self.untold.entry(exp_name.clone()).or_default().insert(number);
        }
    }

    fn back_end(
        &mut self,
        registry: &'a Registry,
        number: usize,
        run: &Recorded,
        driver: &str,
        exp_name: &str,
        kernel: &Version,
    ) {
        match registry.back_end(driver, kernel) {
            None => {
                let unknown = (true, driver.to_owned(), exp_name.to_owned());
                self.unknown.entry(unknown).or_default().insert(place(run));
            }
            Some(BackEnd { refuses: Some(errno), .. }) => {
                let refusing = (driver.to_owned(), errno.clone());
                self.without_table.entry(refusing).or_default().insert(number);
            }
            Some(row) => {
                let found = self.back_ends.entry((&row.symbol, &row.file)).or_default();
                found.observed.insert(number);
                found.drivers.insert(driver.to_owned());
            }
        }
    }
}
