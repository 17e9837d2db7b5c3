//! The page with scripts switched off.

use serde_json::json;
use spec::verdict::{Outcome, Verdict};

use crate::driver::Browser;
use crate::page::{KNOWN, Page, REGRESSION};

#[test]
fn everything_is_there_to_be_read() {
    let page = Page::shared();
    let browser = Browser::start(1280, 900);
    browser.tools("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    browser.open(&page.url(""));
    assert!(!browser.is_visible("#filter"), "a filter that does nothing");
    assert!(browser.text("noscript").contains("Filters need scripts"));
    let cells = browser.text("#cells");
    for cell in page.recorded.cells.iter() {
        assert!(cells.contains(&cell.case), "{}", cell.id);
    }
    let unexpected = browser.text("#unexpected");
    for cell in page.regressions() {
        for finding in cell.findings.iter().filter(|finding| finding.verdict.broken()) {
            assert!(unexpected.contains(&cell.id) && unexpected.contains(&finding.seen), "{}", cell.id);
        }
    }
    for part in ["#grid", "#known", "#against", "#coverage", "#machine", "#rules"] {
        assert!(browser.text(part).lines().count() > 2, "{part}");
    }
    assert!(browser.text("#against").contains("leaks.import") || browser.text("#against").contains("Only in this run"));
}

#[test]
fn links_lead_into_what_is_closed() {
    let page = Page::shared();
    let browser = Browser::start(1280, 900);
    browser.tools("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    let refused =
        page.recorded.cells.iter().find(|cell| cell.verdict == Verdict::Refused && cell.outcome == Outcome::Expected);
    let refused = refused.unwrap();
    browser.open(&page.url(""));
    assert!(!browser.is_visible(&format!("[id='{KNOWN}']")) && !browser.is_visible(&format!("[id='{}']", refused.id)));
    for cell in [page.cell(KNOWN), page.cell(REGRESSION), refused] {
        browser.open(&page.url(&format!("#{}", cell.id)));
        let told = browser.text(&format!("[id='{}']", cell.id));
        let finding = cell.findings.iter().find(|finding| finding.verdict == cell.verdict).unwrap();
        assert!(told.contains(&finding.seen) && told.contains(&format!("--exact {}", cell.id)), "{}: {told}", cell.id);
    }
}
