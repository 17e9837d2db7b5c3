//! A failure for a person: what was expected, what was seen, the rule, whose fault, and how to see it again.

use std::fmt::Write;

use document::verdict::Verdict;

use crate::event::{Blame, CellEnd};

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
    let mut text = format!("{}  {} ({})\n", cell.verdict, cell.id, cell.outcome);
    for finding in cell.findings.iter().filter(|finding| finding.verdict != Verdict::Pass) {
        if let Some(step) = &finding.step {
            let _ = writeln!(text, "  step      {step}");
        }
        let _ = writeln!(text, "  expected  {}", finding.expected);
        let _ = writeln!(text, "  seen      {}", finding.seen);
        let _ = writeln!(text, "  whose     {}", whose(finding.blame, cell));
        for line in &finding.lines {
            let _ = writeln!(text, "            | {line}");
        }
    }
    let _ = writeln!(text, "  rule      {}", cell.rule);
    let _ = writeln!(text, "            {}", cell.reference);
    if !cell.map_dma_buf.is_empty() {
        let _ = writeln!(text, "  through   {}", through(cell));
    }
    if let Some(reason) = &cell.reason {
        let _ = writeln!(text, "  known     {}", reason.trim());
    }
    let _ = writeln!(text, "  again     {}", again(cell, board));
    text
}

/// Whose fault it is, in words.
pub fn whose(blame: Blame, cell: &CellEnd) -> String {
    let key = |key: &Option<String>| key.clone().unwrap_or_else(|| "?".into());
    match blame {
        Blame::Exporter => format!("the exporter, {}", key(&cell.exporter)),
        Blame::Importer => format!("the importer, {}", key(&cell.importer)),
        Blame::Undecided => "the exporter, the importer or the core: the evidence does not decide".into(),
        Blame::Kernel => "the kernel, as its log says".into(),
        Blame::Suite => "prime-cts itself".into(),
        Blame::Nobody => "nobody's".into(),
    }
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
    use crate::report::sample;
    use document::verdict::Outcome;

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
