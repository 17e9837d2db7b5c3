//! The pictures of harness/README.md, made from a run of `ci/board run debian-amd64` and one of
//! `ci/board run debian-amd64 --change prime-handle-cache`:
//! `cargo test -p prime-cts --features browser --test browser -- --ignored`.

use std::path::{Path, PathBuf};

use crate::driver::Browser;
use crate::program::Place;

/// The failure that the README explains.
const FAILURE: &str = "mapping.at-offset.drm-vgem";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pictures")
}

/// The folder of a run, from the repository's; that of a red run has a name behind the board's.
fn run(change: &str) -> PathBuf {
    let run = std::env::var("PRIME_CTS_PICTURES").unwrap_or("target/boards/debian-amd64".into());
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(run + change)
}

#[test]
#[ignore = "it writes the pictures of harness/README.md, from the run in target/boards/debian-amd64 or that of PRIME_CTS_PICTURES"]
fn the_pictures_are_made_anew() {
    let place = Place::new();
    let page = |folder: &str, change: &str| {
        place.file(&format!("{folder}/run.jsonl"), std::fs::read(run(change).join("run.jsonl")).unwrap());
        let said = place.run(&format!("report {folder} --html"));
        assert_eq!(said.err, "", "{said:?}");
        format!("file://{}", place.path(&format!("{folder}/report.html")).display())
    };
    let url = page("green", "");
    let browser = Browser::start(1120, 900);
    // From the top of one element to the bottom of another.
    let take = |name: &str, from: &str, to: &str| {
        let edge = |element: &str, side: &str| {
            let script = format!("return {element}.getBoundingClientRect().{side} + scrollY");
            browser.run(&script).as_f64().unwrap()
        };
        let picture = browser.picture(edge(from, "top"), edge(to, "bottom") + 1.0);
        std::fs::write(folder().join(name), picture).unwrap();
    };
    browser.open(&url);
    take("grid.png", "document.getElementById('grid')", "document.querySelector('.legend')");
    browser.open(&page("red", "+prime-handle-cache"));
    take("cause.png", "document.body", "document.querySelector('.cause')");
    browser.open(&format!("{url}#{FAILURE}"));
    let cell = format!("document.getElementById('{FAILURE}').closest('.cell')");
    let group = format!("{cell}.closest('.group')");
    browser.run(&format!("{group}.querySelector('.steps').open = true; {group}.scrollIntoView()"));
    take("failure.png", &group, &cell);
}

/// Each is shown by harness/README.md, and small enough for a repository.
#[test]
fn the_readme_shows_the_pictures_that_are_there() {
    let readme = std::fs::read_to_string(folder().join("../../harness/README.md")).unwrap();
    for name in ["cause.png", "grid.png", "failure.png"] {
        let picture = std::fs::read(folder().join(name)).unwrap();
        assert!(picture.starts_with(b"\x89PNG") && picture.len() < 150_000, "{name}: {} bytes", picture.len());
        assert!(readme.contains(&format!("(../fixtures/pictures/{name})")), "{name}");
    }
}
