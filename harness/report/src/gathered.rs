//! What the end of a run says of its cells, gathered one after the other: a run of many is not held in memory.

use std::collections::{BTreeMap, BTreeSet};

use spec::verdict::{Outcome, Verdict};

use super::{grid::Standings, words};
use diagnose::Facts;
use diagnose::matrix::Matrix;
use event::cause::Cause;
use event::exit::{Exit, Tally};
use event::journal::{Head, Recorded};
use event::{Blame, CellEnd, Finding, Oracle};

/// The most unwanted cells that are reported in full: more than a screen or two no one reads.
const IN_FULL: usize = 12;

/// The message for a machine without endpoints.
pub const NO_DEVICES: &str = "this machine has no DRM, V4L2, dma-heap or udmabuf device that shares buffers";

/// The cells of a run, in sum. What grows with are the things that it names: what was not as it should be, and reasons.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The counts that the exit code depends on.
    pub tally: Tally,
    /// The first of these, those before the others that may have caused them.
    pub in_full: Vec<CellEnd>,
    /// Cells that were not run because of what had become of others: the reason, and the number of them.
    pub held_back: BTreeMap<String, usize>,
    /// The others.
    pub titles: Vec<(String, Verdict, Outcome)>,
    /// Faults that are known, by the board file or by a finding: who has them, by case and reason.
    pub known: BTreeMap<(String, String), Vec<String>>,
    /// The damages of the kernel, and the number of cells that ran after each.
    pub damaged: BTreeMap<String, usize>,
    /// How each pair stands.
    pub standings: Standings,
    /// Who took part in which failures.
    matrix: Matrix,
    /// The workers of a load.
    pub load: Vec<CellEnd>,
    /// Faults that this machine cannot show: by what was seen, the exporters or importers and the number of cells.
    latent: BTreeMap<String, (BTreeSet<String>, usize)>,
    verdicts: BTreeMap<Verdict, usize>,
    elements: BTreeMap<&'static str, usize>,
    unseen: BTreeMap<(Verdict, String), usize>,
    symbols: BTreeSet<String>,
    read: usize,
    wrote: usize,
    either: usize,
    pairs: BTreeSet<(String, String)>,
}

/// Returns why a cell was not run, where that is because of others: one of these says what happened.
fn held_back(cell: &CellEnd) -> Option<String> {
    let blocked = |finding: &&Finding| finding.oracle == Oracle::Machine && finding.verdict == Verdict::Blocked;
    let finding = cell.findings.iter().find(blocked).filter(|_| cell.verdict == Verdict::Blocked)?;
    Some(finding.seen.split(';').next().unwrap_or_default().to_owned())
}

/// How far a cell's failure may be the reason of others', the farthest first.
fn rank(cell: &CellEnd) -> u8 {
    let down = |finding: &Finding| finding.oracle == Oracle::Machine && finding.verdict == Verdict::Crash;
    match cell.verdict {
        _ if cell.findings.iter().any(down) => 0,
        Verdict::Crash => 1,
        Verdict::Timeout => 2,
        _ => 3,
    }
}

impl Gathered {
    /// Gathers a run that is in memory.
    pub fn of(recorded: &Recorded) -> Self {
        let mut gathered = Self::default();
        recorded.cells.iter().for_each(|cell| gathered.add(cell));
        gathered
    }

    /// Takes in the next cell.
    pub fn add(&mut self, cell: &CellEnd) {
        self.tally.add(cell);
        *self.verdicts.entry(cell.verdict).or_default() += 1;
        if let Some(element) = words::of(cell.verdict, cell.outcome).junit {
            *self.elements.entry(element).or_default() += 1;
        }
        self.standings.add(cell);
        self.matrix.add(cell);
        if let Some(by) = &cell.damaged_by {
            *self.damaged.entry(by.clone()).or_default() += 1;
        }
        if cell.outcome.unwanted() {
            self.unwanted(cell);
        } else if cell.verdict.broken() {
            let who = [&cell.exporter, &cell.importer, &cell.second_importer].into_iter().flatten();
            let who = who.map(String::as_str).collect::<Vec<_>>().join(" to ");
            let reason = cell.reason.clone().unwrap_or_default();
            self.known.entry((cell.case.clone(), reason)).or_default().push(who);
        } else if matches!(cell.verdict, Verdict::NotObservable | Verdict::Blocked)
            && let Some(finding) = cell.findings.iter().find(|finding| finding.verdict == cell.verdict)
        {
            *self.unseen.entry((cell.verdict, finding.seen.clone())).or_default() += 1;
        }
        self.latent(cell);
        for symbol in cell.map_dma_buf.iter().filter_map(|through| through.symbol.as_ref()) {
            if !self.symbols.contains(symbol) {
                self.symbols.insert(symbol.clone());
            }
        }
        if cell.verdict.verified() {
            self.accessed(cell);
        }
        if !cell.figures.is_empty() {
            self.load.push(cell.clone());
        }
    }

