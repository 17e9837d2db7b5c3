//! The causes of a run's failures, for a person.

use std::collections::BTreeMap;
use std::fmt::Write;

use event::cause::{Acquitted, Cause, Role};
use spec::lines::counted;

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
        line(
            "decide",
            &format!(
                "prime-cts run {}",
                cause.decide.iter().map(|id| format!("--exact {id}")).collect::<Vec<_>>().join(" ")
            ),
        );
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

/// The causes that no one knew, in a line each: what a person reads who reads the last lines only.
pub fn in_short(causes: &[Cause]) -> String {
    let new = causes.iter().filter(|cause| cause.known.is_empty());
    let one = |(number, cause): (usize, &Cause)| {
        let failures = counted(cause.cells.len(), "failure");
        format!("cause {number}  {} ({failures}; {})\n", cause.suspect, cause.sure.words())
    };
    (1..).zip(new).map(one).collect()
}
