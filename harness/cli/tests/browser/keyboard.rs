//! The page without a mouse.

use std::collections::BTreeSet;

use crate::driver::{Browser, DOWN, ENTER, LEFT, RIGHT, TAB, UP};
use crate::page::Page;

/// What has the focus, and whether a person sees that.
const FOCUS: &str = "const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
    return [at.hash || at.name || at.id || at.localName,
        at.matches('main') || style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0]";

fn focus(browser: &Browser) -> String {
    let told = browser.run(FOCUS);
    let at = told[0].as_str().unwrap().to_owned();
    assert_eq!((&told[1], &told[2]), (&true.into(), &true.into()), "the focus on {at} is not seen");
    at
}

#[test]
fn the_first_key_skips_to_the_results() {
    let browser = Browser::start(1280, 900);
    browser.open(&Page::shared().url(""));
    browser.press(&[TAB]);
    assert_eq!(focus(&browser), "#main");
    browser.press(&[ENTER]);
    assert_eq!(focus(&browser), "main");
}

#[test]
fn every_control_is_reached_and_the_grid_is_one_stop() {
    let browser = Browser::start(1280, 900);
    browser.open(&Page::shared().url(""));
    let mut seen = BTreeSet::new();
    let mut stops_in_grid = 0;
    for _ in 0..60 {
        browser.press(&[TAB]);
        let at = focus(&browser);
        stops_in_grid += usize::from(at.starts_with("#pair:"));
        seen.insert(at);
    }
    for control in ["#main", "#cells", "area", "driver", "text", "verdict", "unwanted", "button"] {
        assert!(seen.contains(control), "{control} is not among {seen:?}");
    }
    assert_eq!(stops_in_grid, 1, "{seen:?}");
}

#[test]
fn arrow_keys_move_in_the_grid_and_enter_goes_to_the_cells() {
    let browser = Browser::start(1280, 900);
    browser.open(&Page::shared().url(""));
    browser.run("document.querySelector('.heat td a').focus({focusVisible: true})");
    let at = |keys: &[&str]| {
        browser.press(keys);
        focus(&browser)
    };
    assert_eq!(at(&[DOWN]), "#pair:mock-oopses:");
    assert_eq!(at(&[RIGHT]), "#pair:mock-oopses:mock-clean");
    assert_eq!(at(&[RIGHT, DOWN]), "#pair:mock-refuses:mock-oopses");
    assert_eq!(at(&[UP, LEFT, LEFT]), "#pair:mock-oopses:");
    assert_eq!(at(&[UP, UP, LEFT]), "#pair:mock-clean:", "the grid has an end");
    browser.press(&[RIGHT, ENTER]);
    assert!(browser.address().ends_with("#pair:mock-clean:mock-clean"), "{}", browser.address());
    let there = "const top = document.getElementById('pair:mock-clean:mock-clean').getBoundingClientRect().top; return top >= 0 && top < 300";
    assert_eq!(browser.run(there), true);
}
