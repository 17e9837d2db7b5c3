//! What the end of a run says of its cells, gathered one after the other: a run of many is not held in memory.

use std::collections::{BTreeMap, BTreeSet};

use spec::verdict::{Outcome, Verdict};

use super::{grid::Worst, words};
use event::CellEnd;
use event::exit::{Exit, Tally};
use event::journal::{Head, Recorded};

/// The most unwanted cells that are reported in full: more than a screen or two no one reads.
const IN_FULL: usize = 12;

/// The message for a machine without endpoints.
pub const NO_DEVICES: &str = "this machine has no DRM, V4L2, dma-heap or udmabuf device that shares buffers";

/// The cells of a run, in sum. What grows with are the things that it names: what was not as it should be, and reasons.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The counts that the exit code depends on.
    pub tally: Tally,
    /// The first of these.
    pub in_full: Vec<CellEnd>,
    /// The others.
    pub titles: Vec<(String, Verdict, Outcome)>,
    /// Faults that are known, by the board file or by a finding: who has them, by case and reason.
    pub known: BTreeMap<(String, String), Vec<String>>,
    /// The damages of the kernel, and the number of cells that ran after each.
    pub damaged: BTreeMap<String, usize>,
    /// The worst of each pair.
    pub worst: Worst,
    /// The workers of a load.
    pub load: Vec<CellEnd>,
    verdicts: BTreeMap<Verdict, usize>,
    elements: BTreeMap<&'static str, usize>,
    unseen: BTreeMap<(Verdict, String), usize>,
    symbols: BTreeSet<String>,
    read: usize,
    wrote: usize,
    either: usize,
    pairs: BTreeSet<(String, String)>,
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
        self.worst.add(cell);
        if let Some(by) = &cell.damaged_by {
            *self.damaged.entry(by.clone()).or_default() += 1;
        }
        if cell.outcome.unwanted() {
            if self.in_full.len() < IN_FULL {
                self.in_full.push(cell.clone());
            } else {
                self.titles.push((cell.id.clone(), cell.verdict, cell.outcome));
            }
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
        let bad = self.tally.unwanted + head.missing.len();
        match self.exit(head) {
            Exit::Incomplete => "the run was cut short: its journal has no end".into(),
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
