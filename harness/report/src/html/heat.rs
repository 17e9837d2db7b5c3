//! The grid as a heat map: how each pair stands, as a link to its cells.

use std::collections::BTreeSet;

use maud::{Markup, html};
use spec::verdict::Verdict;

use super::page::Page;
use super::pairs;
use crate::grid::Pair;
use crate::standing::{self, Standing};
use crate::{load, summary};
use event::CellEnd;

/// The letter of a verdict.
pub(super) fn letter(verdict: Verdict) -> char {
    match verdict {
        Verdict::Pass => '#',
        other if other.broken() => Standing::Unexpected(other).sign(),
        other => Standing::Nothing(other).sign(),
    }
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
    let used: BTreeSet<Standing> = grid.pairs().filter_map(|pair| standing(grid.cells(pair))).collect();
    let exporters = grid.exporters.iter().map(|key| Some(*key));
    let alone = grid.pairs().any(|(exporter, importer)| exporter.is_none() && importer.is_some());
    html! {
        p.note {
            "Exporters down, importers across: what is not as expected is loud, what is known is pale, and the others say how "
            "much of a pair was verified. Each sign leads to the cells."
            span.scripted hidden { " Arrow keys move in the grid." }
        }
        div.wide tabindex="0" role="region" aria-label="Grid of exporters and importers" {
            table.heat {
                caption.unseen { "How each exporter stands with each importer" }
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
            @for standing in used {
                span { span.sign.(class(standing)) aria-hidden="true" { (sign(standing)) } (standing.words()) }
            }
        }
    }
}

/// How the cells of a pair stand.
fn standing(cells: &[&CellEnd]) -> Option<Standing> {
    let mut pair = standing::Pair::default();
    cells.iter().for_each(|cell| pair.add(cell));
    pair.standing()
}

/// A dot in the middle of the line is easier on the eye than one at its foot.
fn sign(standing: Standing) -> char {
    if standing == Standing::Partly { '·' } else { standing.sign() }
}

fn class(standing: Standing) -> String {
    match standing {
        Standing::Verified => "pass verified".into(),
        Standing::Mostly => "pass mostly".into(),
        Standing::Partly => "pass partly".into(),
        Standing::Nothing(verdict) => verdict.word().into(),
        Standing::Known(verdict) => format!("{} known", verdict.word()),
        Standing::Unexpected(verdict) => format!("{} unwanted", verdict.word()),
    }
}

fn of_pair<'a>(page: &Page<'a>, pair: Pair<'a>) -> Markup {
    let cells = page.grid.cells(pair);
    // The cells that have no device at all are in no grid.
    let Some(standing) = standing(cells).filter(|_| pair != (None, None)) else {
        return html! { td {} };
    };
    let told = told(standing, cells);
    html! {
        td.(class(standing)) {
            a href={ "#" (pairs::anchor(pair)) } title=(told) aria-label=(told) { (sign(standing)) }
        }
    }
}

/// A pair in words: how it stands, and how many of each verdict. The script writes the same of the cells that a filter leaves.
fn told(standing: Standing, cells: &[&CellEnd]) -> String {
    let counts = summary::counts(cells.iter().copied());
    let counts: Vec<String> = counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    format!("{}: {}", standing.words(), counts.join(", "))
}
