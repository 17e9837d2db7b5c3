//! A run as one HTML file that needs nothing else: no network, and no script to be read.
//!
//! What every report tells comes first: how the run ended, the grid, and what went wrong in full. Behind it each cell has a
//! place of its own, named by its id, so that a link leads there: `report.html#mapping.at-offset.drm-vgem`. What holds for
//! many cells is told once, the rules by case and the devices by pair, so that ten thousand cells are some megabytes.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use spec::case::Case;
use spec::registry::Registry;
use spec::words::Words;

use super::gathered::Gathered;
use super::grid::Grid;
use event::journal::Recorded;

mod against;
mod broken;
mod cell;
mod coverage;
mod filter;
mod heat;
mod machine;
mod pairs;
mod rules;
mod top;

const STYLE: &str = concat!(
    include_str!("html/verdicts.css"),
    include_str!("html/page.css"),
    include_str!("html/tables.css"),
    include_str!("html/cells.css"),
    include_str!("html/narrow.css"),
    include_str!("html/print.css")
);
const SCRIPT: &str = include_str!("html/page.js");

/// What is told beside the run itself.
pub struct Beside<'a> {
    /// The implementations of `map_dma_buf` that there are.
    pub registry: &'a Registry,
    /// The cases whose steps are told: those of a run that were others are left out.
    pub cases: &'a [Case],
    /// The run of before.
    pub against: Option<&'a Recorded>,
}

/// What the parts of the page are made of.
struct Page<'a> {
    recorded: &'a Recorded,
    beside: &'a Beside<'a>,
    grid: Grid<'a>,
    gathered: Gathered,
    /// The steps of the cases that this program and the run have alike, by the cases' ids.
    steps: BTreeMap<String, Vec<Words>>,
}

impl Page<'_> {
    fn board(&self) -> Option<&str> {
        self.recorded.run.board.as_deref()
    }
}

/// A part of the page: its id, its heading, and what it holds; nothing where a run has nothing of it.
type Part = (&'static str, &'static str, Option<Markup>);

/// All of it.
pub fn text(recorded: &Recorded, beside: &Beside<'_>) -> String {
    let (grid, gathered) = (Grid::of(recorded), Gathered::of(recorded));
    let page = Page { recorded, beside, grid, gathered, steps: rules::steps_of(recorded, beside.cases) };
    let parts: [Part; 9] = [
        ("grid", "Grid", heat::markup(&page)),
        ("unexpected", "Not as expected", broken::unexpected(&page)),
        ("known", "Known failures", broken::known(&page)),
        ("unseen", "What was not seen", top::unseen(&page)),
        ("against", "Against another run", against::markup(&page)),
        ("coverage", "map_dma_buf implementations", Some(coverage::markup(&page))),
        ("machine", "Oracles and devices", Some(machine::markup(&page))),
        ("cells", "Every cell", pairs::markup(&page)),
        ("rules", "Rules", rules::markup(&page)),
    ];
    let there = || parts.iter().filter_map(|(id, title, held)| Some((*id, *title, held.as_ref()?)));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "prime-cts " (env!("CARGO_PKG_VERSION")) };
                title { (top::title(recorded)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the results" }
                header { (top::markup(&page)) }
                nav aria-label="Parts of this page" {
                    ul { @for (id, title, _) in there() { li { a href={ "#" (id) } { (title) } } } }
                }
                (filter::markup(&page))
                main #main tabindex="-1" {
                    @for (id, title, held) in there() {
                        section id=(id) aria-labelledby={ (id) "-title" } { h2 id={ (id) "-title" } { (title) } (held) }
                    }
                }
                footer { p { "prime-cts " (recorded.run.program) ". One file: it loads nothing and sends nothing." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

/// Nothing is loaded and nothing sent; the style and the script are these and no others.
fn policy() -> String {
    let digest = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

#[cfg(test)]
mod tests;
