//! The causes of a run's failures, for a person.

use std::collections::BTreeMap;
use std::fmt::Write;

use diagnose::matrix::Matrix;
use event::cause::{Acquitted, Cause, Role};
use spec::lines::counted;
use spec::verdict::Verdict;

use crate::paint::Paint;

/// Which cause a cell belongs to, in words: of who is to blame a run says more than the cell.
#[derive(Debug, Default)]
pub struct ByCell(BTreeMap<String, String>);

impl ByCell {
    /// The cells of the causes that no one knew.
    pub fn of(causes: &[Cause]) -> Self {
        let new = (1..).zip(causes.iter().filter(|cause| cause.known.is_empty()));
        let words = |(number, cause): (usize, &Cause)| {
            let others: String = cause.or.iter().map(|other| format!(", or {other}")).collect();
            let words = format!("cause {number}: {}{others} ({})", cause.suspect, cause.sure.words());
            cause.cells.iter().map(move |id| (id.clone(), words.clone())).collect::<Vec<_>>()
        };
        Self(new.flat_map(words).collect())
    }

    /// The cause of a cell.
    pub fn cause(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }
}

/// The command that runs one cell again.
pub fn again(id: &str, board: Option<&str>) -> String {
    match board {
        Some(board) => format!("ci/board run {board} -- --exact {id}"),
        None => format!("prime-cts run --exact {id}"),
    }
}

/// The command that writes one cell as a program in C.
pub fn repro(id: &str) -> String {
    format!("prime-cts repro {id}")
}

/// The causes; known faults of the kernel in a line each. Nothing for a run without failures.
pub fn painted(causes: &[Cause], board: Option<&str>, paint: Paint) -> String {
    let (known, new): (Vec<&Cause>, Vec<&Cause>) = causes.iter().partition(|cause| !cause.known.is_empty());
    let mut text = String::new();
    if !new.is_empty() {
        text += &format!("{}\n", headline(new.len(), known.len()));
    }
    for (number, cause) in (1..).zip(&new) {
        text += &one(number, cause, board, paint);
        text.push('\n');
    }
    text
}

/// Returns how many causes there are, in a line.
fn headline(new: usize, known: usize) -> String {
    let causes = counted(new, "cause");
    match known {
        0 => causes,
        known => format!("{causes}, and {} of this kernel", counted(known, "known fault")),
    }
}

fn one(number: usize, cause: &Cause, board: Option<&str>, paint: Paint) -> String {
    let mut text = format!("{} {}\n", paint.label(&format!("cause {number}:")), cause.suspect);
    let mut line = |label: &str, words: &str| {
        let _ = writeln!(text, "  {}  {words}", paint.label(&format!("{label:8}")));
    };
    if cause.suspect.endpoints.len() > 1 {
        line("", &cause.suspect.endpoints.join(", "));
    }
    if !cause.suspect.also.is_empty() {
        line("", &format!("or what it alone uses here: {}", cause.suspect.also.join(", ")));
    }
    line("breaks", &cause.rule);
    line("seen", &cause.seen);
    if let Some(function) = &cause.function {
        line("in", function);
    }
    line("evidence", &counts(cause));
    for acquitted in cause.evidence.acquitted.iter().take(3) {
        line("", &acquittal(acquitted));
    }
    line("sure", &format!("{}: {}", cause.sure.words(), cause.why));
    for other in &cause.or {
        line("or", &other.to_string());
    }
    line("areas", &cause.areas.join(", "));
    line("smallest", &cause.smallest);
    line("again", &again(&cause.smallest, board));
    line("repro", &repro(&cause.smallest));
    if !cause.decide.is_empty() {
        line("decide", &format!("{} --decide", again(&cause.smallest, board)));
    }
    text
}

/// The counts of the evidence, in a sentence without its full stop.
pub fn counts(cause: &Cause) -> String {
    let evidence = &cause.evidence;
    let role = match cause.suspect.role {
        Role::Exporter => "in which it exports",
        Role::Importer => "in which it imports",
        Role::Either => "in which it takes part",
    };
    let mut text =
        format!("fails in {} of {} {role} and that could show it", evidence.fails, counted(evidence.of, "cell"));
    if evidence.in_other_roles > 0 {
        let _ = write!(text, "; {} more in another role", evidence.in_other_roles);
    }
    text
}

/// One who is acquitted, and by what.
pub fn acquittal(acquitted: &Acquitted) -> String {
    let Acquitted { endpoint, role, passes_with } = acquitted;
    format!("{endpoint}, the {} there, passes the same with {}", role.word(), counted(*passes_with, "other"))
}

/// The known faults of the kernel, in a line each.
pub fn known(causes: &[Cause]) -> String {
    let known = causes.iter().filter(|cause| !cause.known.is_empty());
    let one = |cause: &Cause| {
        let (names, cells) = (cause.known.join(", "), counted(cause.cells.len(), "cell"));
        format!("known fault {names}{} ({cells})\n", titles(cause))
    };
    known.map(one).collect()
}

/// What the pages of a known fault say of it: they know the cause, which the cells of a run can only suggest.
pub fn titles(cause: &Cause) -> String {
    let pages = catalogue::findings::embedded();
    let titles = pages.iter().filter(|page| cause.known.contains(&page.name)).map(|page| page.title.as_str());
    let titles: Vec<&str> = titles.collect();
    if titles.is_empty() { String::new() } else { format!(": {}", titles.join("; ")) }
}

