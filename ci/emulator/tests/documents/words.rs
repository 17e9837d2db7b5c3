//! Words that make English hard to read for those who did not write it, and what is written in their place. Documents,
//! cases and board files are held to them.

use std::fs;

use crate::repository::{documents, files, prose, root};

/// What is not written, and what is.
const WORDS: &[(&str, &str)] = &[
    ("anew", "again, from scratch, regenerate"),
    ("mended", "fixed"),
    ("somebody", "someone"),
    ("nobody", "no one"),
    ("for ever", "forever"),
    ("so many", "N, up to N"),
    ("so often", "N times"),
    ("give back", "release, return, free"),
    ("gives back", "releases, returns, frees"),
    ("given back", "released, returned, freed"),
    ("gave back", "released, returned, freed"),
    ("has it not", "does not have it"),
    ("have it not", "do not have it"),
    ("is told", "is reported"),
    ("are told", "are reported"),
    ("told apart", "distinguished"),
    ("tells of", "reports"),
    ("gone on with", "resumed"),
    ("a run of before", "a previous run"),
];

/// Those of them that a text has, with the line and the better word. What stands in backquotes is a name, and `nobody` in
/// YAML is a user.
fn found<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in lines {
        let text: String = line.split('`').step_by(2).collect();
        let text = text.replace("user: nobody", "").replace("the user nobody", "").to_lowercase();
        let words: Vec<&str> = text.split(|letter: char| !letter.is_alphanumeric() && letter != '-').collect();
        let plain = format!(" {} ", words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "));
        let wrong = WORDS.iter().filter(|(word, _)| plain.contains(&format!(" {word} ")));
        found.extend(wrong.map(|(word, better)| format!("{number}: '{word}', better: {better}")));
    }
    found
}

#[test]
fn documents_cases_and_boards_keep_to_plain_words() {
    // These are made of other texts: the program's types, and the tables of the modules' faults.
    let generated = ["cases/REFERENCE.md", "fixtures/kmod/MUTANTS.md"];
    // A page of findings quotes.
    let pages = documents().into_iter().filter(|(path, _)| {
        !generated.iter().any(|name| path.ends_with(name)) && !path.starts_with("fixtures/findings")
    });
    let mut wrong: Vec<String> = pages
        .flat_map(|(path, text)| found(prose(&text)).into_iter().map(move |at| format!("{}:{at}", path.display())))
        .collect();
    for path in ["cases", "fixtures/boards"].iter().flat_map(|folder| files(&root().join(folder), &["yaml"])) {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
        wrong.extend(found(lines).into_iter().map(|at| format!("{}:{at}", path.display())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_word_that_is_not_plain_is_found() {
    let of = |line| found([(7, line)].into_iter());
    assert_eq!(of("The file is written anew."), ["7: 'anew', better: again, from scratch, regenerate"]);
    assert_eq!(of("Given back, at last; nobody knows.").len(), 2);
    let good = ["  user: nobody", "`nobody` and `for ever`", "whatever is manewed", "name: send-to-nobody"];
    assert!(good.iter().all(|line| of(line).is_empty()));
}