    /// Puts what brought the machine down first, then what ended its process: the others may only follow from it.
    fn unwanted(&mut self, cell: &CellEnd) {
        if let Some(reason) = held_back(cell) {
            *self.held_back.entry(reason).or_default() += 1;
            return;
        }
        let place = self.in_full.partition_point(|before| rank(before) <= rank(cell));
        self.in_full.insert(place, cell.clone());
        if self.in_full.len() > IN_FULL {
            self.titles.extend(self.in_full.pop().map(|cell| (cell.id, cell.verdict, cell.outcome)));
        }
    }

    fn latent(&mut self, cell: &CellEnd) {
        let mut seen = BTreeSet::new();
        for finding in cell.findings.iter().filter(|finding| finding.latent && finding.verdict == Verdict::Pass) {
            let side = if finding.blame == Blame::Importer { &cell.importer } else { &cell.exporter };
            // The device in parentheses is of the other side.
            let (rule, rest) = finding.seen.split_once(" (").unwrap_or((&finding.seen, ""));
            let what = format!("{rule}: {}", rest.split_once("): ").map_or("", |(_, what)| what));
            let (who, cells) = self.latent.entry(what.clone()).or_default();
            who.extend(side.clone());
            *cells += usize::from(seen.insert(what));
        }
    }

    /// The faults of the DMA contract that this machine cannot show in bytes, a line each and below it whose they are.
    pub fn latent_faults(&self) -> String {
        let line = |(what, (who, cells)): (&String, &(BTreeSet<String>, usize))| {
            let who: Vec<&str> = who.iter().map(String::as_str).collect();
            format!("latent   {what}: {}\n         {}\n", spec::lines::counted(*cells, "cell"), who.join(", "))
        };
        self.latent.iter().map(line).collect()
    }

    fn accessed(&mut self, cell: &CellEnd) {
        let did = |how: &str| cell.device_access.iter().any(|done| done == how);
        let (read, wrote) = (did("read"), did("write"));
        self.read += usize::from(read);
        self.wrote += usize::from(wrote);
        if read || wrote {
            self.either += 1;
            self.pairs.extend(cell.exporter.clone().zip(cell.importer.clone()));
        }
    }

    /// The cells of each verdict that there is, from the best to the worst.
    pub fn counts(&self) -> Vec<(Verdict, usize)> {
        self.verdicts.iter().map(|(&verdict, &count)| (verdict, count)).collect()
    }

    /// Returns the number of cells with an element of JUnit.
    pub fn element(&self, name: &str) -> usize {
        self.elements.get(name).copied().unwrap_or(0)
    }

    /// Returns the reasons why cells verified nothing, with their numbers, the most frequent first.
    pub fn reasons(&self) -> Vec<((Verdict, &str), usize)> {
        let mut reasons: Vec<_> =
            self.unseen.iter().map(|((verdict, why), &count)| ((*verdict, why.as_str()), count)).collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }

    /// The map_dma_buf implementations that the run went through, in a line.
    pub fn implementations(&self, head: &Head) -> String {
        let at_start = head.endpoints.iter().filter_map(|endpoint| endpoint.map_dma_buf.as_ref());
        let at_start = at_start.filter_map(|found| found.symbol.as_deref());
        let names: BTreeSet<&str> = self.symbols.iter().map(String::as_str).chain(at_start).collect();
        if names.is_empty() {
            return String::new();
        }
        format!("{} map_dma_buf implementations: {}\n", names.len(), names.into_iter().collect::<Vec<_>>().join(", "))
    }

