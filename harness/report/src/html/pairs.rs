//! Every cell, by the pair of devices that it is of.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use spec::verdict::Verdict;

use super::page::{Page, in_full};
use super::{cell, rules};
use crate::failure;
use crate::grid::Pair;
use event::CellEnd;

/// The fragment that leads to a pair's cells.
pub(super) fn anchor((exporter, importer): Pair<'_>) -> String {
    format!("pair:{}:{}", exporter.unwrap_or(""), importer.unwrap_or(""))
}

/// All of them.
pub(super) fn markup(page: &Page<'_>) -> Option<Markup> {
    let mut pairs: BTreeMap<Pair<'_>, Vec<&CellEnd>> = BTreeMap::new();
    for cell in &page.recorded.cells {
        pairs.entry((cell.exporter.as_deref(), cell.importer.as_deref())).or_default().push(cell);
    }
    // A chain has its place at its first importer, and counts for the second, too.
    for pair in page.grid.pairs() {
        pairs.entry(pair).or_default();
    }
    (!pairs.is_empty()).then(|| {
        html! {
            p.note {
                "A cell's id is its rule and its devices, with a dot between them. Behind a # in the address of this page it \
                 leads to the cell, and "
                code { (again(page)) }
                " runs it again. A row with a triangle opens."
            }
            @for (pair, cells) in &pairs { (of_pair(page, *pair, cells)) }
        }
    })
}

fn again(page: &Page<'_>) -> String {
    match page.emulated() {
        Some(board) => format!("ci/board run {board} -- --exact ID"),
        None => "prime-cts run --exact ID".to_owned(),
    }
}

fn of_pair<'a>(page: &Page<'a>, pair: Pair<'a>, cells: &[&CellEnd]) -> Markup {
    let title = match pair {
        (Some(exporter), Some(importer)) => format!("{exporter} to {importer}"),
        (Some(exporter), None) => format!("{exporter} alone"),
        (None, Some(importer)) => format!("{importer} alone, as importer"),
        (None, None) => "No device".to_owned(),
    };
    let through: BTreeSet<String> =
        cells.iter().filter(|cell| is_plain(cell)).map(|cell| failure::through(cell)).collect();
    let same = through.len() <= 1;
    let elsewhere: Vec<_> = page.grid.cells(pair).iter().filter(|cell| cell.importer.as_deref() != pair.1).collect();
    html! {
        section.pair id=(anchor(pair)) {
            h3 { (title) }
            @if let Some(through) = through.first().filter(|through| same && !through.is_empty()) {
                p.through { "through " (through) }
            }
            @if !cells.is_empty() {
                table {
                    caption.unseen { "Cells of " (title) }
                    thead { tr { th scope="col" { "rule" } th scope="col" { "verdict" } th scope="col" { "ms" } th scope="col" { "what was seen" } } }
                    tbody { @for cell in cells { (row(page, cell, same)) } }
                }
            }
            @if !elsewhere.is_empty() {
                p.chains {
                    "As the second importer of a chain: "
                    @for cell in elsewhere { a href={ "#" (cell.id) } { (cell.id) } " " }
                }
            }
        }
    }
}

/// Returns whether a row says all that there is.
fn is_plain(cell: &CellEnd) -> bool {
    cell.findings.is_empty() && cell.figures.is_empty() && cell.reason.is_none() && !in_full(cell)
}

fn row(page: &Page<'_>, cell: &CellEnd, same: bool) -> Markup {
    let plain = is_plain(cell);
    let then = cell.second_importer.as_ref().map_or(String::new(), |key| format!(" then {key}"));
    html! {
        tr.unwanted[cell.outcome.unwanted()] id=[plain.then_some(&cell.id)] {
            th scope="row" { a href={ "#" (rules::anchor(&cell.case)) } { (cell.case) } (then) }
            td.(cell.verdict.word()) { (cell::verdict(cell)) }
            td { (cell.ms) }
            td {
                @if plain {
                    (access(cell))
                    @if !same { " through " (failure::through(cell)) }
                } @else if in_full(cell) {
                    a.full href={ "#" (cell.id) } { (short(cell)) }
                } @else {
                    details {
                        summary { (short(cell)) }
                        // Within what is closed, so that a link to it opens it.
                        div id=(cell.id) { (cell::markup(page, cell)) }
                    }
                }
            }
        }
    }
}

fn access(cell: &CellEnd) -> String {
    if cell.device_access.is_empty() { String::new() } else { format!("device: {}", cell.device_access.join(", ")) }
}

/// Returns the text of a line for a cell that has more to show.
fn short(cell: &CellEnd) -> String {
    let worst =
        cell.findings.iter().filter(|finding| finding.verdict != Verdict::Pass).max_by_key(|finding| finding.verdict);
    let told = worst.or(cell.findings.first()).map(|finding| finding.seen.as_str());
    told.filter(|seen| !seen.trim().is_empty()).unwrap_or("more").to_owned()
}
