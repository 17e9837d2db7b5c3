//! KTAP, version 1: `Documentation/dev-tools/ktap.rst`.

use std::fmt::Write as _;
use std::io::{self, Write};

use spec::verdict::Verdict;

use super::{CellByCell, failure, words};
use event::CellEnd;
use event::journal::{Head, Recorded};

/// Writes a line a cell, as they come.
pub struct Ktap<W> {
    out: W,
    board: Option<String>,
    number: usize,
}

impl<W: Write> Ktap<W> {
    /// Writes the plan, for this many cells that have ended.
    ///
    /// # Errors
    /// Of the writer.
    pub fn begin(mut out: W, head: &Head, cells: usize) -> io::Result<Self> {
        out.write_all(plan(head.run.cells.max(cells)).as_bytes())?;
        Ok(Self { out, board: head.run.emulated().map(str::to_owned), number: 0 })
    }
}

impl<W: Write> CellByCell for Ktap<W> {
    fn cell(&mut self, cell: &CellEnd) -> io::Result<()> {
        self.number += 1;
        self.out.write_all(lines(self.number, cell, self.board.as_deref()).as_bytes())
    }

    /// A cell that was open when the run was cut short is not ok.
    fn end(mut self, head: &Head) -> io::Result<()> {
        for (number, open) in (self.number + 1..).zip(&head.open) {
            writeln!(self.out, "not ok {number} {open} # ERROR the run was cut short in this cell")?;
        }
        for trouble in &head.troubles {
            for line in super::summary::trouble(trouble).lines() {
                writeln!(self.out, "# {line}")?;
            }
        }
        self.out.flush()
    }
}

/// The whole of a run that is in memory.
pub fn text(recorded: &Recorded) -> String {
    super::in_memory(|out| Ktap::begin(out, recorded, recorded.cells.len())?.whole(recorded))
}

/// The first lines.
pub fn plan(cells: usize) -> String {
    format!("KTAP version 1\n1..{cells}\n")
}

/// The line of a cell, the `number`th from 1, with what there is to say of it.
pub fn lines(number: usize, cell: &CellEnd, board: Option<&str>) -> String {
    let words = words::of(cell.verdict, cell.outcome);
    let mut text = format!("{} {number} {}{}\n", words.ktap, cell.id, directive(cell));
    if cell.verdict != Verdict::Pass {
        for line in failure::text(cell, board).lines() {
            let _ = writeln!(text, "# {line}");
        }
    }
    text
}

/// Behind `#`, with why.
fn directive(cell: &CellEnd) -> String {
    let one_line = |text: &str| text.trim().replace(['\n', '\r'], " ");
    let seen = cell.findings.iter().find(|finding| finding.verdict == cell.verdict).map_or("", |finding| &finding.seen);
    let reason = cell.reason.as_deref().unwrap_or_default();
    match (words::of(cell.verdict, cell.outcome).directive, cell.verdict) {
        (None, Verdict::Pass) if cell.outcome.unwanted() => " # unexpected pass".into(),
        (None, _) => String::new(),
        (Some("SKIP"), verdict) => format!(" # SKIP {verdict}: {}", one_line(seen)),
        (Some("XFAIL"), _) => format!(" # XFAIL {}", one_line(reason)),
        (Some(directive), _) => format!(" # {directive}"),
    }
}

#[cfg(test)]
mod tests {
    use spec::verdict::Outcome;

    use super::*;
    use event::sample;

    #[test]
    fn what_was_not_verified_is_a_skip_and_the_known_is_an_xfail() {
        let text = text(&sample::recorded());
        assert!(text.starts_with("KTAP version 1\n1..5\nok 1 mapping.whole.drm-a\n"), "{text}");
        assert!(text.contains("not ok 2 mapping.at-offset.drm-a # XFAIL known since 5.0\n"), "{text}");
        assert!(text.contains("ok 3 leaks.import.drm-a.drm-b # SKIP refused: "), "{text}");
        assert!(text.contains("not ok 4 leaks.import.drm-b.drm-a\n# crash"), "{text}");
    }

    #[test]
    fn a_refusal_that_is_new_is_no_skip() {
        let cell = sample::cell("leaks.import.drm-a.drm-b", Verdict::Refused, Outcome::Regression);
        assert!(lines(1, &cell, None).starts_with("not ok 1 leaks.import.drm-a.drm-b\n"), "{}", lines(1, &cell, None));
        let cell = sample::cell("fd.size.drm-a", Verdict::Pass, Outcome::UnexpectedPass);
        assert_eq!(lines(2, &cell, None), "not ok 2 fd.size.drm-a # unexpected pass\n");
    }

    #[test]
    fn an_open_cell_is_not_ok() {
        let mut recorded = sample::recorded();
        recorded.open = vec!["fd.size.drm-a".into()];
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