/// The causes that no one knew, in a line each: what a person reads who reads the last lines only.
pub fn in_short(causes: &[Cause]) -> String {
    let new = causes.iter().filter(|cause| cause.known.is_empty());
    let one = |(number, cause): (usize, &Cause)| {
        let failures = counted(cause.cells.len(), "failure");
        format!("cause {number}  {} ({failures}; {})\n", cause.suspect, cause.sure.words())
    };
    (1..).zip(new).map(one).collect()
}

/// The most kinds of cells without a cause that are named.
const KINDS: usize = 8;

/// Cells that are not as expected and no evidence of anyone's guilt: they have no cause, and yet the run has failed.
pub fn undecided(matrix: &Matrix) -> String {
    let all = &matrix.undecided;
    let one = |((verdict, seen), count): (&(Verdict, String), &usize)| {
        let seen = if seen.is_empty() { String::new() } else { format!(": {seen}") };
        format!("no cause for {} not as expected: {}{seen}\n", counted(*count, "cell"), verdict.word())
    };
    let mut text: String = all.iter().take(KINDS).map(one).collect();
    if all.len() > KINDS {
        let rest: usize = all.values().skip(KINDS).sum();
        let _ = writeln!(text, "no cause for {} more", counted(rest, "cell"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gathered::Gathered;
    use event::journal::Recorded;
    use event::{Blame, sample};
    use spec::verdict::{Outcome, Verdict};

    /// An importer that fails with everybody, and another that does not.
    fn run() -> Recorded {
        let keys = ["drm-a", "drm-b", "drm-c"];
        let cell = |exporter: &str, importer: &str| {
            let bad = importer == "drm-b";
            let (verdict, outcome) =
                if bad { (Verdict::Fail, Outcome::Regression) } else { (Verdict::Pass, Outcome::Expected) };
            let mut cell = sample::cell(&format!("leaks.import.{exporter}.{importer}"), verdict, outcome);
            cell.findings.iter_mut().for_each(|finding| finding.blame = Blame::Undecided);
            cell
        };
        let cells = keys.iter().flat_map(|exporter| keys.map(|importer| cell(exporter, importer))).collect();
        Recorded { cells, ..sample::recorded() }
    }

    #[test]
    fn a_cause_has_all_that_a_maintainer_needs() {
        let run = run();
        let text = painted(&Gathered::of(&run).causes(&run), Some("b"), Paint::Plain);
        for part in [
            "1 cause\ncause 1: drm-b, as the importer",
            "breaks    A mapping shows the buffer.",
            "fails in 3 of 3 cells in which it imports and that could show it",
            "drm-a, the exporter there, passes the same with 1 other",
            "smallest  leaks.import.drm-b.drm-b",
            "again     ci/board run b -- --exact leaks.import.drm-b.drm-b",
            "repro     prime-cts repro leaks.import.drm-b.drm-b",
        ] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
    }

    #[test]
    fn known_faults_are_counted_and_not_told_again() {
        let mut run = run();
        run.cells.iter_mut().filter(|cell| cell.verdict == Verdict::Fail).for_each(|cell| {
            (cell.known, cell.outcome) = (vec!["known-one".into()], Outcome::Expected);
        });
        let causes = Gathered::of(&run).causes(&run);
        assert_eq!((causes.len(), &causes[0].known[..]), (1, &["known-one".to_owned()][..]));
        assert_eq!(painted(&causes, None, Paint::Plain) + &in_short(&causes), "");
        assert_eq!(known(&causes), "known fault known-one (3 cells)\n");
        assert_eq!(ByCell::of(&causes).cause("leaks.import.drm-a.drm-b"), None);
    }

    #[test]
    fn of_a_known_fault_its_page_says_what_it_is() {
        let mut run = run();
        run.cells.iter_mut().filter(|cell| cell.verdict == Verdict::Fail).for_each(|cell| {
            (cell.known, cell.outcome) = (vec!["vb2-attach-leak".into()], Outcome::Expected);
        });
        let told = known(&Gathered::of(&run).causes(&run));
        assert_eq!(
            told,
            "known fault vb2-attach-leak: videobuf2 leaks a reference to a dma-buf that it could not attach (3 cells)\n"
        );
    }

    #[test]
    fn cells_that_are_evidence_of_nothing_are_told_as_having_no_cause() {
        let mut run = run();
        for cell in &mut run.cells {
            if cell.verdict == Verdict::Fail {
                (cell.verdict, cell.findings[0].verdict) = (Verdict::NotObservable, Verdict::NotObservable);
                cell.findings[0].seen = "the device writes nothing".into();
            }
        }
        let gathered = Gathered::of(&run);
        assert_eq!(gathered.causes(&run), []);
        let line = "no cause for 3 cells not as expected: not-observable: the device writes nothing\n";
        assert_eq!(gathered.undecided(), line);
        assert!(crate::summary::text(&run).contains(line));
    }

    #[test]
    fn a_cell_is_told_whose_it_is_by_its_cause() {
        let run = run();
        let by_cell = ByCell::of(&Gathered::of(&run).causes(&run));
        assert!(by_cell.cause("leaks.import.drm-a.drm-b").unwrap().starts_with("cause 1: "));
        assert_eq!(by_cell.cause("leaks.import.drm-a.drm-a"), None);
    }
}
