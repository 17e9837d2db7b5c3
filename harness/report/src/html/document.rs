//! The whole document: its head, its parts in their order, its style and script.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use event::journal::Recorded;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::page::{Page, PageInputs};
use super::{against, broken, causes, coverage, filter, heat, machine, pairs, rules, top};
use crate::causes::ByCell;
use crate::gathered::Gathered;
use crate::grid::Grid;

pub(super) const STYLE: &str = concat!(
    include_str!("verdicts.css"),
    include_str!("page.css"),
    include_str!("tables.css"),
    include_str!("cells.css"),
    include_str!("narrow.css"),
    include_str!("print.css")
);
pub(super) const SCRIPT: &str = include_str!("page.js");

/// A part of the page: its id, its heading, and what it holds; nothing where a run has nothing of it.
type Part = (&'static str, &'static str, Option<Markup>);

/// All of it.
pub fn text(recorded: &Recorded, beside: &PageInputs<'_>) -> String {
    let (grid, gathered) = (Grid::of(recorded), Gathered::of(recorded));
    let causes = gathered.causes(recorded);
    let by_cell = ByCell::of(&causes);
    let page =
        Page { recorded, beside, grid, gathered, causes, by_cell, steps: rules::steps_of(recorded, beside.cases) };
    let parts: [Part; 10] = [
        ("causes", "Causes", causes::markup(&page)),
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
