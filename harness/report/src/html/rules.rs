//! The rules of a run, each once, with the steps of its case.

use std::collections::BTreeMap;

use maud::{Markup, html};
use spec::case::Case;
use spec::words::{self, Words};

use super::page::Page;
use event::CellEnd;
use event::journal::Recorded;

/// The steps of the cases that are still those of the run: this program may have others of the same names.
pub(super) fn steps_of(recorded: &Recorded, cases: &[Case]) -> BTreeMap<String, Vec<Words>> {
    if recorded.run.program != env!("CARGO_PKG_VERSION") {
        return BTreeMap::new();
    }
    let told = by_case(recorded);
    let same = cases.iter().filter(|case| {
        let cell = told.get(case.id().as_str()).and_then(|cells| cells.first());
        cell.is_some_and(|cell| cell.rule.trim() == case.rule.trim() && cell.reference.trim() == case.reference.trim())
    });
    same.map(|case| (case.id(), words::of_steps(&case.steps))).collect()
}

/// The cells of each case.
pub(super) fn by_case(recorded: &Recorded) -> BTreeMap<&str, Vec<&CellEnd>> {
    let mut cases: BTreeMap<&str, Vec<&CellEnd>> = BTreeMap::new();
    recorded.cells.iter().for_each(|cell| cases.entry(&cell.case).or_default().push(cell));
    cases
}

/// The fragment that leads to a rule.
pub(super) fn anchor(case: &str) -> String {
    format!("case:{case}")
}

/// All of them.
pub(super) fn markup(page: &Page<'_>) -> Option<Markup> {
    let cases = by_case(page.recorded);
    (!cases.is_empty()).then(|| {
        html! {
            @for (case, cells) in &cases {
                section.rule id=(anchor(case)) {
                    h3 { (case) }
                    (rule(cells[0]))
                    (steps(page, case))
                }
            }
        }
    })
}

/// A rule and where the kernel says so.
pub(super) fn rule(cell: &CellEnd) -> Markup {
    html! {
        p.text { (cell.rule) }
        @if !cell.reference.is_empty() { p.reference { (cell.reference) } }
    }
}

/// The steps of a case, where it is known.
pub(super) fn steps(page: &Page<'_>, case: &str) -> Markup {
    html! {
        @if let Some(steps) = page.steps.get(case) {
            details.steps {
                summary { "Steps" }
                (list(steps))
            }
        }
    }
}

fn list(steps: &[Words]) -> Markup {
    html! {
        ol {
            @for step in steps {
                li { code { (step.written) } @if !step.inner.is_empty() { (list(&step.inner)) } }
            }
        }
    }
}
