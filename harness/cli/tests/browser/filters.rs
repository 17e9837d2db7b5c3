//! The filters, and the address that keeps them.

use serde_json::Value;
use spec::verdict::Verdict;

use crate::driver::Browser;
use crate::page::{KNOWN, Page};

/// The ids of the rows that are shown, sorted.
const SHOWN: &str = "return [...document.querySelectorAll('#cells tbody tr')].filter(row => row.checkVisibility())
    .map(row => row.id || row.querySelector('a.full')?.hash.slice(1) || row.querySelector('[id]').id).sort()";

/// The grid as a list of what stands in it.
const GRID: &str = "return [...document.querySelectorAll('.heat td')].map(cell =>
    `${cell.className}|${cell.textContent}|${cell.firstElementChild?.title}|${cell.firstElementChild?.ariaLabel}`)";

fn shown(browser: &Browser) -> Vec<String> {
    serde_json::from_value(browser.run(SHOWN)).unwrap()
}

fn status(browser: &Browser) -> String {
    browser.run("return document.querySelector('#filter output').value").as_str().unwrap().to_owned()
}

#[test]
fn each_filter_leaves_the_cells_that_it_names_and_the_address_keeps_it() {
    let page = Page::shared();
    let browser = Browser::start(1280, 900);
    let has = |keys: &str, id: &str| id.split('.').skip(2).any(|key| key == keys);
    let filters: [(&str, Vec<&str>); 6] = [
        ("[name=area]", page.ids(|cell| cell.id.starts_with("chain."))),
        ("[name=driver]", page.ids(|cell| has("mock-wrong-page", &cell.id))),
        ("[name=verdict][value=crash]", page.ids(|cell| cell.verdict == Verdict::Crash)),
        ("[name=verdict][value=refused]", page.ids(|cell| cell.verdict == Verdict::Refused)),
        ("[name=unwanted]", page.ids(|cell| page.regressions().any(|other| other.id == cell.id))),
        ("[name=text]", page.ids(|cell| cell.findings.iter().any(|finding| finding.seen.contains("mock.c:1")))),
    ];
    for (control, wanted) in filters {
        browser.open(&page.url(""));
        assert_eq!(status(&browser), format!("All {} cells", page.recorded.cells.len()));
        match control {
            "[name=area]" => browser.type_into(control, "chain"),
            "[name=driver]" => browser.type_into(control, "mock-wrong"),
            "[name=text]" => browser.type_into(control, "MOCK.C:1"),
            _ => browser.click(control),
        }
        assert_eq!(shown(&browser), wanted, "{control}");
        assert_eq!(status(&browser), format!("{} of {} cells", wanted.len(), page.recorded.cells.len()));
        let address = browser.address();
        assert!(address.contains("report.html?"), "{address}");
        browser.open("about:blank");
        browser.open(&address);
        assert_eq!(shown(&browser), wanted, "{address}");
        browser.click("#filter button");
        assert_eq!(shown(&browser).len(), page.recorded.cells.len());
    }
}

#[test]
fn filters_join_and_hide_the_failures_and_groups_that_do_not_fit() {
    let page = Page::shared();
    let browser = Browser::start(1280, 900);
    browser.open(&page.url("?area=mapping&verdict=fail&verdict=crash"));
    let wanted = page.ids(|cell| cell.id.starts_with("mapping.") && cell.verdict == Verdict::Fail);
    assert_eq!(shown(&browser), wanted);
    assert!(!browser.is_visible("#unexpected .group"), "the regressions are of other areas");
    assert!(browser.is_visible("#known .group"));
    browser.open(&page.url("?area=leaks"));
    assert!(browser.is_visible("#unexpected .group") && !browser.is_visible("#known .group"));
}

#[test]
fn the_grid_tells_how_what_is_shown_stands() {
    let page = Page::shared();
    let browser = Browser::start(1280, 900);
    browser.open(&page.url(""));
    let painted = browser.run(GRID);
    let script = format!("document.documentElement.innerHTML = arguments[0]; {GRID}");
    // As the file has it: a script that is put in like this does not run.
    assert_eq!(painted, browser.run_with(&script, serde_json::json!([page.text()])), "all cells give the file's grid");
    browser.open(&page.url("?area=fd"));
    let of_pair = |pair: &str| {
        let script = format!("return document.querySelector('.heat a[href=\"#pair:{pair}\"]').title");
        browser.run(&script)
    };
    assert_eq!(of_pair("mock-wrong-page:"), Value::from("verified: 1 pass"));
    assert_eq!(of_pair("mock-clean:mock-oopses"), Value::from("no cell here"));
}

#[test]
fn a_link_to_a_cell_shows_it_whatever_hides_it() {
    let page = Page::shared();
    let browser = Browser::start(1280, 900);
    for query in ["", "?area=fd"] {
        browser.open("about:blank");
        browser.open(&page.url(&format!("{query}#{KNOWN}")));
        let place = browser.run(&format!(
            "const box = document.getElementById('{KNOWN}').getBoundingClientRect(); return box.height > 0 && box.top >= 0 && box.top < innerHeight"
        ));
        assert_eq!(place, Value::from(true), "{query}");
        assert!(browser.text(&format!("[id='{KNOWN}']")).contains(&page.cell(KNOWN).findings[0].seen), "{query}");
    }
}
