//! The lists that the kernel's `drivers/gpu/drm/ci` keeps for a board, `<board>-fails.txt`, `-flakes.txt` and
//! `-skips.txt` (the format of deqp-runner): written from a board file and a run, and read into a board file.

use std::fmt::Write;

use spec::board::Board;
use spec::verdict::{Outcome, Verdict};

use crate::bless::{behind_cells, quoted, with_expect};
use event::journal::Recorded;

/// Three files, in the order of [`NAMES`].
pub type Lists = [String; 3];

/// The endings of their names.
pub const NAMES: [&str; 3] = ["fails.txt", "flakes.txt", "skips.txt"];

/// A list that a board file cannot hold.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// A line that does not belong to such a list.
    #[error("{file}:{line}: '{text}': {why}")]
    Line {
        /// Which list.
        file: String,
        /// Which line, from 1.
        line: usize,
        /// Its text.
        text: String,
        /// The fault.
        why: &'static str,
    },
    /// No one says why.
    #[error("{file}:{line}: '{text}' has no reason; add a comment above it or pass --reason TEXT")]
    NoReason {
        /// Which list.
        file: String,
        /// Which line, from 1.
        line: usize,
        /// Its text.
        text: String,
    },
    /// The file is not laid out as those of fixtures/boards are.
    #[error("{0}")]
    Layout(String),
}

/// The words of deqp-runner for verdicts.
const STATUS: [(Verdict, &str); 3] =
    [(Verdict::Fail, "Fail"), (Verdict::Crash, "Crash"), (Verdict::Timeout, "Timeout")];

