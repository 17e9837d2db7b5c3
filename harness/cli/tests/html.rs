//! `prime-cts report --html` through the program. What the page holds is tested in src/report/html, and in a browser.

mod program;

use std::fs;

use program::Place;

#[test]
fn the_page_is_beside_the_run_and_the_program_says_where() {
    let place = Place::new();
    place.mock("clean", "fd.size mapping.whole");
    let said = place.run("report out --html");
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "out/report.html\n", ""));
    let page = fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("id=\"mapping.whole.mock-clean\""));
    assert!(!page.contains("id=\"against\""));
    let said = place.run("report out/run.jsonl --html --against out");
    assert_eq!((said.code, said.out.as_str()), (Some(0), "out/report.html\n"));
    assert!(fs::read_to_string(place.path("out/report.html")).unwrap().contains("id=\"against\""));
}

#[test]
fn with_an_output_it_is_among_the_other_reports() {
    let place = Place::new();
    place.mock("clean,wrong-page", "mapping.at-offset");
    fs::rename(place.path("out/run.jsonl"), place.path("of-a-farm.jsonl")).unwrap();
    let said = place.run("report of-a-farm.jsonl --html --output reports");
    assert_eq!(said.code, Some(1), "as the run: {said:?}");
    assert!(said.out.ends_with("\nreports/report.html\n"), "{said:?}");
    for name in ["report.html", "junit.xml", "run.ktap", "run.jsonl"] {
        assert!(place.path("reports").join(name).is_file(), "{name}");
    }
    assert!(!place.path("report.html").exists());
}

#[test]
fn what_a_console_told_has_a_page() {
    let place = Place::new();
    let said = place.mock("clean", "fd.size --console");
    place.file("console.log", said.out);
    let said = place.run("report console.log --from-console --html");
    assert_eq!((said.code, said.out.as_str()), (Some(0), "report.html\n"), "{said:?}");
    assert!(fs::read_to_string(place.path("report.html")).unwrap().contains("id=\"fd.size.mock-clean\""));
}

#[test]
fn a_run_that_was_cut_short_says_so_on_its_page() {
    let place = Place::new();
    place.mock("clean", "fd.size mapping.whole");
    let text = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    let last = text.rfind("{\"event\":\"cell\"").unwrap();
    place.file("cut/run.jsonl", &text[..last]);
    assert_eq!(place.run("report cut --html").code, Some(5));
    let page = fs::read_to_string(place.path("cut/report.html")).unwrap();
    assert!(page.contains("The run was cut short: its journal has no end."), "{page}");
    assert!(page.contains(" was running when the run was cut short."), "{page}");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let place = Place::new();
    place.mock("clean", "fd.size");
    for (line, wanted) in [
        ("report out --against out", "--html"),
        ("report out --html --format junit", "cannot be used with"),
        ("report out --html --cell fd.size", "cannot be used with"),
        ("report out --html --against none", "cannot read none"),
    ] {
        let said = place.run(line);
        assert!(said.code == Some(2) && said.err.contains(wanted), "{line}: {said:?}");
    }
    assert!(!place.path("out/report.html").exists(), "no half of a page");
}
