//! What a run shows and the board file does not expect, written into the board file with a reason.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use spec::board::{Board, Expect};
use spec::verdict::{Outcome, Verdict};

use event::journal::Recorded;
use event::{CellEnd, Oracle};

/// Differences that cannot be written into a board file.
#[derive(Debug, thiserror::Error)]
pub enum BlessError {
    /// No one has said why.
    #[error(
        "nothing is written without a reason; these cells differ from the board file:\n{cells}Give the reason for them, \
         or for those that a filter names, with --reason TEXT"
    )]
    NoReason {
        /// The cells, a line each.
        cells: String,
    },
    /// The suite's own fault is never as it should be.
    #[error("{id} ended in 'error', which is a fault of prime-cts and not of the board: report it")]
    Error {
        /// Which cell.
        id: String,
    },
    /// The file is not laid out as those of fixtures/boards are.
    #[error("{path} has no line '  cells:' below 'expect:' after which to add the new entries; add one")]
    Layout {
        /// Which file.
        path: String,
    },
    /// The file would say something else than what is to be blessed.
    #[error("{path} cannot be written so that it expects {id} as it was: {why}")]
    Unheard {
        /// Which file.
        path: String,
        /// Which cell.
        id: String,
        /// The cause.
        why: String,
    },
}

/// The cells that were not as expected, and that match one of the filters, or any without one. Without those that an entry
/// of the board file's `cells` expects by now; with those that it does not expect of a run that was compared with no board
/// file, which takes a refusal for granted.
pub fn differences<'a>(recorded: &'a Recorded, filter: &[String], expect: &Expect) -> Vec<&'a CellEnd> {
    let wanted = |id: &str| filter.is_empty() || filter.iter().any(|text| id.contains(text.as_str()));
    let differs = |outcome| matches!(outcome, Outcome::Regression | Outcome::UnexpectedPass);
    let compared = recorded.run.board.is_some();
    let now = |cell: &CellEnd| {
        let seen: Vec<&str> = seen(cell).collect();
        let refused = cell.findings.iter().any(|finding| finding.oracle == Oracle::Refusal);
        let (outcome, _) = if differs(cell.outcome) {
            expect.by_cells(&cell.id, cell.verdict, &seen).unwrap_or((cell.outcome, None))
        } else if compared || !cell.known.is_empty() {
            (cell.outcome, None)
        } else {
            expect.outcome(&cell.id, cell.verdict, refused, &seen)
        };
        outcome
    };
    recorded.cells.iter().filter(|cell| wanted(&cell.id) && differs(now(cell))).collect()
}

/// The first of the filters that no cell of the run matches.
pub fn unmatched<'a>(recorded: &Recorded, filter: &'a [String]) -> Option<&'a str> {
    let matched = |text: &str| recorded.cells.iter().any(|cell| cell.id.contains(text));
    filter.iter().map(String::as_str).find(|text| !matched(text))
}

/// The board file's text with entries for these cells, before all others: the first that matches counts.
///
/// # Errors
/// See [`BlessError`].
pub fn blessed(path: &Path, text: &str, cells: &[&CellEnd], reason: Option<&str>) -> Result<String, BlessError> {
    if let Some(cell) = cells.iter().find(|cell| cell.verdict == Verdict::Error) {
        return Err(BlessError::Error { id: cell.id.clone() });
    }
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty()).ok_or_else(|| {
        let lines = cells.iter().map(|cell| format!("{} ({})\n", cell.id, cell.verdict));
        BlessError::NoReason { cells: lines.collect() }
    })?;
    let name = path.display().to_string();
    let text = &with_expect(text);
    let at = behind_cells(text).ok_or_else(|| BlessError::Layout { path: name.clone() })?;
    let (before, after) = text.split_at(at);
    let written = format!("{before}{}{after}", entries(cells, reason));
    let unheard = |id: &str, why: String| BlessError::Unheard { path: name.clone(), id: id.to_owned(), why };
    let first = cells.first().map_or("", |cell| &cell.id);
    let board = Board::parse(path, &written).map_err(|error| unheard(first, error.to_string()))?;
    for cell in cells {
        let seen: Vec<&str> = seen(cell).collect();
        let (outcome, _) = board.expect.outcome(&cell.id, cell.verdict, false, &seen);
        if outcome != Outcome::Expected {
            return Err(unheard(&cell.id, format!("it would be '{}'", outcome.word())));
        }
    }
    Ok(written)
}

/// The text with a place for entries, where nothing is expected of the board yet.
pub fn with_expect(text: &str) -> String {
    let expects = text.starts_with("expect:") || text.contains("\nexpect:");
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    if expects { text.to_owned() } else { format!("{text}{end}expect:\n  cells:\n") }
}

