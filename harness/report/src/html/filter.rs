//! The filters, which need the script: without it they stay hidden and a line says so.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::page::Page;

/// The form.
pub(super) fn markup(page: &Page<'_>) -> Markup {
    let recorded = page.recorded;
    let areas: BTreeSet<&str> = recorded.cells.iter().filter_map(|cell| cell.case.split('.').next()).collect();
    let drivers: BTreeSet<&str> = recorded.endpoints.iter().map(|endpoint| endpoint.driver.as_str()).collect();
    html! {
        noscript { p.note { "Filters need scripts; all the rest is here." } }
        form #filter role="search" aria-label="Filter the cells" hidden {
            label { "Area " select name="area" { option value="" { "all" } @for area in areas { option { (area) } } } }
            label { "Driver " select name="driver" { option value="" { "all" } @for driver in drivers { option { (driver) } } } }
            label { "Text " input type="search" name="text" placeholder="id, finding, log line" size="18"; }
            fieldset {
                legend { "Verdict" }
                @for (verdict, _) in page.gathered.counts() {
                    label { input type="checkbox" name="verdict" value=(verdict); (verdict) }
                }
                label { input type="checkbox" name="unwanted" value="1"; "not as expected" }
            }
            button type="button" { "Reset" }
            output role="status" aria-live="polite" {}
        }
    }
}
