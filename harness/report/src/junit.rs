//! JUnit XML, a test case a cell. The readers of this format group test cases by their class name, which is the cell's case.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::XmlString;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::causes::ByCell;
use super::gathered::Gathered;
use super::paint::Paint;
use super::{CellByCell, failure, words};
use event::CellEnd;
use event::journal::{Head, Recorded};

const NAME: &str = "prime-cts";

/// Writes a test case a cell, as they come.
pub struct Junit<W> {
    out: quick_xml::Writer<W>,
    board: Option<String>,
    causes: ByCell,
}

impl<W: Write> Junit<W> {
    /// Begins with the totals.
    ///
    /// # Errors
    /// Of the writer.
    pub fn begin(out: W, head: &Head, gathered: &Gathered) -> io::Result<Self> {
        let mut junit = Self {
            out: quick_xml::Writer::new_with_indent(out, b' ', 2),
            board: head.run.emulated().map(str::to_owned),
            causes: ByCell::of(&gathered.causes(head)),
        };
        junit.out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let seconds = head.end.as_ref().map(|end| seconds(end.cells_ms));
        let unwanted = head.missing.len() + head.unwanted().count();
        for element in ["testsuites", "testsuite"] {
            let totals = [
                ("tests", gathered.tally.cells + head.open.len() + unwanted),
                ("skipped", gathered.element("skipped")),
                ("failures", gathered.element("failure") + unwanted),
                ("errors", gathered.element("error") + head.open.len()),
            ];
            let totals = totals.map(|(name, count)| (name, count.to_string()));
            let totals = totals.iter().map(|(name, count)| (*name, count.as_str()));
            let time = seconds.iter().map(|seconds| ("time", seconds.as_str()));
            junit.start(element, std::iter::once(("name", NAME)).chain(totals).chain(time))?;
        }
        Ok(junit)
    }

    fn start<'t>(&mut self, name: &str, attributes: impl IntoIterator<Item = (&'t str, &'t str)>) -> io::Result<()> {
        self.out.write_event(Event::Start(element(name, attributes)))
    }

    fn close(&mut self, name: &str) -> io::Result<()> {
        self.out.write_event(Event::End(BytesEnd::new(name)))
    }

    fn empty<'t>(&mut self, name: &str, attributes: impl IntoIterator<Item = (&'t str, &'t str)>) -> io::Result<()> {
        self.out.write_event(Event::Empty(element(name, attributes)))
    }

    /// Something that is not a cell, and not as it should be.
    fn lone(&mut self, name: &str, class: &str, element: &str, message: &str) -> io::Result<()> {
        self.start("testcase", [("name", name), ("classname", class)])?;
        self.empty(element, [("message", message)])?;
        self.close("testcase")
    }
}

/// An element with its attributes, without what XML has no place for.
fn element<'t>(name: &str, attributes: impl IntoIterator<Item = (&'t str, &'t str)>) -> BytesStart<'static> {
    let mut start = BytesStart::new(name.to_owned());
    for (name, value) in attributes {
        start.push_attribute((name, XmlString::new(value).as_str()));
    }
    start
}

fn seconds(ms: u64) -> String {
    format!("{:.3}", Duration::from_millis(ms).as_secs_f64())
}

impl<W: Write> CellByCell for Junit<W> {
    fn cell(&mut self, cell: &CellEnd) -> io::Result<()> {
        self.start("testcase", [("name", &*cell.id), ("classname", &*cell.case), ("time", &seconds(cell.ms))])?;
        self.out.write_event(Event::Start(BytesStart::new("properties")))?;
        self.empty("property", [("name", "verdict"), ("value", cell.verdict.word())])?;
        self.empty("property", [("name", "outcome"), ("value", cell.outcome.word())])?;
        for name in &cell.known {
            self.empty("property", [("name", "known-fault"), ("value", name.as_str())])?;
        }
        for found in &cell.map_dma_buf {
            let value = found.symbol.as_deref().unwrap_or(&found.exp_name);
            self.empty("property", [("name", "map_dma_buf"), ("value", value)])?;
        }
        self.close("properties")?;
        let seen = cell.findings.iter().find(|finding| finding.verdict == cell.verdict);
        let seen = seen.map_or("", |finding| &finding.seen);
        match words::of(cell.verdict, cell.outcome).junit {
            None => {}
            Some("skipped") => {
                let reason = cell.reason.as_deref().map_or(String::new(), |reason| format!(" ({})", reason.trim()));
                let message = format!("{}: {seen}{reason}", cell.verdict);
                self.empty("skipped", [("type", cell.verdict.word()), ("message", &message)])?;
            }
            Some(element) => {
                let message = format!("{}: {seen}", cell.outcome);
                self.start(element, [("type", cell.verdict.word()), ("message", &message)])?;
                let cause = self.causes.cause(&cell.id);
                let text = failure::with_cause(cell, self.board.as_deref(), Paint::Plain, cause);
                let text = XmlString::new(text);
                self.out.write_event(Event::Text(BytesText::new(text.as_str())))?;
                self.close(element)?;
            }
        }
        self.close("testcase")
    }

