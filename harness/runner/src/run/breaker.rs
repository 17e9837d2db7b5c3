//! Keeps cells that hang from holding up the others: each costs its deadline and more, and where several hang one after the
//! other that have a device, a pair or a case in common, the rest of these is not run. One of them is tried once more at the
//! end, or after a restart: if that one does not hang, the rest is run after all.

use std::collections::{BTreeMap, BTreeSet};

use event::{CellEnd, Finding, Oracle};
use spec::verdict::Verdict;

use super::common::Common;
use super::result::CellResult;
use crate::plan::Cell;

/// The number in a row that is enough.
const IN_A_ROW: u32 = 3;

/// The number in a row, whatever they have in common, that is enough to say that all hang.
const ALL_IN_A_ROW: u32 = 4;

/// The time lost, in milliseconds, after which one is enough for a pair.
const PATIENT: u64 = 60_000;

/// The time lost, in milliseconds, after which one is enough for a device, and nothing is tried once more.
const IMPATIENT: u64 = 120_000;

/// What hangs.
#[derive(Debug, Clone, Default)]
pub struct Breaker {
    /// The cells that hung one after the other, by what they have in common.
    in_a_row: BTreeMap<Common, u32>,
    open: BTreeSet<Common>,
    tried: BTreeSet<Common>,
    /// Whatever they have in common.
    all: u32,
    /// The time lost, in milliseconds.
    lost: u64,
    /// True if SIGKILL did not end the last one: what it holds, it holds until the machine is started again.
    stuck: bool,
}

impl Breaker {
    /// Takes in a cell that has ended.
    pub fn learn(&mut self, ended: &CellEnd) {
        let hung = ended.findings.iter().any(|finding| finding.verdict == Verdict::Timeout);
        // What was not run tells nothing.
        if !hung && !ended.verdict.verified() {
            return;
        }
        self.all = if hung { self.all + 1 } else { 0 };
        if !hung && self.in_a_row.is_empty() {
            return;
        }
        if hung {
            self.lost += ended.ms;
            self.stuck = ended.findings.iter().any(|finding| finding.seen.contains(super::judge::STUCK));
        }
        for common in Common::of_end(ended) {
            if !hung {
                self.in_a_row.remove(&common);
                self.open.remove(&common);
                continue;
            }
            let enough = self.enough(&common);
            let count = self.in_a_row.entry(common.clone()).or_default();
            *count += 1;
            if *count >= enough {
                self.open.insert(common);
            }
        }
    }

    fn enough(&self, common: &Common) -> u32 {
        match common {
            Common::Pair(..) if self.lost > PATIENT => 1,
            Common::Exporter(_) | Common::Importer(_) if self.lost > IMPATIENT => 1,
            _ => IN_A_ROW,
        }
    }

    /// After a restart: what hung is tried once more.
    pub fn restarted(&mut self) {
        for common in std::mem::take(&mut self.open) {
            self.in_a_row.insert(common, IN_A_ROW - 1);
        }
        (self.all, self.stuck) = (0, false);
    }

    /// What a cell has in common with those that hang.
    pub fn holds(&self, cell: &Cell) -> Option<Common> {
        if self.all >= ALL_IN_A_ROW {
            return Some(Common::Machine);
        }
        if self.open.is_empty() {
            return None;
        }
        Common::of_cell(cell).into_iter().find(|common| self.open.contains(common))
    }

    /// Returns whether a cell that was held back may be tried after all.
    pub fn may_try(&mut self, common: &Common) -> bool {
        self.lost < IMPATIENT && self.tried.insert(common.clone())
    }

    /// Returns why nothing but a restart helps.
    pub fn hopeless(&self) -> Option<String> {
        if self.stuck {
            return Some("a cell hangs in the kernel, and SIGKILL does not end it".to_owned());
        }
        let all = self.all >= ALL_IN_A_ROW;
        all.then(|| format!("{} cells in a row hang, whatever their devices", self.all))
    }
}

