//! The grid as a heat map: each pair's worst verdict, as a link to its cells.

use std::collections::BTreeSet;

use maud::{Markup, html};
use spec::verdict::Verdict;

use super::page::Page;
use super::pairs;
use crate::grid::{self, Pair};
use crate::{load, summary};
use event::CellEnd;

/// The sign of a verdict; a dot in the middle of the line stands for a pass.
pub(super) fn sign(verdict: Verdict) -> char {
    if verdict == Verdict::Pass { '·' } else { grid::sign(verdict) }
}

/// The grid; the figures of a load, which has none.
pub(super) fn markup(page: &Page<'_>) -> Option<Markup> {
    let load = load::text(&page.gathered.load);
    match () {
        () if !load.is_empty() => Some(html! { pre tabindex="0" { (load) } }),
        () if page.recorded.cells.is_empty() => None,
        () => Some(table(page)),
    }
}

fn table(page: &Page<'_>) -> Markup {
    let grid = &page.grid;
    let used: BTreeSet<Verdict> = page.recorded.cells.iter().map(|cell| cell.verdict).collect();
    let exporters = grid.exporters.iter().map(|key| Some(*key));
    let alone = grid.pairs().any(|(exporter, importer)| exporter.is_none() && importer.is_some());
    html! {
        p.note {
            "Exporters down, importers across: the worst verdict of a pair's cells. Each sign leads to the cells."
            span.scripted hidden { " Arrow keys move in the grid." }
        }
        div.wide tabindex="0" role="region" aria-label="Grid of exporters and importers" {
            table.heat {
                caption.unseen { "The worst verdict of each exporter's cells with each importer" }
                thead {
                    tr {
                        th scope="col" { "exporter" }
                        th.name scope="col" { span { "alone" } }
                        @for importer in &grid.importers { th.name scope="col" { span { (importer) } } }
                    }
                }
                tbody {
                    @for exporter in exporters.chain(alone.then_some(None)) {
                        tr {
                            th scope="row" { (exporter.unwrap_or("importer alone")) }
                            @for importer in [None].into_iter().chain(grid.importers.iter().map(|key| Some(*key))) {
                                (of_pair(page, (exporter, importer)))
                            }
                        }
                    }
                }
            }
        }
        p.legend {
            @for verdict in used { span { span.sign.(verdict.word()) aria-hidden="true" { (sign(verdict)) } (verdict) } }
            span { span.sign.fail.unwanted aria-hidden="true" { "F" } "not as expected" }
        }
    }
}

fn of_pair<'a>(page: &Page<'a>, pair: Pair<'a>) -> Markup {
    let cells = page.grid.cells(pair);
    // The cells that have no device at all are in no grid.
    let Some(worst) = cells.iter().map(|cell| cell.verdict).max().filter(|_| pair != (None, None)) else {
        return html! { td {} };
    };
    let red = cells.iter().any(|cell| cell.outcome.unwanted());
    let told = told(worst, cells, red);
    html! {
        td.(worst.word()).unwanted[red] {
            a href={ "#" (pairs::anchor(pair)) } title=(told) aria-label=(told) { (sign(worst)) }
        }
    }
}

/// A pair in words: the worst, and how many of each. The script writes the same of the cells that a filter leaves.
fn told(worst: Verdict, cells: &[&CellEnd], red: bool) -> String {
    let counts = summary::counts(cells.iter().copied());
    let counts: Vec<String> = counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    format!("{worst}{}: {}", if red { ", not as expected" } else { "" }, counts.join(", "))
}