/// Behind the line `  cells:` of `expect:`.
pub fn behind_cells(text: &str) -> Option<usize> {
    let expect = if text.starts_with("expect:") { 0 } else { text.find("\nexpect:")? + 1 };
    let block = &text[expect..];
    let inside = |line: &&str| line.starts_with([' ', '#', '\n', '\r']);
    let mut at = expect + block.split_inclusive('\n').next()?.len();
    for line in text[at..].split_inclusive('\n').take_while(inside) {
        at += line.len();
        if line.trim_end() == "  cells:" {
            return Some(at);
        }
    }
    None
}

fn seen(cell: &CellEnd) -> impl Iterator<Item = &str> {
    cell.findings.iter().filter(|finding| finding.verdict == cell.verdict).map(|finding| finding.seen.as_str())
}

/// One entry for all cells of a verdict that show the same.
fn entries(cells: &[&CellEnd], reason: &str) -> String {
    let mut groups: BTreeMap<(Verdict, Vec<&str>), Vec<&str>> = BTreeMap::new();
    for cell in cells {
        let mut texts: Vec<&str> = if cell.verdict.broken() { seen(cell).collect() } else { Vec::new() };
        texts.sort_unstable();
        texts.dedup();
        groups.entry((cell.verdict, texts)).or_default().push(&cell.id);
    }
    let mut text = String::new();
    for ((verdict, texts), ids) in groups {
        text += "    - ids:\n";
        ids.iter().for_each(|id| _ = writeln!(text, "        - {id}"));
        _ = writeln!(text, "      verdict: [{}]", verdict.word());
        if !texts.is_empty() {
            text += "      seen:\n";
            texts.iter().for_each(|seen| _ = writeln!(text, "        - {}", quoted(seen)));
        }
        _ = writeln!(text, "      reason: {}", quoted(reason));
    }
    text
}

/// A JSON string is one of YAML's.
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::sample;

    const BOARD: &str = "name: b\ndescription: d\narchitecture: x86_64\nexpect:\n  endpoints: [drm-a]\n  # Known.\n  cells:\n    \
        - ids: [mapping.**]\n      verdict: [fail]\n      reason: known\n";

    fn bless(board: &str, reason: Option<&str>) -> Result<String, BlessError> {
        let recorded = sample::recorded();
        let cells: Vec<&CellEnd> = differences(&recorded, &[], &Expect::default())
            .into_iter()
            .filter(|cell| cell.verdict != Verdict::Error)
            .collect();
        assert!(!cells.is_empty());
        blessed(Path::new("b.yaml"), board, &cells, reason)
    }

    #[test]
    fn what_is_blessed_is_expected_afterwards_and_the_rest_of_the_file_stays() {
        let written = bless(BOARD, Some("A \"known\" fault: see there.")).unwrap();
        let board = Board::parse(Path::new("b.yaml"), &written).unwrap();
        let recorded = sample::recorded();
        for cell in
            differences(&recorded, &[], &Expect::default()).into_iter().filter(|cell| cell.verdict != Verdict::Error)
        {
            let seen: Vec<&str> = seen(cell).collect();
            let (outcome, reason) = board.expect.outcome(&cell.id, cell.verdict, false, &seen);
            assert_eq!((outcome, reason), (Outcome::Expected, Some("A \"known\" fault: see there.")));
            let other = board.expect.outcome(&cell.id, cell.verdict, false, &["something else"]).0;
            assert_eq!(other, if cell.verdict.broken() { Outcome::Regression } else { Outcome::Expected });
        }
        let kept: Vec<&str> = BOARD.lines().filter(|line| !written.lines().any(|other| other == *line)).collect();
        assert!(kept.is_empty(), "{kept:?} are gone from\n{written}");
    }

    #[test]
    fn a_board_of_which_nothing_is_expected_yet_gets_its_first_entries() {
        for new in ["name: b\ndescription: d\narchitecture: x86_64\n", "name: b\ndescription: d\narchitecture: x86_64"]
        {
            let written = bless(new, Some("why")).unwrap();
            assert!(
                written.starts_with(new.trim_end()) && written.contains("\nexpect:\n  cells:\n    - ids:"),
                "{written}"
            );
        }
    }

    #[test]
    fn nothing_is_blessed_without_a_reason() {
        for reason in [None, Some(""), Some("  \n")] {
            let error = bless(BOARD, reason).unwrap_err().to_string();
            assert!(error.contains("--reason TEXT"), "{error}");
        }
    }

    #[test]
    fn a_fault_of_the_suite_is_never_blessed() {
        let mut recorded = sample::recorded();
        recorded.cells[0].verdict = Verdict::Error;
        let error = blessed(Path::new("b.yaml"), BOARD, &[&recorded.cells[0]], Some("why")).unwrap_err();
        assert!(matches!(error, BlessError::Error { .. }), "{error}");
    }

    #[test]
    fn a_file_without_a_place_for_it_says_so() {
        for board in ["expect:\n  endpoints: [a]\narguments: [x]\n", "expect: {}\ncells:\n  cells:\n"] {
            assert!(matches!(bless(board, Some("why")), Err(BlessError::Layout { .. })), "{board}");
        }
    }
}
