//! The page on paper: the failures in full, and nothing to click at.

use std::process::Command;

use serde_json::json;

use crate::driver::Browser;
use crate::page::{KNOWN, Page};

/// A PDF's pages and its text.
fn read(pdf: &[u8]) -> (usize, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.pdf");
    std::fs::write(&path, pdf).unwrap();
    let said = Command::new("pdftotext").args(["-layout", "-enc", "UTF-8"]).arg(&path).arg("-").output();
    let said = said.expect("pdftotext: install the package poppler-utils, or run ci/test");
    let text = String::from_utf8(said.stdout).unwrap();
    // Each page ends with a form feed.
    (text.matches('\u{c}').count(), text)
}

/// Without what a line break may have changed.
fn bare(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}

#[test]
fn failures_are_printed_in_full_and_filters_are_not() {
    printed(&Browser::start(1280, 900));
}

#[test]
fn they_are_without_scripts_too() {
    let browser = Browser::start(1280, 900);
    browser.tools("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    printed(&browser);
}

fn printed(browser: &Browser) {
    let page = Page::shared();
    browser.open(&page.url(""));
    let (pages, text) = read(&browser.printed());
    let printed = bare(&text);
    let broken = page.regressions().chain([page.cell(KNOWN)]);
    for cell in broken {
        let finding = cell.findings.iter().find(|finding| finding.verdict == cell.verdict).unwrap();
        for part in [&cell.id, &finding.seen, &finding.expected, &format!("--exact {}", cell.id)] {
            assert!(printed.contains(&bare(part)), "{part} is not on paper:\n{text}");
        }
    }
    for part in ["Grid", "Not as expected", "Known failures", "Against another run", "Oracles and devices"] {
        assert!(printed.contains(&bare(part)), "{part}");
    }
    for part in ["Every cell", "Reset", "Arrow keys", "Skip to the results", "Filters need"] {
        assert!(!printed.contains(&bare(part)), "{part} is of no use on paper");
    }
    // A failure is some ten lines.
    assert!(pages >= 2 && pages <= 5 + page.regressions().count() / 2, "{pages} pages");
}
