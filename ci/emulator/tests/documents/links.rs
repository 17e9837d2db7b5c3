//! Every link of a document leads to a file that is there, and to a heading of it.

use std::fs;
use std::path::Path;

use crate::repository::{documents, prose, root};

/// The places that a document links to, but for those on the web.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let links = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    links.filter(|link| !link.contains("://"))
}

/// What a heading is called in a link.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    text.chars().filter(|&letter| letter.is_alphanumeric() || "-_".contains(letter)).collect()
}

/// What is wrong with a link of a document.
fn broken(root: &Path, document: &Path, link: &str) -> Option<String> {
    let (path, wanted) = link.split_once('#').map_or((link, None), |(path, wanted)| (path, Some(wanted)));
    let at = root.join(document);
    let target = if path.is_empty() { at } else { at.parent().unwrap().join(path) };
    if !target.exists() {
        return Some(format!("{}: {link} is not there", document.display()));
    }
    let wanted = wanted?;
    let text = fs::read_to_string(&target).unwrap_or_default();
    let found = prose(&text).any(|(_, line)| line.starts_with('#') && anchor(line) == wanted);
    (!found).then(|| format!("{}: {link} has no such heading", document.display()))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let root = root();
    let documents = documents();
    let all = documents.iter().flat_map(|(path, text)| links(text).map(move |link| (path, link)));
    let broken: Vec<_> = all.filter_map(|(path, link)| broken(&root, path, link)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_broken_link_is_found() {
    let root = root();
    let broken = |link| broken(&root, Path::new("ci/README.md"), link);
    assert_eq!(broken("FARMS.md#lava"), None);
    assert_eq!(broken("../README.md#two-commands"), None);
    assert!(broken("nowhere.md").unwrap().contains("is not there"));
    assert!(broken("FARMS.md#nowhere").unwrap().contains("no such heading"));
    assert!(broken("#nowhere").is_some());
    assert_eq!(links("[a](b.md#c), [d](https://e), ![f](g.png)").collect::<Vec<_>>(), ["b.md#c", "g.png"]);
}
