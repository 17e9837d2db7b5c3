//! A report that is being read: what belongs to it, and where it ends.

use crate::kind::SplatKind;
use crate::lines::Line;
use crate::record::Caller;
use crate::splat::Splat;
use crate::symptom::{self, iommu};
use crate::title;
use crate::trace::Place;

/// A report is cut here at the latest.
const LINES: usize = 300;

/// The lines of a flood of one device that are kept.
const FLOOD_LINES: usize = 40;

/// A line this far into a WARN's report can still say what it is about.
const HEAD: usize = 4;

/// A report has no longer pause in it, in microseconds.
const GAP_US: u64 = 2_000_000;

/// What is stuck is waited for: `nmi_trigger_cpumask_backtrace` of `lib/nmi_backtrace.c` gives a processor ten seconds.
const GAP_OF_STUCK_US: u64 = 11_000_000;

/// A report.
#[derive(Debug)]
pub struct Report {
    /// The kind, as far as a line has told it.
    pub kind: Option<SplatKind>,
    /// The contexts that write it.
    pub callers: Vec<Option<Caller>>,
    announced: String,
    /// The numbers of its lines.
    pub numbers: Vec<usize>,
    lines: Vec<String>,
    /// Begun by the line that cuts a report off from the rest; then it has an end too.
    pub cut: bool,
    last_us: u64,
    place: Place,
    /// A line of someone else's inside the trace, if the trace goes on behind it.
    aside: Option<(usize, String)>,
}

impl Report {
    /// Begins a report with its first line.
    pub fn new(kind: Option<SplatKind>, number: usize, line: &Line<'_>) -> Self {
        Self {
            kind,
            callers: vec![line.caller],
            announced: line.text.to_string(),
            numbers: vec![number],
            lines: vec![line.text.to_string()],
            cut: kind.is_none(),
            last_us: line.time_us,
            place: Place::Above,
            aside: None,
        }
    }

    /// Returns whether a line that announces `kind` belongs to this report; it may say more than what was known.
    pub fn takes(&mut self, kind: SplatKind, line: &str) -> bool {
        use SplatKind::{Bug, Corruption, DmaDebug, DmaLimit, IommuFault, Lockdep, Oops, Refcount, Warning};
        let Some(known) = self.kind else {
            self.is_about(kind, line);
            return true;
        };
        let early = self.lines.len() <= HEAD;
        match (known, kind) {
            (Refcount | DmaDebug | Corruption | DmaLimit | Lockdep, Warning) => self.cut && early,
            // `WARN(1, "BUG: ...")` is a warning whatever it calls itself.
            (Bug, Warning) if self.cut && early => {
                self.is_about(kind, line);
                true
            }
            // Some architectures and older kernels print the message behind the warning.
            (Warning, Refcount | DmaDebug | DmaLimit | Corruption | Lockdep) if self.cut && early => {
                self.is_about(kind, line);
                true
            }
            (Oops | Bug | Corruption, Oops) => symptom::is_die(line),
            (Corruption, Bug) => early,
            (DmaLimit, DmaLimit) => true,
            (IommuFault, IommuFault) => self.is_same_fault(line),
            _ => false,
        }
    }

    fn is_about(&mut self, kind: SplatKind, line: &str) {
        (self.kind, self.announced) = (Some(kind), line.into());
    }

    /// The raw event of an Arm SMMU has no device; the line behind, which has, says more.
    fn is_same_fault(&mut self, line: &str) -> bool {
        let (device, next) = (iommu::faulting_device(&self.announced), iommu::faulting_device(line));
        if device.is_none() && iommu::goes_on(&self.announced, line) {
            if next.is_some() {
                self.announced = line.into();
            }
            return true;
        }
        device == next
    }

    /// Returns whether a line that announces nothing belongs to this report.
    pub fn goes_on(&mut self, number: usize, line: &Line<'_>) -> bool {
        if self.is_short() {
            return self.kind == Some(SplatKind::IommuFault) && iommu::goes_on(&self.announced, &line.text);
        }
        // On 32-bit Arm the line of scissors announces the faults of programs too, and those have no end.
        if self.kind.is_none() && self.lines[0].starts_with("8<") {
            return false;
        }
        if self.has_end() {
            return true;
        }
        match (self.place.next(&line.text, self.kind == Some(SplatKind::Hung)), self.place) {
            (Some(place), _) => {
                self.place = place;
                if let Some((number, text)) = self.aside.take() {
                    self.keep(number, text);
                }
                true
            }
            // One line of another context does not end a trace.
            (None, Place::Within) if self.aside.is_none() => {
                self.aside = Some((number, line.text.to_string()));
                true
            }
            _ => false,
        }
    }

    /// Returns whether so much time has gone by that the next line is not of this report any more.
    pub fn is_over(&self, time_us: u64) -> bool {
        let gap = match self.kind {
            // Nothing else can follow.
            Some(SplatKind::Panic) => return false,
            Some(SplatKind::Hung) => GAP_OF_STUCK_US,
            _ => GAP_US,
        };
        time_us.saturating_sub(self.last_us) > gap
    }

    /// Adds a line. Returns whether it is the last one.
    pub fn push(&mut self, number: usize, line: &Line<'_>) -> bool {
        self.last_us = line.time_us;
        if self.aside.as_ref().is_none_or(|(aside, _)| *aside != number) {
            self.keep(number, line.text.to_string());
        }
        self.ends_with(&line.text)
    }

    fn keep(&mut self, number: usize, text: String) {
        self.numbers.push(number);
        if self.kind != Some(SplatKind::IommuFault) || self.lines.len() < FLOOD_LINES {
            self.lines.push(text);
        }
    }

    fn has_end(&self) -> bool {
        self.cut || matches!(self.kind, Some(SplatKind::Oops | SplatKind::Panic | SplatKind::Sanitizer))
    }

    fn ends_with(&self, line: &str) -> bool {
        let ruled = matches!(self.kind, Some(SplatKind::Sanitizer | SplatKind::Hung));
        line.starts_with("---[ end ")
            || self.lines.len() >= LINES
            || (ruled && self.lines.len() > 1 && line.starts_with("=========="))
    }

    /// One line is all there is of it.
    fn is_short(&self) -> bool {
        let alone = ["kmemleak: ", "BUG: Bad rss-counter", "BUG: non-zero pgtables_bytes"];
        let of_one_line = alone.iter().any(|beginning| self.announced.starts_with(beginning));
        let of_device = matches!(self.kind, Some(SplatKind::DmaLimit | SplatKind::IommuFault));
        !self.cut && (of_one_line || of_device)
    }

    /// Returns whether the line of scissors that comes next is of this report: a damaged list is reported before the report that
    /// it leads to, and so was, before 5.10, memory beyond a device's reach.
    pub fn leads(&self) -> bool {
        let damage = self.kind == Some(SplatKind::Corruption) && self.lines.len() == 1;
        let limit = self.kind == Some(SplatKind::DmaLimit) && !self.cut;
        damage || (limit && self.lines.last().is_some_and(|line| line.contains("overflow ")))
    }

    /// The report as far as it came; nothing where that is no report.
    pub fn finish(self) -> Option<(Vec<usize>, Splat)> {
        let Self { kind, announced, numbers, lines, .. } = self;
        let (kind, announced) = match kind {
            Some(kind) => (kind, announced),
            // A report that names no kind known here is a report all the same. The scissors alone are none.
            None if announced.starts_with("----") => (SplatKind::Warning, lines.get(1)?.clone()),
            None => return None,
        };
        let title = title::of(kind, &announced, &lines);
        Some((numbers, Splat { kind, title, lines }))
    }
}
