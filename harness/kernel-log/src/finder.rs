//! Finds the reports in the lines of a log, also where those of several contexts are mixed.

use crate::kind::SplatKind;
use crate::lines::{self, Line};
use crate::record::Record;
use crate::report::Report;
use crate::splat::Splat;
use crate::symptom::{self, iommu};

/// The reports in these records, in the order in which they begin, of the kernel alone: what programs write into the log is
/// left out. Give it all records of a time at once, so that no report is cut in two.
pub fn splats(records: &[Record]) -> Vec<Splat> {
    find(&lines::of_kernel(records)).splats
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The reports, in the order of their first lines.
    pub splats: Vec<Splat>,
    /// For each line, whether it is of a report.
    pub told: Vec<bool>,
}

/// Finds the reports in these lines.
pub fn find(lines: &[Line<'_>]) -> Found {
    let mut finder = Finder { open: Vec::new(), done: Vec::new() };
    for (number, line) in lines.iter().enumerate() {
        finder.line(number, line);
    }
    while !finder.open.is_empty() {
        finder.close(0);
    }
    finder.found(lines.len())
}

struct Finder {
    /// The reports that are being read, the one that had the last line last.
    open: Vec<Report>,
    /// The others, with the numbers of their lines.
    done: Vec<(Vec<usize>, Splat)>,
}

impl Finder {
    fn line(&mut self, number: usize, line: &Line<'_>) {
        let mut open = self.of_caller(line);
        if let Some(at) = open.filter(|&at| self.open[at].is_over(line.time_us)) {
            self.close(at);
            open = None;
        }
        let report = open.map(|at| &mut self.open[at]);
        let text: &str = &line.text;
        let belongs = if is_cut(text) {
            match report.filter(|report| report.leads()) {
                Some(report) => {
                    report.cut = true;
                    true
                }
                None => return self.begin(open, Report::new(None, number, line)),
            }
        } else if let Some(kind) = symptom::of(text, report.as_ref().is_some_and(|report| report.cut)) {
            let belongs = report.is_some_and(|report| report.takes(kind, text));
            if !belongs {
                return self.begin(open, Report::new(Some(kind), number, line));
            }
            true
        } else {
            report.is_some_and(|report| report.goes_on(number, line))
        };
        let Some(at) = open else { return };
        if !belongs || self.open[at].push(number, line) {
            self.close(at);
        } else if at + 1 < self.open.len() {
            let report = self.open.remove(at);
            self.open.push(report);
        }
    }

    /// The report that a line's context is writing. A line that does not tell its context is of the last one.
    fn of_caller(&mut self, line: &Line<'_>) -> Option<usize> {
        if line.caller.is_none() {
            return self.open.len().checked_sub(1);
        }
        let own = self.open.iter().rposition(|report| report.callers.contains(&line.caller));
        own.or_else(|| {
            // A processor that is asked by another for its stack writes it itself.
            let is_asked = ["NMI backtrace for cpu", "CPU: "].iter().any(|words| line.text.starts_with(words));
            let stuck =
                self.open.iter().rposition(|report| report.kind == Some(SplatKind::Hung)).filter(|_| is_asked)?;
            self.open[stuck].callers.push(line.caller);
            Some(stuck)
        })
    }

    fn begin(&mut self, instead: Option<usize>, report: Report) {
        if let Some(at) = instead {
            self.close(at);
        }
        self.open.push(report);
    }

    /// Puts a report in its place by its first line: one of another context may have begun before and ended behind.
    fn close(&mut self, at: usize) {
        if let Some(report) = self.open.remove(at).finish() {
            let place = self.done.partition_point(|(numbers, _)| numbers.first() < report.0.first());
            self.done.insert(place, report);
        }
    }

    fn found(self, lines: usize) -> Found {
        let mut found = Found { splats: Vec::new(), told: vec![false; lines] };
        for (numbers, splat) in self.done {
            numbers.iter().for_each(|&number| found.told[number] = true);
            match found.splats.iter_mut().find(|before| is_same_flood(before, &splat)) {
                Some(before) => before.take_flood(splat),
                None => found.splats.push(splat),
            }
        }
        found
    }
}

/// A device that goes on after a fault makes one for each access.
fn is_same_flood(before: &Splat, splat: &Splat) -> bool {
    let is_fault = |splat: &Splat| splat.kind == SplatKind::IommuFault;
    let (one, other) = (&before.title, &splat.title);
    is_fault(before)
        && is_fault(splat)
        && iommu::faulting_device(one) == iommu::faulting_device(other)
        && iommu::goes_on(one, other)
}

fn is_cut(line: &str) -> bool {
    line == "------------[ cut here ]------------" || line == "8<--- cut here ---"
}
