//! A failure for a person: what was expected, what was seen, the rule, whose fault, and how to see it again.

use std::fmt::Write;

use spec::verdict::{Outcome, Verdict};

use super::paint::Paint;
use super::whose;
use event::CellEnd;

/// The command that runs one cell again.
pub fn again(cell: &CellEnd, board: Option<&str>) -> String {
    // What went wrong under load needs the load.
    if cell.id.starts_with("load.") {
        let seed = cell.figures.get("seed").map_or(String::new(), |seed| format!(" --seed {seed}"));
        return format!("prime-cts load{seed}");
    }
    match board {
        Some(board) => format!("ci/board run {board} -- --exact {}", cell.id),
        None => format!("prime-cts run --exact {}", cell.id),
    }
}

/// A cell's findings in full.
pub fn text(cell: &CellEnd, board: Option<&str>) -> String {
    painted(cell, board, Paint::Plain)
}

/// Returns a cell's id, verdict and outcome, on one line.
pub fn title(id: &str, verdict: Verdict, outcome: Outcome, paint: Paint) -> String {
    let word = verdict.to_string();
    let word = if outcome.unwanted() { paint.unexpected(verdict, &word) } else { paint.verdict(verdict, &word) };
    format!("{word}  {id} ({outcome})")
}

/// A cell's findings in full, with colours.
pub fn painted(cell: &CellEnd, board: Option<&str>, paint: Paint) -> String {
    with_cause(cell, board, paint, None)
}

/// The same as a part of a run that has found the cell's cause: that says whose it is.
pub fn with_cause(cell: &CellEnd, board: Option<&str>, paint: Paint, cause: Option<&str>) -> String {
    let mut text = title(&cell.id, cell.verdict, cell.outcome, paint) + "\n";
    let mut line = |label: &str, words: &str| {
        let _ = writeln!(text, "  {}  {words}", paint.label(&format!("{label:8}")));
    };
    for finding in cell.findings.iter().filter(|finding| finding.verdict != Verdict::Pass) {
        if let Some(step) = &finding.step {
            line("step", step);
        }
        line("expected", &finding.expected);
        line("seen", &finding.seen);
        line("whose", &cause.map_or_else(|| whose::text(finding, cell), str::to_owned));
        finding.lines.iter().for_each(|said| line("", &format!("| {said}")));
    }
    line("rule", &cell.rule);
    line("", &cell.reference);
    if !cell.map_dma_buf.is_empty() {
        line("through", &through(cell));
    }
    if let Some(by) = &cell.damaged_by {
        line("after", &format!("the kernel was damaged before, by {by}: reboot, and run only this cell"));
    }
    if let Some(reason) = &cell.reason {
        line("known", reason.trim());
    }
    line("again", &again(cell, board));
    text
}

/// The map_dma_buf implementations of a cell.
pub fn through(cell: &CellEnd) -> String {
    let names = cell.map_dma_buf.iter().map(|found| {
        let symbol = found.symbol.as_deref().unwrap_or("an unknown map_dma_buf");
        let how = if found.observed { "" } else { ", inferred" };
        format!("{symbol} (exporter \"{}\"{how})", found.exp_name)
    });
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::sample;

    #[test]
    fn what_ran_on_a_damaged_kernel_says_so() {
        let mut cell = sample::cell("mapping.whole.drm-a", Verdict::Crash, Outcome::Regression);
        assert!(!text(&cell, None).contains("damaged"));
        cell.damaged_by = Some("mapping.private.drm-b (B: bad page)".into());
        let after = "  after     the kernel was damaged before, by mapping.private.drm-b (B: bad page): reboot";
        assert!(text(&cell, None).contains(after));
    }

    #[test]
    fn a_failure_tells_all_that_its_reader_needs() {
        let text = text(&sample::cell("mapping.at-offset.drm-a", Verdict::Fail, Outcome::Expected), Some("b"));
        for part in [
            "expected  the pattern of seed 1",
            "seen      byte 8192: saw the bytes of offset 0",
            "whose     the exporter, drm-a",
            "rule      A mapping shows the buffer.",
            "drivers/dma-buf/dma-buf.c",
            "drm_gem_map_dma_buf",
            "known     known since 5.0",
            "again     ci/board run b -- --exact mapping.at-offset.drm-a",
        ] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
    }
}
