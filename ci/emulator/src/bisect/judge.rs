//! What a run says to `git bisect run` of its kernel: good, bad, or that it cannot be told. The journal alone says it.

use std::fmt;
use std::path::Path;

use event::CellEnd;
use event::journal::Recorded;
use spec::verdict::Verdict;

use crate::error::{Error, Exit, Result};

/// The exit code at which `git bisect run` stops: what is wrong is none of the kernel's.
pub const STOP: u8 = 128;

/// A word of `git bisect`, with its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Word {
    /// Every chosen cell passed.
    Good = 0,
    /// One of them is broken.
    Bad = 1,
    /// `git bisect skip`.
    Unknown = 125,
}

impl Word {
    /// The word for an exit code of `ci/board run --bisect`.
    pub fn of_code(code: i32) -> Option<Self> {
        [Self::Good, Self::Bad, Self::Unknown].into_iter().find(|word| *word as i32 == code)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Unknown => "cannot tell",
        })
    }
}

/// A kernel, judged by a run of the chosen cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What it is.
    pub word: Word,
    /// In a few words.
    pub why: String,
}

impl Judgement {
    fn new(word: Word, why: impl Into<String>) -> Self {
        Self { word, why: why.into() }
    }

    /// Judges a kernel. What a board file or a finding expects does not count: a fault that is known came in somewhere, too.
    pub fn of(recorded: &Recorded) -> Self {
        let cells = &recorded.cells;
        // `error` is the suite's own fault.
        let broken = |cell: &&CellEnd| matches!(cell.verdict, Verdict::Fail | Verdict::Timeout | Verdict::Crash);
        let all: Vec<&CellEnd> = cells.iter().filter(broken).collect();
        if let Some(first) = all.first() {
            let more = if all.len() > 1 { format!("; {} more are broken", all.len() - 1) } else { String::new() };
            return Self::new(Word::Bad, said(first) + &more);
        }
        let why = if recorded.end.is_none() {
            let open =
                if recorded.open.is_empty() { String::new() } else { format!(" in {}", recorded.open.join(", ")) };
            format!("the run was cut short{open}")
        } else if let Some(other) = cells.iter().find(|cell| cell.verdict != Verdict::Pass) {
            said(other)
        } else if cells.is_empty() {
            "no such cell is there".to_owned()
        } else if cells.len() < recorded.run.cells {
            format!("{} of {} cells ended", cells.len(), recorded.run.cells)
        } else if let Some(trouble) = recorded.unwanted().next() {
            format!("every cell passed, but not the machine: {}", trouble.seen)
        } else if let [cell] = &cells[..] {
            return Self::new(Word::Good, format!("{} passes", cell.id));
        } else {
            return Self::new(Word::Good, format!("{} cells pass", cells.len()));
        };
        Self::new(Word::Unknown, why)
    }

    /// Judges a kernel by the results of a run that could be started.
    fn read(results: &Path) -> Self {
        match Recorded::read(&results.join("run.jsonl")) {
            Ok(recorded) => Self::of(&recorded),
            // It ran, and has said on its standard error why there are none.
            Err(_) => Self::new(Word::Unknown, "no such cell is there: there are no results"),
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.word, self.why)
    }
}

/// A cell with its verdict, and what was seen in it.
fn said(cell: &CellEnd) -> String {
    let worst = cell.findings.iter().find(|finding| finding.verdict == cell.verdict);
    let seen =
        worst.map(|finding| format!(": {}", finding.seen.lines().next().unwrap_or_default())).unwrap_or_default();
    format!("{} {}{seen}", cell.id, cell.verdict)
}

/// Says in one line what a run shows, and returns the exit code. `results` are those of the run.
///
/// # Errors
/// For what is no kernel's fault: bad usage, a package to install, results that could not be written, a signal.
pub fn conclude(results: &Path, ran: Result<u8>) -> Result<u8> {
    let judgement = match ran {
        Ok(_) => Judgement::read(results),
        Err(error) if error.exit() != Exit::Board => return Err(error),
        Err(error) => {
            eprintln!("ci/board: {error}");
            Judgement::new(Word::Unknown, not_run(&error))
        }
    };
    println!("bisect: {judgement}");
    Ok(judgement.word as u8)
}

