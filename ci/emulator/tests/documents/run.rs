//! Every command that a document shows is run, by a board or by another test.

use std::collections::BTreeSet;
use std::fs;

use crate::commands::{By, COMMANDS};
use crate::repository::{documents, files, root};
use crate::shown::Shown;

#[test]
fn every_command_of_the_documents_is_run() {
    let known: BTreeSet<&str> = COMMANDS.iter().map(|(command, _)| *command).collect();
    assert_eq!(known.len(), COMMANDS.len(), "a command is listed twice");
    let mut shown = BTreeSet::new();
    let mut unknown = Vec::new();
    for (path, text) in documents() {
        // A page of findings records what was run when it was written.
        if path.starts_with("fixtures/findings") {
            continue;
        }
        let of_document = Shown::in_document(&text);
        for command in &of_document.blocks {
            if !known.contains(command.as_str()) {
                unknown.push(format!("{}: {command}", path.display()));
            }
        }
        for command in &of_document.named {
            if !known.iter().any(|known| known.starts_with(command.as_str())) {
                unknown.push(format!("{}: {command}", path.display()));
            }
        }
        shown.extend(of_document.blocks);
        shown.extend(of_document.named);
    }
    let gone: Vec<_> = known.iter().filter(|command| !shown.contains(**command)).collect();
    assert!(unknown.is_empty() && gone.is_empty(), "no test runs {unknown:#?}; in no document: {gone:#?}");
}

/// The functions that are tests, of Rust and of Python.
fn tests(sources: &str) -> BTreeSet<&str> {
    let name = |line: &'_ str, word: &str| -> Option<usize> { line.trim_start().strip_prefix(word)?.find('(') };
    let mut found = BTreeSet::new();
    let mut marked = false;
    for line in sources.lines() {
        let text = line.trim_start();
        if text == "#[test]" {
            marked = true;
        } else if let (true, Some(end)) = (marked, name(text, "fn ")) {
            found.insert(&text["fn ".len()..][..end]);
            marked = false;
        } else if let (true, Some(end)) = (text.starts_with("def test_"), name(text, "def ")) {
            found.insert(&text["def ".len()..][..end]);
        } else if marked && !text.starts_with("#[") {
            marked = false;
        }
    }
    found
}

#[test]
fn a_test_that_runs_a_command_is_there() {
    let root = root();
    let sources = ["harness", "ci"].map(|folder| files(&root.join(folder), &["rs", "py"])).concat();
    let sources: Vec<String> = sources.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    let tests: BTreeSet<&str> = sources.iter().flat_map(|source| tests(source)).collect();
    assert!(tests.len() > 500, "{}", tests.len());
    for (command, by) in COMMANDS {
        match by {
            By::Test(name) => assert!(tests.contains(name), "{command}: there is no test {name}"),
            By::Built(file, why) => {
                assert!(root.join(file).is_file() && !why.is_empty(), "{command}: there is no {file}");
            }
            By::Board(codes, _) => assert!(!codes.is_empty(), "{command}"),
        }
    }
}

#[test]
fn functions_that_are_no_tests_are_not_found() {
    let source = "fn helper() {\n#[test]\nfn first() {\n#[test]\n#[ignore = \"slow\"]\nfn second() {\nfn third() {\n\
        #[test]\nlet x;\nfn fourth() {\ndef test_fifth(self):\ndef helper():\n";
    assert_eq!(tests(source).into_iter().collect::<Vec<_>>(), ["first", "second", "test_fifth"]);
}
