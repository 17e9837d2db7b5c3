//! Which implementations of `map_dma_buf` the run went through, and what the others would take.

use maud::{Markup, html};
use spec::registry::Kind;

use super::page::Page;
use crate::coverage::{Reached, Unreached, joined};

/// Shows the tables of `prime-cts coverage`, for this run only.
pub(super) fn markup(page: &Page<'_>) -> Markup {
    let coverage = joined(page.beside.registry, std::slice::from_ref(page.recorded));
    let not_observed = coverage.runs.iter().find_map(|run| run.not_observed.as_ref());
    html! {
        p {
            b { (coverage.reached.len()) " of " (coverage.implementations) }
            " implementations of this kernel were reached: a kprobe saw a buffer that uses it being exported."
            @if !coverage.ours.is_empty() { " PageInputs them " (coverage.ours.len()) " of prime-cts's own modules." }
        }
        @if let Some(why) = not_observed { p { "Nothing was observed: " (why) } }
        @for unknown in &coverage.unknown {
            p.unknown {
                b { "Unknown: " } code { (unknown.symbol) } " (exporter \"" (unknown.exp_name) "\") has no row in fixtures/map_dma_buf.yaml: add one."
            }
        }
        (reached("Reached", &coverage.reached))
        (reached("Of prime-cts's own modules", &coverage.ours))
        (reached("Only inferred from the exporter's name: does not count", &coverage.inferred))
        (reached("Makes the sg_table for drm_gem_map_dma_buf (get_sg_table), by the driver", &coverage.reached_back_ends))
        (unreached("Not reached", &coverage.unreached))
        (unreached("Functions that make an sg_table, not reached", &coverage.unreached_back_ends))
        @for untold in &coverage.untold {
            p { "Not observed: what the buffers of exporter \"" (untold.exp_name) "\" go through." }
        }
        @for said in &coverage.contradictions { p { "The registry, fixtures/map_dma_buf.yaml, says otherwise: " (said) } }
    }
}

fn reached(title: &str, rows: &[Reached]) -> Markup {
    let cells = rows.iter().any(|row| row.cells.is_some());
    html! {
        @if !rows.is_empty() {
            table {
                caption { (title) " (" (rows.len()) ")" }
                thead { tr { th scope="col" { "function" } @if cells { th scope="col" { "cells verified" } } th scope="col" { "drivers" } th scope="col" { "file" } } }
                tbody {
                    @for row in rows {
                        tr {
                            th scope="row" { (row.symbol) (kind(row.kind)) }
                            @if cells { td.number { @if let Some(cells) = row.cells { (cells) } } }
                            td { (row.drivers.iter().cloned().collect::<Vec<_>>().join(", ")) }
                            td { (row.file) }
                        }
                    }
                }
            }
        }
    }
}

fn unreached(title: &str, rows: &[Unreached]) -> Markup {
    html! {
        @if !rows.is_empty() {
            details {
                summary { (title) " (" (rows.len()) ")" }
                table {
                    caption.unseen { (title) }
                    thead { tr { th scope="col" { "function" } th scope="col" { "what it takes" } th scope="col" { "how user space gets there" } } }
                    tbody {
                        @for row in rows {
                            tr {
                                th scope="row" { (row.symbol) (kind(row.kind)) br; span.topology { (row.file) } }
                                td { @match &row.needs { Some(needs) => { (needs) }, None => { "the board " (row.boards.join(" or ")) } } }
                                td { (row.reach.as_deref().unwrap_or("")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Driver => "",
        Kind::Selftest => " (selftest)",
        Kind::Sample => " (sample)",
    }
}
