//! A part of a plan, for one of several boards of the same kind: each cell is in exactly one shard, whoever cuts it.

use std::collections::BTreeMap;

use crate::plan::{Cell, Plan};
use event::journal::Recorded;
use event::shard::Shard;

/// The time of cells in milliseconds, as measured before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Times {
    cells: BTreeMap<String, f64>,
    cases: BTreeMap<String, (f64, u32)>,
    all: (f64, u32),
}

/// The time of setting up and judging a cell in addition to its own, in milliseconds: also the time of a cell of which
/// nothing is known.
const BASE: f64 = 5.0;

impl Times {
    /// Reads the times of earlier runs, of any board.
    pub fn of(runs: &[Recorded]) -> Self {
        let mut times = Self::default();
        for cell in runs.iter().flat_map(|run| &run.cells) {
            let ms = cell.ms as f64;
            times.cells.insert(cell.id.clone(), ms);
            for (sum, count) in [times.cases.entry(cell.case.clone()).or_default(), &mut times.all] {
                (*sum, *count) = (*sum + ms, *count + 1);
            }
        }
        times
    }

    /// A cell that was not seen takes as long as others of its case, else as all do.
    fn of_cell(&self, id: &str, case: &str) -> f64 {
        let mean = |(sum, count): (f64, u32)| if count == 0 { 0.0 } else { sum / f64::from(count) };
        let seen = self.cells.get(id).copied();
        let like = || self.cases.get(case).map(|&of_case| mean(of_case));
        BASE + seen.or_else(like).unwrap_or_else(|| mean(self.all))
    }
}

/// Returns the digest of a plan: the same plan has the same on every board. 64 bits as hexadecimal digits.
pub fn digest(cells: &Plan) -> String {
    // FNV-1a.
    let bytes = cells.iter().flat_map(|cell| (cell.id + "\n").into_bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

/// A part of the cells of a plan, in their order. The cells of an exporter stay together, where they are not more than a
/// shard has to do.
pub fn part(mut cells: Plan, shard: Shard, times: &Times) -> Plan {
    let key = |cell: &Cell| cell.exporter.as_ref().or(cell.importer.as_ref()).map_or("", |end| &end.key).to_owned();
    let mut groups: BTreeMap<(String, usize), (f64, Vec<usize>)> = BTreeMap::new();
    let weights: Vec<f64> = cells.iter().map(|cell| times.of_cell(&cell.id, &cell.case.id())).collect();
    let most = weights.iter().sum::<f64>() / shard.of.get() as f64;
    let mut pieces: BTreeMap<String, usize> = BTreeMap::new();
    for (index, cell) in cells.iter().enumerate() {
        let key = key(&cell);
        let piece = pieces.entry(key.clone()).or_default();
        if groups.get(&(key.clone(), *piece)).is_some_and(|(weight, _)| weight + weights[index] > most) {
            *piece += 1;
        }
        let (weight, indices) = groups.entry((key, *piece)).or_default();
        *weight += weights[index];
        indices.push(index);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    // The largest first; of equal ones in the order of their names.
    groups.sort_by(|(_, (one, _)), (_, (other, _))| other.total_cmp(one));
    let mut loads: Vec<f64> = vec![0.0; shard.of.get()];
    let mut mine = vec![false; cells.len()];
    for (_, (weight, indices)) in groups {
        let least = (0..loads.len()).min_by(|&a, &b| loads[a].total_cmp(&loads[b])).unwrap_or(0);
        loads[least] += weight;
        if least + 1 == shard.number.get() {
            indices.into_iter().for_each(|index| mine[index] = true);
        }
    }
    let mut mine = mine.into_iter();
    cells.retain(|_| mine.next() == Some(true));
    cells
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::rc::Rc;

    use device::Endpoint;
    use proptest::prelude::*;
    use spec::case::{Case, Kind};

    use super::*;
    use crate::plan::plan;

    fn cells(exporters: usize, cases: usize) -> Plan {
        let endpoints: Vec<_> = (0..exporters)
            .map(|number| {
                let endpoint = Endpoint::new(Kind::Drm, format!("drm-{number}"), "d", "/dev/null".into());
                Rc::new(Endpoint { exports: true, imports: true, ..endpoint })
            })
            .collect();
        let steps = "steps:\n  - allocate: {as: b}\n  - export: {buffer: b, as: f}\n  - size: {file: f}\n";
        let case = |number| {
            let text = format!("name: c{number}\nrule: r\nwhy: w\nreference: f\ncells: pair\n{steps}");
            Rc::new(Case::parse(Path::new(&format!("area/c{number}.yaml")), &text).unwrap())
        };
        plan(&(0..cases).map(case).collect::<Vec<_>>(), &endpoints)
    }

    fn ids(cells: &Plan) -> Vec<String> {
        cells.iter().map(|cell| cell.id).collect()
    }

    proptest! {
        #[test]
        fn each_cell_is_in_exactly_one_shard(exporters in 1usize..6, cases in 1usize..5, of in 1usize..9) {
            let all = cells(exporters, cases);
            let mut seen = Vec::new();
            for number in 1..=of {
                let shard = format!("{number}/{of}").parse().unwrap();
                let part = part(cells(exporters, cases), shard, &Times::default());
                let places = |id: &String| all.iter().position(|cell| cell.id == *id);
                prop_assert!(ids(&part).iter().map(places).is_sorted(), "in the order of the plan");
                seen.extend(ids(&part));
            }
            seen.sort();
            let mut wanted = ids(&all);
            wanted.sort();
            prop_assert_eq!(seen, wanted);
        }
    }

    #[test]
    fn shards_take_as_long_as_each_other_by_what_was_measured() {
        // One exporter takes as long as the three others together.
        let slow = |id: &str| if id.contains(".drm-0.") { 300.0 } else { 100.0 };
        let all = cells(4, 4);
        let measured = all.iter().map(|cell| (cell.id.clone(), slow(&cell.id))).collect();
        let times = Times { cells: measured, ..Times::default() };
        let part = |number| part(cells(4, 4), format!("{number}/2").parse().unwrap(), &times);
        let took = |cells: &Plan| cells.iter().map(|cell| slow(&cell.id)).sum::<f64>();
        assert_eq!((took(&part(1)), took(&part(2))), (4800.0, 4800.0));
        assert!(part(1).iter().all(|cell| cell.id.contains(".drm-0.")), "an exporter's cells stay together");
    }

    #[test]
    fn a_plan_is_known_by_its_cells() {
        assert_eq!(digest(&cells(2, 2)), digest(&cells(2, 2)));
        assert_ne!(digest(&cells(2, 2)), digest(&cells(2, 1)));
    }
}