/// The result of a cell that is not run because others hang that have this in common with it.
pub fn held_back(cell: &Cell, common: &Common) -> CellResult {
    let seen =
        format!("not run: cells of {common} hang, one after the other; to run it nevertheless: --exact {}", cell.id);
    CellResult::without_running(Finding::blocked(Oracle::Machine, seen, "the cell is run"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::sample;
    use spec::verdict::Outcome;

    fn ended(id: &str, verdict: Verdict) -> CellEnd {
        CellEnd { ms: 20_000, ..sample::cell(id, verdict, Outcome::Regression) }
    }

    fn open(breaker: &Breaker) -> Vec<String> {
        breaker.open.iter().map(Common::to_string).collect()
    }

    #[test]
    fn three_in_a_row_hold_back_what_they_have_in_common() {
        let mut breaker = Breaker::default();
        for id in ["a.one.x.i", "a.two.y.i"] {
            breaker.learn(&ended(id, Verdict::Timeout));
        }
        assert!(open(&breaker).is_empty());
        breaker.learn(&ended("a.three.z.i", Verdict::Timeout));
        assert_eq!(open(&breaker), ["the importer i"]);
        assert_eq!(breaker.hopeless(), None, "SIGKILL ends them");
        breaker.learn(&ended("a.four.z.i", Verdict::Pass));
        assert!(open(&breaker).is_empty(), "one that does not hang sets it free");
    }

    #[test]
    fn one_that_is_in_order_begins_the_count_again() {
        let mut breaker = Breaker::default();
        for verdict in [Verdict::Timeout, Verdict::Timeout, Verdict::Fail, Verdict::Timeout, Verdict::Timeout] {
            breaker.learn(&CellEnd { ms: 1000, ..ended("a.b.x.i", verdict) });
            breaker.learn(&ended("a.b.x.i", Verdict::Blocked));
        }
        assert!(open(&breaker).is_empty());
    }

    #[test]
    fn the_more_time_is_lost_the_fewer_are_enough() {
        let mut breaker = Breaker::default();
        for id in ["a.one.x.i", "a.two.y.j", "a.three.z.k", "b.one.v.l"] {
            breaker.learn(&ended(id, Verdict::Timeout));
            breaker.learn(&ended("c.d.o.o", Verdict::Pass));
        }
        assert_eq!(open(&breaker), ["an import of v into l"]);
        for id in ["b.two.u.m", "b.three.t.n", "b.four.s.o"] {
            breaker.learn(&ended(id, Verdict::Timeout));
        }
        assert!(open(&breaker).contains(&"the importer o".to_owned()), "{:?}", open(&breaker));
        assert!(!breaker.may_try(&Common::Importer("o".into())));
    }

    #[test]
    fn what_sigkill_does_not_end_and_what_hangs_everywhere_needs_a_restart() {
        let mut breaker = Breaker::default();
        let mut stuck = ended("a.one.x.i", Verdict::Timeout);
        breaker.learn(&stuck);
        assert_eq!(breaker.hopeless(), None);
        stuck.findings[0].seen = format!("{} after 20 s", super::super::judge::STUCK);
        breaker.learn(&stuck);
        assert!(breaker.hopeless().unwrap().contains("SIGKILL"));
        breaker.restarted();
        assert!(breaker.hopeless().is_none() && open(&breaker).is_empty());
        let mut everywhere = Breaker::default();
        (0..4).for_each(|number| everywhere.learn(&ended(&format!("a.c{number}.e{number}"), Verdict::Timeout)));
        assert!(everywhere.hopeless().unwrap().contains("4 cells in a row"));
    }

    #[test]
    fn after_a_restart_one_more_is_enough() {
        let mut breaker = Breaker::default();
        (0..3).for_each(|_| breaker.learn(&ended("a.one.x.i", Verdict::Timeout)));
        breaker.restarted();
        assert!(open(&breaker).is_empty());
        breaker.learn(&ended("a.one.x.i", Verdict::Timeout));
        assert_eq!(open(&breaker).len(), 4);
    }
}
