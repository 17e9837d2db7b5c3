//! Nothing is loaded, nothing is sent, and nothing that a driver says runs.

use crate::driver::Browser;
use crate::page::{HOSTILE, Page, REGRESSION};

/// The end of the head: what stands behind it is subject to the policy.
const BODY: &str = "<body>";

#[test]
fn the_page_asks_for_nothing_but_itself() {
    let page = Page::shared();
    let browser = Browser::start(1280, 900);
    browser.open("about:blank");
    browser.requests();
    browser.open(&page.url(""));
    assert_eq!(browser.requests(), [page.url("")]);
    browser.run("document.querySelectorAll('details').forEach(part => part.open = true)");
    assert_eq!(browser.requests(), [] as [String; 0]);
}

#[test]
fn what_a_driver_says_is_shown_and_does_not_run() {
    let page = Page::shared();
    let browser = Browser::start(1280, 900);
    browser.open(&page.url(&format!("#{REGRESSION}")));
    assert!(browser.text(&format!("[id='{REGRESSION}'] pre")).contains(HOSTILE));
    assert_eq!(browser.run("return document.title + document.images.length"), format!("{}0", title(page)));
}

fn title(page: &Page) -> String {
    format!("prime-cts: mocks, Linux {}", page.recorded.run.kernel)
}

#[test]
fn the_policy_stops_what_escaping_would_let_through() {
    let page = Page::shared();
    let browser = Browser::start(1280, 900);
    let text = page.text();
    let taken = |name: &str, text: &str| {
        browser.requests();
        browser.open(&page.beside(name, text));
        let asked = browser.requests().iter().any(|url| url.contains("taken.png"));
        (browser.run("return document.title") == "taken", asked)
    };
    let planted = text.replacen(BODY, &format!("{BODY}{HOSTILE}"), 1);
    assert_eq!(taken("planted.html", &planted), (false, false));
    let begin = planted.find("<meta http-equiv").unwrap();
    let end = begin + planted[begin..].find('>').unwrap() + 1;
    let unguarded = planted.replace(&planted[begin..end], "");
    assert_eq!(taken("unguarded.html", &unguarded), (true, true), "without the policy it is");
}
