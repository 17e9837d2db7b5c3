//! KTAP, version 1: `Documentation/dev-tools/ktap.rst`.

use std::fmt::Write;

use document::verdict::{Outcome, Verdict};

use super::{failure, unwanted};
use crate::event::CellEnd;
use crate::journal::Recorded;

/// One line a cell; a cell that was open when the run was cut short is not ok.
pub fn text(recorded: &Recorded) -> String {
    let mut text = format!("KTAP version 1\n1..{}\n", recorded.run.cells.max(recorded.cells.len()));
    for (number, cell) in recorded.cells.iter().enumerate() {
        let _ = writeln!(text, "{} {} {}{}", result(cell), number + 1, cell.id, directive(cell));
        if cell.verdict != Verdict::Pass {
            for line in failure::text(cell, recorded.run.board.as_deref()).lines() {
                let _ = writeln!(text, "# {line}");
            }
        }
    }
    if let Some(open) = &recorded.open {
        let _ = writeln!(text, "not ok {} {open} # ERROR the run was cut short in this cell", recorded.cells.len() + 1);
    }
    text
}

fn result(cell: &CellEnd) -> &'static str {
    if cell.verdict == Verdict::Pass || !cell.verdict.broken() && !unwanted(cell.outcome) { "ok" } else { "not ok" }
}

/// A result that is not `ok` though the run is as expected is XFAIL; what was not verified is SKIP.
fn directive(cell: &CellEnd) -> String {
    let one_line = |text: &str| text.trim().replace(['\n', '\r'], " ");
    let reason = one_line(cell.reason.as_deref().unwrap_or(""));
    let seen = cell.findings.iter().find(|finding| finding.verdict == cell.verdict).map_or("", |finding| &finding.seen);
    let seen = one_line(seen);
    match cell.verdict {
        Verdict::Pass if cell.outcome == Outcome::UnexpectedPass => " # unexpected pass".into(),
        Verdict::Pass => String::new(),
        Verdict::Refused | Verdict::NotObservable | Verdict::Blocked => format!(" # SKIP {}: {seen}", cell.verdict),
        Verdict::Timeout if unwanted(cell.outcome) => " # TIMEOUT".into(),
        Verdict::Error => " # ERROR".into(),
        _ if !unwanted(cell.outcome) => format!(" # XFAIL {reason}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn what_was_not_verified_is_a_skip_and_the_known_is_an_xfail() {
        let text = text(&sample::recorded());
        assert!(text.starts_with("KTAP version 1\n1..5\nok 1 mapping.whole.drm-a\n"), "{text}");
        assert!(text.contains("not ok 2 mapping.at-offset.drm-a # XFAIL known since 5.0\n"), "{text}");
        assert!(text.contains("ok 3 leaks.import.drm-a.drm-b # SKIP refused: "), "{text}");
        assert!(text.contains("not ok 4 leaks.import.drm-b.drm-a\n# crash"), "{text}");
    }

    #[test]
    fn an_open_cell_is_not_ok() {
        let mut recorded = sample::recorded();
        recorded.open = Some("fd.size.drm-a".into());
        assert!(text(&recorded).contains("not ok 6 fd.size.drm-a # ERROR"));
    }

    #[test]
    fn what_was_seen_stays_on_its_line() {
        let mut recorded = sample::recorded();
        for cell in &mut recorded.cells {
            cell.findings.iter_mut().for_each(|finding| finding.seen = "one\ntwo\r\nthree".into());
        }
        let text = text(&recorded);
        assert!(text.contains(" # SKIP refused: one two  three\n"), "{text}");
    }
}
