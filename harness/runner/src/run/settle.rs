//! How long drivers have to release what they hold. They do so in workers and RCU callbacks, so that a leak is one only after
//! a while; where many cells wait for that in vain, the others need not wait as long.

use std::collections::BTreeMap;
use std::time::Duration;

use event::Oracle;
use spec::verdict::Verdict;

use super::result::CellResult;
use crate::plan::Cell;

/// What is not balanced within this time is a leak.
pub const LONG: Duration = Duration::from_secs(2);

/// The same of devices of which it is known. What settles at all does within a few milliseconds.
const SHORT: Duration = Duration::from_millis(200);

/// A device is known after this many leaks.
const OF_A_DEVICE: u32 = 3;

/// Every device is known after this many.
const OF_ALL: u32 = 20;

/// The leaks that were waited for in full, by device.
#[derive(Debug, Default)]
pub struct Settle {
    devices: BTreeMap<String, u32>,
    all: u32,
}

impl Settle {
    /// The time for a cell.
    pub fn of(&self, cell: &Cell) -> Duration {
        let known = |key: &String| self.devices.get(key).is_some_and(|&leaks| leaks >= OF_A_DEVICE);
        let short = self.all >= OF_ALL || cell.endpoints().any(|endpoint| known(&endpoint.key));
        if short { SHORT } else { LONG }
    }

    /// Takes in a cell that has ended.
    pub fn learn(&mut self, cell: &Cell, result: &CellResult) {
        let mut findings = result.findings.iter();
        if findings.any(|finding| finding.oracle == Oracle::Balance && finding.verdict == Verdict::Fail) {
            self.all += 1;
            cell.endpoints().for_each(|endpoint| *self.devices.entry(endpoint.key.clone()).or_default() += 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use device::Endpoint;
    use event::{Blame, Finding};
    use spec::case::{Case, Kind};
    use std::path::Path;
    use std::rc::Rc;

    fn cells() -> Vec<Cell> {
        let text = "name: c\nrule: r\nwhy: w\nreference: f\ncells: exporter\nsteps:\n  - allocate: {as: b}\n  \
            - export: {buffer: b, as: f}\n  - size: {file: f}\n";
        let case = Rc::new(Case::parse(Path::new("area/c.yaml"), text).unwrap());
        let endpoint = |key: &str| {
            let endpoint = Endpoint::new(Kind::Drm, key, "d", format!("/dev/{key}").into());
            Rc::new(Endpoint { exports: true, ..endpoint })
        };
        crate::plan::plan(&[case], &["a", "b"].map(endpoint)).iter().collect()
    }

    #[test]
    fn the_others_of_a_device_that_leaks_are_waited_for_less_and_then_those_of_all() {
        let (cells, mut settle) = (cells(), Settle::default());
        let of = |oracle| CellResult::without_running(Finding::fail(oracle, Blame::Undecided, "1 more", "as before"));
        (0..9).for_each(|_| settle.learn(&cells[0], &of(Oracle::Content)));
        (0..2).for_each(|_| settle.learn(&cells[0], &of(Oracle::Balance)));
        assert_eq!([settle.of(&cells[0]), settle.of(&cells[1])], [LONG, LONG]);
        settle.learn(&cells[0], &of(Oracle::Balance));
        assert_eq!([settle.of(&cells[0]), settle.of(&cells[1])], [SHORT, LONG]);
        (0..OF_ALL).for_each(|_| settle.learn(&cells[0], &of(Oracle::Balance)));
        assert_eq!(settle.of(&cells[1]), SHORT);
    }
}
