//! Reports of trouble in the kernel's log: from the line that announces it to the line that ends it.

use serde::{Deserialize, Serialize};

use super::record::Record;
use super::symptom::{self, SplatKind};

/// One report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splat {
    /// The kind of trouble.
    pub kind: SplatKind,
    /// The line that says most.
    pub title: String,
    /// All lines, as far as they belong to it.
    pub lines: Vec<String>,
}

/// A report that has no ending of its own is cut here.
const LINES: usize = 80;

/// A line this far into a WARN's report can still say what it is about.
const HEAD: usize = 4;

/// The reports in these records, of the kernel alone: what programs write into the log is left out. Give it all records
/// of a time at once, so that no report is cut in two.
pub fn splats(records: &[Record]) -> Vec<Splat> {
    let mut found = Finder::default();
    let kernel = records.iter().filter(|record| record.facility == 0);
    for line in kernel.flat_map(|record| record.text.lines()) {
        found.line(line.trim_end());
    }
    found.close();
    found.splats
}

#[derive(Default)]
struct Finder {
    splats: Vec<Splat>,
    open: Option<Report>,
}

struct Report {
    kind: Option<SplatKind>,
    title: String,
    lines: Vec<String>,
    /// Begun by the line that cuts a report off from the rest; then it has an end too.
    cut: bool,
}

impl Report {
    fn new(kind: Option<SplatKind>, line: &str) -> Self {
        Self { kind, title: line.into(), lines: Vec::new(), cut: kind.is_none() }
    }

    /// Returns whether a line that announces `kind` belongs to this report; it may say more than what was known.
    fn takes(&mut self, kind: SplatKind, line: &str) -> bool {
        use SplatKind::{Bug, Corruption, DmaDebug, DmaLimit, Oops, Refcount, Warning};
        let Some(known) = self.kind else {
            (self.kind, self.title) = (Some(kind), line.into());
            return true;
        };
        match (known, kind) {
            (Refcount | DmaDebug | Corruption | DmaLimit, Warning) => self.cut,
            // Older kernels print the message behind the warning.
            (Warning, Refcount | DmaDebug | Corruption) if self.cut && self.lines.len() <= HEAD => {
                (self.kind, self.title) = (Some(kind), line.into());
                true
            }
            (Oops | Bug | Corruption, Oops) => symptom::is_die(line),
            (Corruption, Bug) => self.lines.len() <= HEAD,
            (DmaLimit, DmaLimit) => true,
            _ => false,
        }
    }

    fn ends_with(&self, line: &str) -> bool {
        let has_end = self.cut || self.kind == Some(SplatKind::Oops);
        line.starts_with("---[ end ")
            || self.lines.len() >= LINES
            || (!has_end && line.trim() == "</TASK>")
            || (self.kind == Some(SplatKind::Sanitizer) && self.lines.len() > 1 && line.starts_with("=========="))
    }

    /// One line is all there is of it.
    fn is_short(&self) -> bool {
        let leak = self.title.starts_with("kmemleak: ");
        !self.cut && (leak || self.kind == Some(SplatKind::DmaLimit))
    }
}

impl Finder {
    fn line(&mut self, line: &str) {
        if is_cut(line) {
            // A damaged list is reported before the report that it leads to.
            let leads = |report: &Report| report.kind == Some(SplatKind::Corruption) && report.lines.len() == 1;
            match self.open.as_mut().filter(|report| leads(report)) {
                Some(report) => report.cut = true,
                None => self.begin(Report::new(None, line)),
            }
        } else if let Some(kind) = symptom::of(line, self.open.as_ref().is_some_and(|report| report.cut)) {
            let belongs = self.open.as_mut().is_some_and(|report| report.takes(kind, line));
            if !belongs {
                self.begin(Report::new(Some(kind), line));
            }
        } else if self.open.as_ref().is_some_and(Report::is_short) {
            self.close();
        }
        if let Some(report) = &mut self.open {
            report.lines.push(line.into());
            if report.ends_with(line) {
                self.close();
            }
        }
    }

    fn begin(&mut self, report: Report) {
        self.close();
        self.open = Some(report);
    }

    fn close(&mut self) {
        let Some(report) = self.open.take() else { return };
        let Report { kind, title, lines, .. } = report;
        match kind {
            Some(kind) => self.splats.push(Splat { kind, title, lines }),
            // A report that names no kind known here is a report all the same. Not so on 32-bit arm, where the line
            // of scissors announces the faults of programs too.
            None if lines[0].starts_with("----") => {
                let title = lines.get(1).cloned().unwrap_or(title);
                self.splats.push(Splat { kind: SplatKind::Warning, title, lines });
            }
            None => {}
        }
    }
}

fn is_cut(line: &str) -> bool {
    line == "------------[ cut here ]------------" || line == "8<--- cut here ---"
}
