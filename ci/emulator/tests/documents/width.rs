//! Documents can be read at a terminal, and the first one in three minutes.

use std::fs;
use std::path::PathBuf;

use crate::repository::{documents, prose, root};

/// Lines that are too long: of text, not of tables and of what a program printed.
fn long(text: &str) -> Vec<usize> {
    let lines = prose(text).filter(|(_, line)| line.chars().count() > 100 && !line.starts_with('|'));
    lines.map(|(number, _)| number).collect()
}

#[test]
fn lines_have_at_most_100_columns() {
    let found = |(path, text): (PathBuf, String)| (!long(&text).is_empty()).then(|| (path, long(&text)));
    // What is quoted in a page of findings is as it was printed or sent.
    let pages = documents().into_iter().filter(|(path, _)| !path.starts_with("fixtures/findings"));
    let found: Vec<_> = pages.filter_map(found).collect();
    assert!(found.is_empty(), "{found:#?}");
    let wide = "x".repeat(101);
    assert_eq!(long(&format!("short\n{wide}\n|{wide}\n```\n{wide}\n```\n")), [2]);
}

#[test]
fn the_readme_is_short() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(
        readme.lines().count() <= 150,
        "{} lines: what is not for everyone goes into a room",
        readme.lines().count()
    );
}
