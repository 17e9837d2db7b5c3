//! A cell in full: what each oracle saw, and how to see it again.

use maud::{Markup, html};
use spec::verdict::{Outcome, Verdict};

use super::page::{Page, in_full};
use crate::{failure, whose};
use event::{CellEnd, Finding};

/// The verdict with the outcome, where that says more.
pub(super) fn verdict(cell: &CellEnd) -> String {
    match cell.outcome {
        Outcome::Expected if !cell.verdict.broken() => cell.verdict.to_string(),
        outcome => format!("{}, {outcome}", cell.verdict),
    }
}

/// Everything but the rule.
pub(super) fn markup(page: &Page<'_>, cell: &CellEnd) -> Markup {
    let properties = cell.findings.iter().filter(|finding| finding.verdict == Verdict::Pass);
    // The known failures of a reason stand together below it.
    let reason = cell.reason.as_ref().filter(|_| !in_full(cell) || cell.outcome.unwanted());
    html! {
        @for finding in cell.findings.iter().filter(|finding| finding.verdict != Verdict::Pass) {
            (of_finding(page, cell, finding))
        }
        dl {
            @for finding in properties { dt { (finding.oracle) } dd { (finding.seen) (lines(finding)) } }
            @if !cell.map_dma_buf.is_empty() { dt { "through" } dd { (failure::through(cell)) } }
            @if !cell.device_access.is_empty() { dt { "device" } dd { (cell.device_access.join(", ")) } }
            @for (name, count) in &cell.figures { dt { (name) } dd { (count) } }
            @if let Some(reason) = reason { dt { "known" } dd { (reason.trim()) } }
            dt { "time" } dd { (cell.ms) " ms" }
            dt { "again" } dd { code { (failure::again(cell, page.emulated())) } }
        }
    }
}

fn of_finding(page: &Page<'_>, cell: &CellEnd, finding: &Finding) -> Markup {
    html! {
        dl.finding {
            dt { "oracle" } dd { (finding.oracle) ": " (finding.verdict) }
            @if let Some(step) = &finding.step { dt { "step" } dd { (of_step(page, cell, step)) } }
            dt { "expected" } dd { (finding.expected) }
            dt { "seen" } dd { (finding.seen) (lines(finding)) }
            dt { "whose" } dd { (page.by_cell.cause(&cell.id).map_or_else(|| whose::text(finding, cell), str::to_owned)) }
        }
    }
}

/// The lines of the kernel log, or a stack.
fn lines(finding: &Finding) -> Markup {
    html! { @if !finding.lines.is_empty() { pre tabindex="0" { (finding.lines.join("\n")) } } }
}

/// A step as the case's file has it, where the case is known.
fn of_step(page: &Page<'_>, cell: &CellEnd, step: &str) -> Markup {
    let (number, verb) = step.split_once(' ').unwrap_or(("", step));
    let steps = page.steps.get(&cell.case);
    let written = steps.and_then(|steps| steps.get(number.parse::<usize>().ok()?.checked_sub(1)?));
    let written = written.map(|words| words.written.as_str()).filter(|written| written.split(':').next() == Some(verb));
    html! {
        @if let Some(written) = written { (number) " " code { (written) } } @else { (step) }
    }
}