fn not_run(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Returns whether a command line asks for these exit codes, though it may be one that cannot be read.
pub fn is_asked(words: impl IntoIterator<Item = std::ffi::OsString>) -> bool {
    words.into_iter().take_while(|word| word != "--").any(|word| word == "--bisect")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use event::sample::{self, cell};
    use event::{Event, Then, Trouble, TroubleKind};
    use spec::verdict::Outcome;

    use super::*;

    /// A whole run of these cells.
    fn run(cells: &[CellEnd]) -> Recorded {
        let mut recorded = sample::recorded();
        recorded.run.cells = cells.len();
        recorded.cells = cells.to_vec();
        recorded
    }

    fn one(verdict: Verdict, outcome: Outcome) -> Judgement {
        Judgement::of(&run(&[cell("a.a.x", Verdict::Pass, Outcome::Expected), cell("b.b.y", verdict, outcome)]))
    }

    #[test]
    fn a_kernel_on_which_every_cell_passes_is_good_whatever_was_expected_of_it() {
        for outcome in [Outcome::Expected, Outcome::UnexpectedPass] {
            assert_eq!(one(Verdict::Pass, outcome), Judgement::new(Word::Good, "2 cells pass"));
        }
        let missing = event::Missing { what: "endpoint".into(), name: "z".into(), outcome: Outcome::Missing };
        let mut recorded = run(&[cell("a.a.x", Verdict::Pass, Outcome::Expected)]);
        recorded.missing = vec![missing];
        assert_eq!(Judgement::of(&recorded), Judgement::new(Word::Good, "a.a.x passes"));
    }

    #[test]
    fn a_kernel_with_a_broken_cell_is_bad_and_a_known_fault_is_no_excuse() {
        for verdict in [Verdict::Fail, Verdict::Crash, Verdict::Timeout] {
            for outcome in [Outcome::Regression, Outcome::Expected, Outcome::Flake] {
                let judgement = one(verdict, outcome);
                assert_eq!(judgement.word, Word::Bad);
                assert_eq!(judgement.why, format!("b.b.y {verdict}: byte 8192: saw the bytes of offset 0"));
            }
        }
        let mut known = cell("a.a.x", Verdict::Fail, Outcome::Expected);
        known.known = vec!["mapping-at-offset".into()];
        // Neither is a run that was cut short behind it, and the other cells do not hide it.
        let mut recorded = run(&[cell("b.b.y", Verdict::Error, Outcome::Regression), known.clone(), known]);
        recorded.end = None;
        let judgement = Judgement::of(&recorded);
        assert_eq!(judgement.word, Word::Bad);
        assert!(judgement.why.ends_with("; 1 more are broken"), "{judgement}");
    }

    #[test]
    fn a_cell_that_checked_nothing_tells_nothing() {
        for verdict in [Verdict::Refused, Verdict::Blocked, Verdict::NotObservable, Verdict::Error] {
            let judgement = one(verdict, Outcome::Expected);
            assert_eq!(judgement.word, Word::Unknown, "{judgement}");
            assert!(judgement.why.starts_with(&format!("b.b.y {verdict}")), "{judgement}");
        }
    }

    #[test]
    fn a_run_that_is_not_whole_tells_nothing_without_a_broken_cell() {
        let pass = cell("a.a.x", Verdict::Pass, Outcome::Expected);
        let unknown = |recorded: &Recorded, why: &str| {
            assert_eq!(Judgement::of(recorded), Judgement::new(Word::Unknown, why));
        };
        let mut cut = run(std::slice::from_ref(&pass));
        cut.end = None;
        unknown(&cut, "the run was cut short");
        cut.open = vec!["b.b.y".into()];
        unknown(&cut, "the run was cut short in b.b.y");
        unknown(&run(&[]), "no such cell is there");
        let mut stopped = run(std::slice::from_ref(&pass));
        stopped.run.cells = 2;
        unknown(&stopped, "1 of 2 cells ended");
        let mut late = run(&[pass]);
        let (seen, cells, lines) = ("a warning".into(), vec![], vec![]);
        late.troubles = vec![Trouble { what: TroubleKind::Late, seen, cells, then: Then::GoOn, lines }];
        unknown(&late, "every cell passed, but not the machine: a warning");
    }

    #[test]
    fn the_journal_of_a_folder_is_read_and_one_that_is_not_there_tells_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let code = |ran| conclude(folder.path(), ran);
        assert_eq!(code(Ok(2)).unwrap(), 125);
        let events = |events: &[Event]| -> String {
            events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect()
        };
        std::fs::write(folder.path().join("run.jsonl"), events(&sample::events())).unwrap();
        assert_eq!(code(Ok(0)).unwrap(), 1);
    }

    #[test]
    fn a_board_that_does_not_come_up_tells_nothing_and_bad_usage_stops() {
        let folder = tempfile::tempdir().unwrap();
        // Results that are there are not of this run.
        let died = Error::Died { what: "died: panic".into(), tail: String::new(), console: PathBuf::new() };
        assert_eq!(conclude(folder.path(), Err(died)).unwrap(), 125);
        let status = std::os::unix::process::ExitStatusExt::from_raw(512);
        let (program, purpose) = ("make".into(), "build vkms".into());
        let command = Error::Command { program, purpose, status, output: String::new() };
        assert_eq!(conclude(folder.path(), Err(command)).unwrap(), 125);
        let interrupted = Error::Interrupted { results: PathBuf::new() };
        for error in [Error::usage("no such board", "another"), interrupted] {
            assert!(conclude(folder.path(), Err(error)).is_err());
        }
    }

    #[test]
    fn the_exit_codes_are_asked_for_before_the_arguments_of_the_program() {
        let asked = |line: &str| is_asked(line.split(' ').map(Into::into));
        assert!(asked("run x --bisect -- a") && asked("run --nonsense --bisect"));
        assert!(!asked("run x -- --bisect") && !asked("bisect x a"));
        assert_eq!([0, 1, 125].map(|code| Word::of_code(code).unwrap() as i32), [0, 1, 125]);
        assert_eq!(Word::of_code(2), None);
    }
}
