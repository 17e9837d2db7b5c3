//! Words that make English hard to read for those who did not write it, and what is written in their place. Documents,
//! cases, board files and the text in sources keep to them.

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
        let words: Vec<&str> =
            text.split(|letter: char| !letter.is_alphanumeric() && letter != '-' && letter != '_').collect();
        let plain = format!(" {} ", words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "));
        let wrong = WORDS.iter().filter(|(word, _)| plain.contains(&format!(" {word} ")));
        found.extend(wrong.map(|(word, better)| format!("{number}: '{word}', better: {better}")));
    }
    found
}

#[test]
fn documents_cases_and_boards_keep_to_plain_words() {
    // It is made of other texts: the program's types.
    let generated = ["cases/REFERENCE.md"];
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

/// The text of a line of Rust: its comment and its string literals.
fn of_rust(line: &str) -> String {
    let (code, comment) = line.split_once("//").unwrap_or((line, ""));
    // A URL has two slashes within a literal.
    let (code, comment) = if code.matches('"').count().is_multiple_of(2) { (code, comment) } else { (line, "") };
    let literals: Vec<&str> = code.split('"').skip(1).step_by(2).collect();
    format!("{} {comment}", literals.join(" "))
}

#[test]
fn sources_keep_to_plain_words() {
    let rust = ["harness", "ci"].iter().flat_map(|folder| files(&root().join(folder), &["rs"]));
    // The list of the words itself.
    let rust = rust.filter(|path| !path.ends_with("documents/words.rs"));
    let others = ["ci", "fixtures/kmod", "harness"].iter();
    let others = others.flat_map(|folder| files(&root().join(folder), &["c", "h", "sh", "py", "js"]));
    let mut wrong = Vec::new();
    for path in rust.chain(others) {
        let text = fs::read_to_string(&path).unwrap();
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        let lines: Vec<String> =
            text.lines().map(|line| if is_rust { of_rust(line) } else { line.to_owned() }).collect();
        let lines = lines.iter().enumerate().map(|(number, line)| (number + 1, line.as_str()));
        wrong.extend(found(lines).into_iter().map(|at| format!("{}:{at}", path.display())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_text_of_a_line_of_rust_is_its_comment_and_its_literals() {
    assert_eq!(of_rust(r#"    let told = nobody("a b", 'c'); // given back"#).trim(), "a b  given back");
    assert_eq!(of_rust("    nobody.tell(told)").trim(), "");
    assert_eq!(of_rust(r#"get("http://nobody/x")"#).trim(), "http://nobody/x");
    assert_eq!(found([(1, of_rust("/// Written anew.").as_str())].into_iter()).len(), 1);
}

#[test]
fn a_word_that_is_not_plain_is_found() {
    let of = |line| found([(7, line)].into_iter());
    assert_eq!(of("The file is written anew."), ["7: 'anew', better: again, from scratch, regenerate"]);
    assert_eq!(of("Given back, at last; nobody knows.").len(), 2);
    let good = ["  user: nobody", "`nobody` and `for ever`", "whatever is manewed", "name: send-to-nobody"];
    assert!(good.iter().all(|line| of(line).is_empty()));
}