    fn end(mut self, head: &Head) -> io::Result<()> {
        for open in &head.open {
            let case = spec::case::case_of(open);
            self.lone(open, &case, "error", "the run was cut short in this cell")?;
        }
        for missing in &head.missing {
            let name = format!("{} {}", missing.what, missing.name);
            self.lone(&name, "board", "failure", "the board file expects it, and it was not there")?;
        }
        for (number, trouble) in (1..).zip(head.unwanted()) {
            let after = trouble.cells.join(", ");
            let (name, message) =
                (format!("{} {number}", trouble.what.word()), format!("{}, after {after}", trouble.seen));
            self.lone(&name, "machine", "failure", &message)?;
        }
        self.close("testsuite")?;
        self.close("testsuites")?;
        self.out.get_mut().write_all(b"\n")?;
        self.out.get_mut().flush()
    }
}

/// The whole of a run that is in memory.
pub fn text(recorded: &Recorded) -> String {
    super::in_memory(|out| Junit::begin(out, recorded, &Gathered::of(recorded))?.whole(recorded))
}

#[cfg(test)]
mod tests {
    use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus};
    use spec::verdict::{Outcome, Verdict};

    use super::*;
    use event::Missing;
    use event::sample;

    /// What another reader of the format makes of it.
    fn read(recorded: &Recorded) -> Report {
        Report::deserialize_from_str(&text(recorded)).unwrap_or_else(|error| panic!("{error}: {}", text(recorded)))
    }

    #[test]
    fn only_the_unwanted_is_a_failure() {
        let report = read(&sample::recorded());
        let suite = &report.test_suites[0];
        let of = |status: fn(&TestCaseStatus) -> bool| -> Vec<&TestCase> {
            suite.test_cases.iter().filter(|case| status(&case.status)).collect()
        };
        let failures = of(|status| matches!(status, TestCaseStatus::NonSuccess { .. }));
        let [failure] = failures[..] else { panic!("{failures:?}") };
        assert_eq!(failure.name.as_str(), "leaks.import.drm-b.drm-a");
        assert_eq!(failure.classname.as_ref().map(XmlString::as_str), Some("leaks.import"));
        let TestCaseStatus::NonSuccess { description, message, .. } = &failure.status else { unreachable!() };
        assert!(description.as_ref().is_some_and(|text| text.as_str().contains("a line & more")), "{description:?}");
        assert_eq!(message.as_ref().map(XmlString::as_str), Some("regression: byte 8192: saw the bytes of offset 0"));
        assert_eq!(of(|status| matches!(status, TestCaseStatus::Skipped { .. })).len(), 3);
        assert_eq!(of(|status| matches!(status, TestCaseStatus::Success { .. })).len(), 1);
        let property = |name: &str| failure.properties.iter().find(|property| property.name.as_str() == name);
        assert_eq!(property("map_dma_buf").map(|found| found.value.as_str()), Some("drm_gem_map_dma_buf"));
    }

    #[test]
    fn a_known_fault_is_skipped_and_named() {
        let mut recorded = sample::recorded();
        let cell = recorded.cells.iter_mut().find(|cell| cell.verdict == Verdict::Fail).unwrap();
        (cell.known, cell.reason) = (vec!["wrong-page".into()], Some("known fault wrong-page (kernels 6.1): w".into()));
        let report = read(&recorded);
        let named = |case: &&TestCase| {
            case.properties.iter().any(|p| p.name.as_str() == "known-fault" && p.value.as_str() == "wrong-page")
        };
        let found: Vec<_> = report.test_suites[0].test_cases.iter().filter(named).collect();
        let [TestCase { status: TestCaseStatus::Skipped { message, .. }, .. }] = found[..] else { panic!("{found:?}") };
        assert!(
            message.as_ref().is_some_and(|text| text.as_str().contains("(known fault wrong-page (kernels 6.1): w)"))
        );
    }

    #[test]
    fn the_totals_are_those_of_what_follows() {
        let mut recorded = sample::recorded();
        recorded.open = vec!["fd.size.drm-a".into()];
        recorded.missing.push(Missing { what: "endpoint".into(), name: "x".into(), outcome: Outcome::Missing });
        let report = read(&recorded);
        let suite = &report.test_suites[0];
        let count = |kind: NonSuccessKind| {
            let of =
                |status: &TestCaseStatus| matches!(status, TestCaseStatus::NonSuccess { kind: of, .. } if *of == kind);
            suite.test_cases.iter().filter(|case| of(&case.status)).count()
        };
        assert_eq!((suite.tests, suite.skipped), (suite.test_cases.len(), 3));
        assert_eq!((suite.failures, suite.errors), (count(NonSuccessKind::Failure), count(NonSuccessKind::Error)));
        assert_eq!((suite.tests, suite.failures, suite.errors), (7, 2, 1));
        assert_eq!((report.tests, report.failures, report.errors), (7, 2, 1));
    }

    #[test]
    fn what_xml_has_no_place_for_is_left_out() {
        let mut recorded = sample::recorded();
        recorded.cells[3].findings[0].seen = "a\u{1}b \u{1b}[31mred\u{1b}[0m <&> \u{ffff}".into();
        let text = text(&recorded);
        assert!(text.contains("regression: ab red &lt;&amp;&gt;"), "{text}");
        read(&recorded);
    }
}
