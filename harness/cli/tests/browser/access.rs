//! What a screen reader says, what a colour-blind or short-sighted person sees, and what fits on a phone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::driver::Browser;
use crate::page::Page;

/// Plants a rule at the end of the style.
const RULE: &str = "const sheet = document.styleSheets[0]; sheet.insertRule(arguments[0], sheet.cssRules.length)";

/// The accessibility tree: role, name and properties of what is not ignored.
fn tree(browser: &Browser) -> Vec<(String, String, BTreeMap<String, Value>)> {
    let told = browser.tools("Accessibility.getFullAXTree", json!({}));
    let nodes = told["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] == false);
    let of = |node: &Value| {
        let text = |what: &str| node[what]["value"].as_str().unwrap_or("").to_owned();
        let properties = node["properties"].as_array().into_iter().flatten();
        let properties =
            properties.map(|one| (one["name"].as_str().unwrap().to_owned(), one["value"]["value"].clone()));
        (text("role"), text("name"), properties.collect())
    };
    nodes.map(of).collect()
}

#[test]
fn the_tree_has_landmarks_headings_in_order_and_a_name_for_everything() {
    let browser = Browser::start(1280, 900);
    browser.open(&Page::shared().url(""));
    browser.run("document.querySelectorAll('details').forEach(part => part.open = true)");
    let tree = tree(&browser);
    let count = |role: &str| tree.iter().filter(|(found, ..)| found == role).count();
    for landmark in ["banner", "navigation", "search", "main", "contentinfo", "status"] {
        assert_eq!(count(landmark), 1, "{landmark}");
    }
    let levels = tree.iter().filter(|(role, ..)| role == "heading").map(|(_, _, with)| with["level"].as_u64().unwrap());
    let levels: Vec<u64> = levels.collect();
    assert!(levels[0] == 1 && levels.iter().filter(|level| **level == 1).count() == 1, "{levels:?}");
    assert!(levels.windows(2).all(|two| two[1] <= two[0] + 1), "{levels:?}");
    let named =
        ["link", "button", "checkbox", "combobox", "searchbox", "table", "region", "heading", "DisclosureTriangle"];
    for role in named {
        assert!(count(role) > 0 || role == "button", "{role}");
        let nameless = tree.iter().filter(|(found, name, _)| found == role && name.trim().is_empty()).count();
        assert_eq!(nameless, 0, "{role} without a name");
    }
    for name in ["Grid", "Grid of exporters and importers", "Devices", "Every cell"] {
        assert!(tree.iter().any(|(role, found, _)| role == "region" && found == name), "{name}");
    }
    let in_words = |(role, name, _): &&(String, String, _)| role == "link" && name.contains("not as expected: ");
    assert!(tree.iter().filter(in_words).count() > 4, "the grid's signs are shown as words");
    assert!(count("rowheader") > Page::shared().recorded.cells.len() && count("columnheader") > 10);
}

/// Texts whose contrast with what is behind them is under 4.5 (WCAG 2.2, 1.4.3), as `ratio text`.
const FAINT: &str = r#"
    const parse = (color) => color.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = (at) => {
        for (; at; at = at.parentElement) {
            const color = parse(getComputedStyle(at).backgroundColor);
            if (color.length < 4 || color[3] === 1) return color;
        }
        return [255, 255, 255];
    };
    const faint = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let looked = 0;
    while (walk.nextNode()) {
        const at = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !at.checkVisibility() || at.closest('script, style')) continue;
        const [one, other] = [light(parse(getComputedStyle(at).color)), light(behind(at))];
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        looked += 1;
        if (ratio < 4.5) faint.add(`${ratio.toFixed(2)} ${at.className} ${walk.currentNode.data.slice(0, 20)}`);
    }
    return [looked, [...faint]];"#;

#[test]
fn every_text_stands_out_from_what_is_behind_it_by_day_and_by_night() {
    let page = Page::shared();
    let browser = Browser::start(1280, 900);
    let mut backs = Vec::new();
    for scheme in ["light", "dark"] {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.tools("Emulation.setEmulatedMedia", media);
        browser.open(&page.url(&format!("#{}", crate::page::KNOWN)));
        let told = browser.run(FAINT);
        assert!(told[0].as_u64().unwrap() > 1000 && told[1] == json!([]), "{scheme}: {told}");
        backs.push(browser.run("return getComputedStyle(document.body).backgroundColor"));
    }
    assert_ne!(backs[0], backs[1]);
    browser.tools("Emulation.setEmulatedMedia", json!({"features": []}));
    browser.open(&page.url(""));
    browser.run_with(RULE, json!([".note { color: #999 }"]));
    assert_ne!(browser.run(FAINT)[1], json!([]), "a faint text is found");
}

#[test]
fn a_phone_scrolls_one_way() {
    let browser = Browser::start(1280, 900);
    let phone = json!({"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true});
    browser.tools("Emulation.setDeviceMetricsOverride", phone);
    browser.open(&Page::shared().url(""));
    browser.run("document.querySelectorAll('details').forEach(part => part.open = true)");
    let wide = "return [...document.querySelectorAll('body *')].filter(at => at.checkVisibility() && !at.closest('.wide, .skip, .unseen')
        && at.getBoundingClientRect().right > 391).slice(0, 5).map(at => at.outerHTML.slice(0, 200))";
    assert_eq!(browser.run(wide), json!([]));
    assert_eq!(browser.run("return [innerWidth, document.documentElement.scrollWidth]"), json!([390, 390]));
    browser.run_with(RULE, json!([".pair th { min-width: 500px }"]));
    assert_ne!(browser.run(wide), json!([]), "what is too wide is found");
}
