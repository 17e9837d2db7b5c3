//! The causes: what a reader of a red run wants first.

use event::cause::{Cause, Sure};
use maud::{Markup, html};
use spec::lines::counted;

use super::page::Page;
use crate::causes;

/// The causes that no one knew, as cards, and the known ones in a line each.
pub(super) fn markup(page: &Page<'_>) -> Option<Markup> {
    let all = &page.causes;
    let (known, new): (Vec<&Cause>, Vec<&Cause>) = all.iter().partition(|cause| !cause.known.is_empty());
    let undecided = page.gathered.undecided();
    (!all.is_empty() || !undecided.is_empty()).then(|| {
        html! {
            @for (number, cause) in (1..).zip(new) { (card(page, number, cause)) }
            @for line in undecided.lines() { p.note { (line) } }
            @if !known.is_empty() {
                p.note { (counted(known.len(), "known fault")) " of this kernel" }
                ul.known-causes {
                    @for cause in known {
                        li { code { (cause.known.join(", ")) } (causes::titles(cause)) ", " (counted(cause.cells.len(), "cell")) }
                    }
                }
            }
        }
    })
}

fn card(page: &Page<'_>, number: usize, cause: &Cause) -> Markup {
    let board = page.emulated();
    html! {
        article.cause.(kind(cause.sure)) {
            h3 { "Cause " (number) ": " (cause.suspect) }
            @if cause.suspect.endpoints.len() > 1 { p.endpoints { code { (cause.suspect.endpoints.join(", ")) } } }
            @if !cause.suspect.also.is_empty() { p { "Or what it alone uses here: " (cause.suspect.also.join(", ")) } }
            p { "It breaks the rule: " (cause.rule) }
            dl {
                dt { "seen" } dd { (cause.seen) }
                @if let Some(function) = &cause.function { dt { "in" } dd { code { (function) } } }
                dt { "evidence" }
                dd {
                    (causes::counts(cause)) "."
                    @for acquitted in cause.evidence.acquitted.iter().take(3) { br; (causes::acquittal(acquitted)) }
                }
                dt { "sure" } dd { b { (cause.sure.words()) } ": " (cause.why) }
                @for other in &cause.or { dt { "or" } dd { (other) } }
                dt { "areas" } dd { (cause.areas.join(", ")) }
                dt { "smallest cell" } dd { a href={ "#" (cause.smallest) } { code { (cause.smallest) } } }
                dt { "again" } dd { code { (causes::again(&cause.smallest, board)) } }
                dt { "repro" } dd { code { (causes::repro(&cause.smallest)) } }
            }
        }
    }
}

fn kind(sure: Sure) -> &'static str {
    match sure {
        Sure::Proved | Sure::ByElimination => "sure",
        Sure::Open => "open",
    }
}