    /// In how many cells devices read and wrote buffers by themselves. In the others only the CPU did.
    pub fn device_access(&self) -> String {
        if self.pairs.is_empty() {
            return String::new();
        }
        let pairs = spec::lines::counted(self.pairs.len(), "pair");
        format!("devices read in {} and wrote in {} of {} cells, in {pairs}\n", self.read, self.wrote, self.either)
    }

    /// What the failures come from; known faults are last.
    pub fn causes(&self, head: &Head) -> Vec<Cause> {
        let registry = catalogue::registry::embedded().ok();
        diagnose::causes(&Facts::of(head), &self.matrix, registry.as_ref())
    }

    /// What is not as expected and has no cause, in words.
    pub fn undecided(&self) -> String {
        crate::causes::undecided(&self.matrix)
    }

    /// Returns the exit code of the run.
    pub fn exit(&self, head: &Head) -> Exit {
        self.tally.exit(head)
    }

    /// Returns the number of cells with a known fault, in words.
    fn of_known(&self) -> String {
        match self.tally.known {
            0 => String::new(),
            known => format!("; {} with a known fault of the kernel", spec::lines::counted(known, "cell")),
        }
    }

    /// Returns how it ended, in a sentence.
    pub fn conclusion(&self, head: &Head) -> String {
        let bad = self.tally.unwanted + head.missing.len() + head.unwanted().count();
        match self.exit(head) {
            Exit::Incomplete => "the run was cut short: its journal has no end".into(),
            Exit::RestartWanted => "the run waits for a restart of the machine: run it again with --resume then".into(),
            Exit::NothingVerified if head.endpoints.is_empty() => {
                format!("nothing was verified: {}", NO_DEVICES)
            }
            Exit::NothingVerified => "nothing was verified: no cell could look at its rule".into(),
            Exit::OwnFault => "prime-cts itself is at fault in the cells that ended in 'error'".into(),
            _ if bad == 0 => format!("{} verified, every outcome as expected{}", self.tally.verified, self.of_known()),
            _ => format!("{} verified, {bad} not as expected{}", self.tally.verified, self.of_known()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::sample;

    #[test]
    fn what_brought_the_machine_down_is_first_though_it_was_seen_last() {
        let mut gathered = Gathered::default();
        let cell = |number: usize, verdict| sample::cell(&format!("a.b.c{number}"), verdict, Outcome::Regression);
        (0..14).for_each(|number| gathered.add(&cell(number, Verdict::Fail)));
        gathered.add(&cell(20, Verdict::Timeout));
        let mut down = cell(21, Verdict::Crash);
        down.findings[0].oracle = Oracle::Machine;
        gathered.add(&down);
        let mut not_run = cell(22, Verdict::Blocked);
        not_run.findings[0].oracle = Oracle::Machine;
        not_run.findings[0].seen = "not run: an import hangs; to run it nevertheless: --exact a.b.c22".into();
        gathered.add(&not_run);
        assert_eq!(gathered.held_back, BTreeMap::from([("not run: an import hangs".to_owned(), 1)]));
        let ids: Vec<&str> = gathered.in_full.iter().map(|cell| cell.id.as_str()).collect();
        assert_eq!(ids[..3], ["a.b.c21", "a.b.c20", "a.b.c0"]);
        assert_eq!((ids.len(), gathered.titles.len(), gathered.tally.unwanted), (IN_FULL, 4, 17));
    }

    #[test]
    fn latent_faults_are_counted_by_what_was_seen_and_fail_nothing() {
        let mut gathered = Gathered::default();
        for importer in ["drm-vgem", "drm-cirrus"] {
            let id = format!("coherence.while-imported.udmabuf.{importer}");
            let mut cell = sample::cell(&id, Verdict::Pass, Outcome::Expected);
            let seen = format!("sync ({importer}): begin_cpu_access does not call dma_sync_sg_for_cpu");
            let found = Finding::new(Oracle::Dma, Verdict::Pass, Blame::Exporter, seen, "a sync");
            cell.findings = vec![Finding { latent: true, ..found }];
            cell.exporter = Some("udmabuf".into());
            gathered.add(&cell);
        }
        let text = gathered.latent_faults();
        let line = "latent   sync: begin_cpu_access does not call dma_sync_sg_for_cpu: 2 cells\n         udmabuf\n";
        assert_eq!((text.as_str(), gathered.tally.unwanted), (line, 0));
    }
}