/// The lists of a board, as a run has found it: only a run shows which cells fail as expected.
pub fn export(board: &Board, recorded: &Recorded) -> Lists {
    let mut fails = String::new();
    let mut said = None;
    for cell in recorded.cells.iter().filter(|cell| cell.outcome == Outcome::Expected) {
        let Some((_, status)) = STATUS.iter().find(|(verdict, _)| *verdict == cell.verdict) else { continue };
        if said != cell.reason.as_deref() {
            said = cell.reason.as_deref();
            _ = writeln!(fails, "# {}", one_line(said.unwrap_or_default()));
        }
        _ = writeln!(fails, "{},{status}", cell.id);
    }
    let mut flakes = String::new();
    for entry in board.expect.cells.iter().filter(|entry| entry.verdict.len() > 1) {
        _ = writeln!(flakes, "# Board Name: {}", board.name);
        _ = writeln!(flakes, "# Bug Report: {}", entry.link.as_deref().unwrap_or("none"));
        // Neither the board file nor one run knows it.
        flakes += "# Failure Rate: not measured\n";
        _ = writeln!(flakes, "# IGT Version: prime-cts {}", recorded.run.program);
        _ = writeln!(flakes, "# Linux Version: {}", recorded.run.kernel);
        _ = writeln!(flakes, "# {}", one_line(&entry.reason));
        entry.ids.iter().for_each(|glob| _ = writeln!(flakes, "{}", regex(&glob.to_string())));
    }
    let words = board.arguments.windows(2).filter(|words| words[0] == "--skip");
    let skips = words.map(|words| format!("{}\n", escaped(&words[1]))).collect();
    [fails, flakes, skips]
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A regular expression for a pattern of ours.
fn regex(glob: &str) -> String {
    let marked = glob.replace("**", "\u{1}").replace('*', "\u{2}");
    format!("^{}$", escaped(&marked).replace('\u{1}', ".*").replace('\u{2}', "[^.]*"))
}

fn escaped(text: &str) -> String {
    let special = |character: char| r"\.+*?()|[]{}^$#&-~".contains(character) && character != '-';
    text.chars().flat_map(|character| special(character).then_some('\\').into_iter().chain([character])).collect()
}

/// The pattern of ours for a regular expression, which matches anywhere where it has no anchors. Nothing where ours
/// cannot say it.
fn glob(regex: &str) -> Option<String> {
    let (begin, rest) = regex.strip_prefix('^').map_or(("**", regex), |rest| ("", rest));
    let (end, rest) = rest.strip_suffix('$').map_or(("**", rest), |rest| ("", rest));
    let mut text = begin.to_owned();
    let mut left = rest;
    while let Some(character) = left.chars().next() {
        if let Some(behind) = left.strip_prefix(".*") {
            (text, left) = (text + "**", behind);
        } else if let Some(behind) = left.strip_prefix("[^.]*") {
            (text, left) = (text + "*", behind);
        } else if character == '\\' {
            let escaped = left[1..].chars().next().filter(|escaped| !escaped.is_ascii_alphanumeric())?;
            text.push(escaped);
            left = &left[1 + escaped.len_utf8()..];
        } else if r".+*?()|[]{}^$".contains(character) {
            return None;
        } else {
            text.push(character);
            left = &left[character.len_utf8()..];
        }
    }
    let text = text + end;
    // Two stars in a row would be three or four.
    Some(if text.contains("***") { text.replace("****", "**") } else { text })
}

/// A board file's text with what lists say, before all that it has. `named` gives the file names for errors, `reason` is
/// for lines without a comment above them.
///
/// # Errors
/// See [`ListError`].
pub fn import(board: &str, lists: &Lists, named: &[String; 3], reason: Option<&str>) -> Result<String, ListError> {
    let mut entries = String::new();
    for (text, name) in lists.iter().zip(named).take(2) {
        let flaky = name == &named[1];
        for Line { number, text, comment } in lines(text) {
            let fail = |why| ListError::Line { file: name.clone(), line: number, text: text.to_owned(), why };
            let none = || ListError::NoReason { file: name.clone(), line: number, text: text.to_owned() };
            let reason = comment.as_deref().or(reason).filter(|reason| !reason.trim().is_empty()).ok_or_else(none)?;
            let (ids, verdict) = if flaky {
                (glob(text).ok_or_else(|| fail("a board file has only '*' and '**' for what may vary"))?, "pass, fail")
            } else {
                let (id, status) = text.split_once(',').ok_or_else(|| fail("it is not TEST,STATUS"))?;
                let known = STATUS.iter().find(|(_, word)| *word == status);
                let (verdict, _) = known.ok_or_else(|| fail("the statuses are Fail, Crash and Timeout"))?;
                (id.to_owned(), verdict.word())
            };
            _ = write!(
                entries,
                "    - ids: [{}]\n      verdict: [{verdict}]\n      reason: {}\n",
                quoted(&ids),
                quoted(reason)
            );
        }
    }
    let mut text = board.to_owned();
    if !entries.is_empty() {
        text = with_expect(board);
        let layout = || ListError::Layout("the board file has no line '  cells:' below 'expect:'; add one".into());
        text.insert_str(behind_cells(&text).ok_or_else(layout)?, &entries);
    }
    let skips: Vec<String> = lines(&lists[2]).map(|line| skip(&line, &named[2])).collect::<Result<_, _>>()?;
    if skips.is_empty() {
        return Ok(text);
    }
    let words = skips.iter().map(|skip| format!("--skip, {}", quoted(skip))).collect::<Vec<_>>().join(", ");
    if text.lines().any(|line| line.starts_with("arguments:")) {
        return Err(ListError::Layout(format!("the board file has arguments already; add these to them: {words}")));
    }
    let at = text.find("\nexpect:").map_or(0, |at| at + 1);
    text.insert_str(at, &format!("arguments: [{words}]\n"));
    Ok(text)
}

/// The text that `--skip` takes for a regular expression without anything that varies.
fn skip(line: &Line<'_>, name: &str) -> Result<String, ListError> {
    let text = glob(line.text).map(|glob| glob.trim_matches('*').to_owned()).filter(|text| !text.contains('*'));
    let why = "--skip takes a text that ids contain, and nothing that varies";
    text.ok_or_else(|| ListError::Line { file: name.into(), line: line.number, text: line.text.into(), why })
}

/// A line of a list, and what the comment above it says.
struct Line<'a> {
    number: usize,
    text: &'a str,
    comment: Option<String>,
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut comment: Option<String> = None;
    let mut above = false;
    text.lines().enumerate().filter_map(move |(number, line)| {
        let line = line.trim();
        if let Some(said) = line.strip_prefix('#') {
            let said = said.trim();
            // The header of a flake says where and how often, and no why.
            let header = said.split_once(':').is_some_and(|(key, _)| HEADER.contains(&key));
            comment = if header || !above { None } else { comment.take() };
            if !header && !said.is_empty() {
                comment = Some(comment.take().map_or(said.to_owned(), |before| format!("{before} {said}")));
            }
            above = true;
            return None;
        }
        above = false;
        if line.is_empty() {
            comment = None;
            return None;
        }
        Some(Line { number: number + 1, text: line, comment: comment.clone() })
    })
}

