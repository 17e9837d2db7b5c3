//! What went wrong: each cell in full, by case, what no one knew of first.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::page::{Page, in_full};
use super::{cell, rules};
use event::CellEnd;

/// Cells that are not as expected.
pub(super) fn unexpected(page: &Page<'_>) -> Option<Markup> {
    let groups = groups(page, |cell| cell.outcome.unwanted());
    (!groups.is_empty()).then(|| {
        html! {
            @for ((case, _), cells) in &groups {
                section.group {
                    h3 { a href={ "#" (rules::anchor(case)) } { (case) } }
                    (rules::rule(cells[0]))
                    (rules::steps(page, case))
                    @for cell in cells {
                        article.cell.unwanted id=(cell.id) { (heading(cell)) (cell::markup(page, cell)) }
                    }
                }
            }
        }
    })
}

/// Returns the reason of a failure that is known, be it by the board file or by a finding, which says so itself.
fn of_known(reason: &str) -> String {
    match reason.strip_prefix("known fault ") {
        Some(name) => format!("Known fault {name}"),
        None => format!("Known: {reason}"),
    }
}

/// Failures that are as expected, those of one reason together.
pub(super) fn known(page: &Page<'_>) -> Option<Markup> {
    let groups = groups(page, |cell| in_full(cell) && !cell.outcome.unwanted());
    (!groups.is_empty()).then(|| {
        html! {
            @for ((case, reason), cells) in &groups {
                section.group {
                    h3 { a href={ "#" (rules::anchor(case)) } { (case) } }
                    (rules::rule(cells[0]))
                    @if !reason.is_empty() { p.reason { (of_known(reason)) } }
                    (rules::steps(page, case))
                    @for cell in cells {
                        details.cell {
                            summary { (heading(cell)) }
                            // Within what is closed, so that a link to it opens it.
                            article id=(cell.id) { (cell::markup(page, cell)) }
                        }
                    }
                }
            }
        }
    })
}

fn heading(cell: &CellEnd) -> Markup {
    html! { h4 { span.verdict.(cell.verdict.word()) { (cell::verdict(cell)) } " " span.id { (cell.id) } } }
}

type Groups<'a> = BTreeMap<(&'a str, &'a str), Vec<&'a CellEnd>>;

fn groups<'a>(page: &Page<'a>, wanted: impl Fn(&CellEnd) -> bool) -> Groups<'a> {
    let mut groups = Groups::new();
    for cell in page.recorded.cells.iter().filter(|cell| wanted(cell)) {
        let reason = if cell.outcome.unwanted() { "" } else { cell.reason.as_deref().unwrap_or("").trim() };
        groups.entry((&cell.case, reason)).or_default().push(cell);
    }
    groups
}
