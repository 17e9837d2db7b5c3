//! JUnit XML, as `quick-junit` writes it: a suite an area, a case a cell.

use std::collections::BTreeMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{failure, words};
use crate::event::CellEnd;
use crate::journal::Recorded;

/// The XML of a run.
///
/// # Errors
/// Text that XML cannot hold.
pub fn text(recorded: &Recorded) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("prime-cts");
    let mut areas: BTreeMap<String, TestSuite> = BTreeMap::new();
    let mut add = |id: &str, case: TestCase| {
        let area = id.split('.').next().unwrap_or(id).to_owned();
        areas.entry(area.clone()).or_insert_with(|| TestSuite::new(area)).add_test_case(case);
    };
    for cell in &recorded.cells {
        add(&cell.id, test_case(cell, recorded.run.board.as_deref()));
    }
    for open in &recorded.open {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message("the run was cut short in this cell");
        add(open, TestCase::new(open.clone(), status));
    }
    for missing in &recorded.missing {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message("the board file expects it, and it was not there");
        add("board", TestCase::new(format!("{} {}", missing.what, missing.name), status));
    }
    report.add_test_suites(areas.into_values());
    report.to_string()
}

fn test_case(cell: &CellEnd, board: Option<&str>) -> TestCase {
    let seen = cell.findings.iter().find(|finding| finding.verdict == cell.verdict).map_or("", |finding| &finding.seen);
    let element = words::of(cell.verdict, cell.outcome).junit;
    let status = if let Some(element @ ("failure" | "error")) = element {
        let kind = if element == "error" { NonSuccessKind::Error } else { NonSuccessKind::Failure };
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(cell.verdict.word()).set_message(format!("{}: {seen}", cell.outcome));
        status.set_description(failure::text(cell, board));
        status
    } else if element.is_none() {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::skipped();
        let reason = cell.reason.as_deref().map_or(String::new(), |reason| format!(" ({})", reason.trim()));
        status.set_type(cell.verdict.word()).set_message(format!("{}: {seen}{reason}", cell.verdict));
        status
    };
    let mut case = TestCase::new(cell.id.clone(), status);
    case.set_classname(cell.case.clone()).set_time(Duration::from_millis(cell.ms));
    case.add_property(("verdict", cell.verdict.word()));
    case.add_property(("outcome", cell.outcome.word()));
    for found in &cell.map_dma_buf {
        case.add_property(("map_dma_buf", found.symbol.as_deref().unwrap_or(&found.exp_name)));
    }
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn only_the_unwanted_is_a_failure() {
        let text = text(&sample::recorded()).unwrap();
        assert_eq!(text.matches("<failure").count(), 1, "{text}");
        assert_eq!(text.matches("<skipped").count(), 3, "{text}");
        assert!(text.contains("a line &amp; more"), "{text}");
        assert!(text.contains(r#"<property name="map_dma_buf" value="drm_gem_map_dma_buf"/>"#), "{text}");
    }

    #[test]
    fn an_open_cell_is_an_error() {
        let mut recorded = sample::recorded();
        recorded.open = vec!["fd.size.drm-a".into()];
        assert!(text(&recorded).unwrap().contains("<error"));
    }
}