const HEADER: [&str; 5] = ["Board Name", "Bug Report", "Failure Rate", "IGT Version", "Linux Version"];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use event::sample;

    const BARE: &str = "name: b\ndescription: d\narchitecture: x86_64\nexpect:\n  cells:\n";

    fn names() -> [String; 3] {
        NAMES.map(|name| format!("b-{name}"))
    }

    fn board(text: &str) -> Board {
        Board::parse(Path::new("b.yaml"), text).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = "name: b\ndescription: d\narchitecture: x86_64\narguments: [--skip, kms.x, --tag, quick]\nexpect:\n  cells:\n    \
            - {ids: [a.*.c, a.**], verdict: [pass, fail], reason: now and then, link: 'https://bug/1'}\n";
        let mut recorded = sample::recorded();
        for cell in &mut recorded.cells {
            (cell.outcome, cell.reason) = (Outcome::Expected, Some("as it\n is".into()));
        }
        let lists = export(&board(text), &recorded);
        assert!(
            lists[1].contains("# Bug Report: https://bug/1\n") && lists[1].contains("\n^a\\.[^.]*\\.c$\n^a\\..*$\n")
        );
        assert_eq!(lists[2], "kms\\.x\n");
        let read = board(&import(BARE, &lists, &names(), None).unwrap());
        assert_eq!(read.arguments, ["--skip", "kms.x"]);
        let failing: Vec<_> = recorded.cells.iter().filter(|cell| cell.verdict.broken()).collect();
        assert!(!failing.is_empty());
        for cell in failing.iter().filter(|cell| cell.verdict != Verdict::Error) {
            assert_eq!(read.expect.outcome(&cell.id, cell.verdict, false, &[]), (Outcome::Expected, Some("as it is")));
        }
        assert_eq!(read.expect.outcome("a.b.c.d", Verdict::Fail, false, &[]), (Outcome::Flake, Some("now and then")));
    }

    #[test]
    fn what_a_board_file_cannot_say_is_told_with_its_line() {
        let of = |fails: &str, flakes: &str, skips: &str, board: &str| {
            let lists = [fails, flakes, skips].map(str::to_owned);
            import(board, &lists, &names(), Some("why")).unwrap_err().to_string()
        };
        assert!(of("a.b\n", "", "", BARE).starts_with("b-fails.txt:1: 'a.b': it is not TEST,STATUS"));
        assert!(of("\n# c\na.b,Warn\n", "", "", BARE).starts_with("b-fails.txt:3: 'a.b,Warn': the statuses are"));
        assert!(of("", "a(b|c)\n", "", BARE).starts_with("b-flakes.txt:1: "));
        assert!(of("", "", "a.*b\n", BARE).starts_with("b-skips.txt:1: "));
        let more = format!("arguments: [--tag, quick]\n{BARE}");
        assert!(of("", "", "a\n", &more).contains("add these to them: --skip, \"a\""));
        let lists = ["a.b,Fail\n".to_owned(), String::new(), String::new()];
        let error = import(BARE, &lists, &names(), None).unwrap_err().to_string();
        assert!(error.starts_with("b-fails.txt:1: 'a.b,Fail' has no reason"), "{error}");
    }

    #[test]
    fn a_comment_belongs_to_the_lines_below_it() {
        let text = "# one\n# and more\na,Fail\nb,Fail\n\nc,Fail\n# Linux Version: 6\n# two\nd,Fail\n";
        let comments: Vec<_> = lines(text).map(|line| line.comment.unwrap_or_default()).collect();
        assert_eq!(comments, ["one and more", "one and more", "", "two"]);
    }

    proptest! {
        #[test]
        fn a_pattern_survives_being_a_regular_expression(text in r"[a-z0-9_.\-]{0,12}(\*{1,2}[a-z.]{1,4}){0,3}") {
            prop_assert_eq!(glob(&regex(&text)), Some(text));
        }
    }
}
