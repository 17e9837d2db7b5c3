//! The comparison with a previous run.

use std::collections::BTreeMap;

use maud::{Markup, html};
use spec::verdict::Verdict;

use super::page::Page;
use crate::diff::{Change, Endpoint, Side, between};
use spec::lines::counted;

/// Shows what has changed; nothing where there is no other run.
pub(super) fn markup(page: &Page<'_>) -> Option<Markup> {
    let diff = between(page.beside.against?, page.recorded);
    let same = [&diff.broken, &diff.refused, &diff.fixed, &diff.other].iter().all(|changes| changes.is_empty());
    Some(html! {
        dl {
            dt { "before" } dd { (side(&diff.before)) }
            dt { "this run" } dd { (side(&diff.after)) }
            dt { "in both" } dd { (counted(diff.common, "cell")) ", " (diff.verified) " of them verified" }
        }
        @if same { p { "No cell has another verdict." } }
        (changes("New failures", &diff.broken))
        (changes("New refusals", &diff.refused))
        (endpoints("Devices gone", &diff.vanished))
        (changes("Fixed", &diff.fixed))
        (changes("Other changes", &diff.other))
        (endpoints("New devices", &diff.appeared))
        (list("map_dma_buf lost", &diff.lost))
        (list("map_dma_buf gained", &diff.gained))
        (only("Only before", &diff.only_before))
        (only("Only in this run", &diff.only_after))
    })
}

fn side(side: &Side) -> String {
    let cut = if side.cut_short { ", cut short" } else { "" };
    let board = side.board.as_deref().unwrap_or("no board file");
    format!("{board}, Linux {} {}, {}{cut}", side.kernel, side.architecture, counted(side.cells, "cell"))
}

/// Changes of one sort, those of a case together: each device leads to its cell.
fn changes(title: &str, changes: &[Change]) -> Markup {
    let mut groups: BTreeMap<(&str, Verdict, Verdict), Vec<&Change>> = BTreeMap::new();
    for change in changes {
        groups.entry((&change.case, change.before, change.after)).or_default().push(change);
    }
    html! {
        @if !changes.is_empty() {
            table.changes {
                caption { (title) " (" (changes.len()) ")" }
                thead { tr { @for head in ["rule", "before", "now", "devices and what was seen"] { th scope="col" { (head) } } } }
                tbody {
                    @for ((case, before, after), group) in &groups {
                        tr {
                            th scope="row" { (case) }
                            td.(before.word()) { (before) }
                            td.(after.word()) { (after) }
                            td {
                                @for change in group { a href={ "#" (change.id) } { (devices(change)) } " " }
                                @if let Some(seen) = group.iter().find_map(|change| change.seen.as_ref()) { br; (seen) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Behind the case, the id has the devices.
fn devices(change: &Change) -> String {
    let devices = change.id.strip_prefix(&change.case).unwrap_or(&change.id);
    devices.trim_start_matches('.').replace('.', " to ")
}

fn endpoints(title: &str, endpoints: &[Endpoint]) -> Markup {
    let named = |endpoint: &Endpoint| match &endpoint.blocked {
        Some(why) => format!("{} (blocked in the other run: {why})", endpoint.key),
        None => endpoint.key.clone(),
    };
    list(title, &endpoints.iter().map(named).collect::<Vec<_>>())
}

fn list(title: &str, items: &[String]) -> Markup {
    html! {
        @if !items.is_empty() { p { b { (title) " (" (items.len()) "): " } (items.join(", ")) } }
    }
}

/// Counts cells that only one run has, by case.
fn only(title: &str, ids: &[String]) -> Markup {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    ids.iter().for_each(|id| *counts.entry(spec::case::case_of(id)).or_default() += 1);
    let counts: Vec<String> = counts.iter().map(|(case, count)| format!("{case} ({count})")).collect();
    html! {
        @if !ids.is_empty() {
            details { summary { (title) ": " (counted(ids.len(), "cell")) } p { (counts.join(", ")) } }
        }
    }
}
