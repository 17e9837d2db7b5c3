//! What watched, and the devices that there were.

use maud::{Markup, html};

use super::page::Page;
use event::EndpointFound;

/// The oracles, the devices and the kernel's command line.
pub(super) fn markup(page: &Page<'_>) -> Markup {
    let run = &page.recorded.run;
    let taint = |taint: Option<u64>| taint.map_or("not known".to_owned(), |taint| taint.to_string());
    html! {
        @if !run.oracles.is_empty() {
            table {
                caption { "Oracles: what could watch the cells" }
                thead { tr { th scope="col" { "oracle" } th scope="col" { "available" } th scope="col" { "what is missing" } } }
                tbody {
                    @for state in &run.oracles {
                        tr {
                            th scope="row" { (state.oracle) }
                            @match &state.missing {
                                None => { td.pass { "yes" } td {} }
                                Some(why) => { td.blocked { "no" } td { (why) } }
                            }
                        }
                    }
                }
            }
        }
        @if !page.recorded.endpoints.is_empty() {
            div.wide tabindex="0" role="region" aria-label="Devices" { (endpoints(&page.recorded.endpoints)) }
        }
        dl {
            dt { "command line" } dd { code { (run.cmdline) } }
            dt { "taint" } dd {
                (taint(run.taint)) " at the start"
                @if let Some(end) = &page.recorded.end { ", " (taint(end.taint)) " at the end" }
            }
        }
    }
}

fn endpoints(endpoints: &[EndpointFound]) -> Markup {
    html! {
        table {
            caption { "Devices" }
            thead {
                tr {
                    @for head in ["device", "driver", "node", "does", "smallest buffer", "its exports go through"] { th scope="col" { (head) } }
                }
            }
            tbody {
                @for endpoint in endpoints {
                    tr data-key=(endpoint.key) data-driver=(endpoint.driver) {
                        th scope="row" { (endpoint.key) }
                        td { (endpoint.driver) }
                        td { code { (endpoint.node) } @if !endpoint.topology.is_empty() { br; span.topology { (endpoint.topology) } } }
                        td { (does(endpoint)) }
                        td { (endpoint.smallest) " B" }
                        td {
                            @if let Some(found) = &endpoint.map_dma_buf {
                                code { (found.symbol.as_deref().unwrap_or(&found.exp_name)) }
                                @if !found.observed { " (inferred)" }
                            }
                            @if let Some(why) = &endpoint.blocked { b { "blocked" } ": " (why) }
                        }
                    }
                }
            }
        }
    }
}

fn does(endpoint: &EndpointFound) -> &'static str {
    match (endpoint.exports, endpoint.imports) {
        (true, true) => "exports, imports",
        (true, false) => "exports",
        (false, true) => "imports",
        (false, false) => "–",
    }
}
