//! No file of the workspace imports itself through others.

use std::fs;
use std::path::{Path, PathBuf};

/// Every crate of the repository, found by its folder: a new one is checked without being named.
fn crates(root: &Path) -> Vec<PathBuf> {
    let folders = ["harness", "ci"].iter().flat_map(|room| fs::read_dir(root.join(room)).unwrap());
    let folders = folders.map(|entry| entry.unwrap().path());
    folders.filter(|folder| folder.join("Cargo.toml").is_file()).collect()
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let crates = crates(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    assert!(crates.len() >= 14, "{crates:?}");
    let mut found = Vec::new();
    for folder in crates {
        let circles = circles::of_crate(&folder).unwrap();
        found.extend(circles.iter().map(|circle| format!("{}: {circle}", folder.display())));
    }
    assert!(found.is_empty(), "import circles:\n{}", found.join("\n"));
}
