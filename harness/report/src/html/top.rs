//! What ran and how it ended.

use maud::{Markup, html};

use super::page::Page;
use crate::gathered::Gathered;
use event::exit::Exit;
use event::journal::Recorded;
use spec::lines::counted;

/// The name of the page.
pub(super) fn title(recorded: &Recorded) -> String {
    let board = recorded.run.board.as_ref().map_or(String::new(), |board| format!("{board}, "));
    format!("prime-cts: {board}Linux {}", recorded.run.kernel)
}

/// The head of the page.
pub(super) fn markup(page: &Page<'_>) -> Markup {
    let (recorded, gathered) = (page.recorded, &page.gathered);
    let run = &recorded.run;
    let sort = match gathered.exit(recorded) {
        Exit::Success => "good",
        Exit::NothingVerified | Exit::Incomplete => "open",
        _ => "bad",
    };
    let implementations = gathered.implementations(recorded);
    let access = gathered.device_access();
    html! {
        p.program { "prime-cts " (run.program) }
        h1 { @if let Some(board) = &run.board { (board) } @else { "No board file" } }
        p.kernel { "Linux " (run.kernel) " " (run.architecture) @if let Some(part) = &run.part { ", shard " (part.shard) } }
        p.conclusion.(sort) { (sentence(&gathered.conclusion(recorded))) }
        (counts(recorded, gathered))
        @for open in &recorded.open { p { code { (open) } " was running when the run was cut short." } }
        @if recorded.restarts > 0 {
            p { "The machine went down and was started again, " (counted(recorded.restarts, "time")) "." }
        }
        @if !recorded.missing.is_empty() {
            ul.missing {
                @for missing in &recorded.missing {
                    li { b { "missing" } " the " (missing.what) " " code { (missing.name) } " is expected, and it was not there" }
                }
            }
        }
        @if !recorded.troubles.is_empty() {
            ul.missing {
                @for trouble in &recorded.troubles {
                    li {
                        b { "machine" } " " (trouble.seen)
                        @if !trouble.cells.is_empty() { ", after " code { (trouble.cells.join(", ")) } }
                        @if !trouble.lines.is_empty() { pre { (trouble.lines.join("\n")) } }
                    }
                }
            }
        }
        @for line in [access, implementations].iter().filter(|line| !line.is_empty()) {
            p.note { (sentence(line)) }
        }
    }
}

/// The cells of each verdict.
fn counts(recorded: &Recorded, gathered: &Gathered) -> Markup {
    let counts = gathered.counts();
    html! {
        dl.counts {
            @for (verdict, count) in counts {
                div { dt { span.sign.(verdict.word()) aria-hidden="true" { (super::heat::letter(verdict)) } (verdict) } dd { (count) } }
            }
            div { dt { "cells" } dd { (recorded.cells.len()) " of " (recorded.run.cells) } }
            @if let Some(end) = &recorded.end {
                div { dt { "in cells" } dd { (format!("{:.1} s", end.cells_ms as f64 / 1000.0)) } }
            }
        }
    }
}

/// Shows why cells verified nothing.
pub(super) fn unseen(page: &Page<'_>) -> Option<Markup> {
    let reasons = page.gathered.reasons();
    (!reasons.is_empty()).then(|| {
        html! {
            table {
                caption { "Why cells verified nothing, the most frequent reason first" }
                thead { tr { th scope="col" { "verdict" } th scope="col" { "cells" } th scope="col" { "why" } } }
                tbody {
                    @for ((verdict, why), count) in reasons {
                        tr { td.(verdict.word()) { (verdict) } td.number { (count) } td { (why) } }
                    }
                }
            }
        }
    })
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let first = letters.next().map_or(String::new(), |first| first.to_uppercase().to_string());
    // What is a name keeps its small letter.
    let first = if text.starts_with("prime-cts") { "p".to_owned() } else { first };
    format!("{first}{}.", letters.as_str())
}
