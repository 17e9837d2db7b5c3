//! The repository's files, and its documents among them.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    fs::canonicalize(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

/// The files below a folder with one of these extensions, without what was built.
pub fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() && name != "target" && !name.starts_with('.') {
            found.extend(files(&path, extensions));
        } else if extensions.iter().any(|extension| path.extension().is_some_and(|other| other == *extension)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The documents, by their paths in the repository.
pub fn documents() -> Vec<(PathBuf, String)> {
    let root = root();
    // The trees are of sysfs.
    let folders =
        ["cases", "ci", "harness", "fixtures/boards", "fixtures/changes", "fixtures/findings", "fixtures/kmod"];
    let mut found: Vec<PathBuf> = folders.iter().flat_map(|folder| files(&root.join(folder), &["md"])).collect();
    found.extend(
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "fixtures/trees/README.md"].map(|name| root.join(name)),
    );
    let read = |path: PathBuf| (path.strip_prefix(&root).unwrap().to_owned(), fs::read_to_string(&path).unwrap());
    found.into_iter().map(read).collect()
}

/// The text of a document without fenced blocks, line by line with the numbers.
pub fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(number, line)| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        (!fence && !fenced).then_some((number + 1, line))
    })
}
