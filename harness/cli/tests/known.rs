//! Known faults through the program: a failure that a finding explains, on mocks.

mod program;

use program::Place;

/// A finding about the mock that shows another page.
fn page(change: &[(&str, &str)]) -> String {
    let page = "---
title: The mock shows page 0
status: not-sent
faults:
  - cells: [mapping.at-offset.*]
    exporter: {drivers: [mock]}
    kernels: {since: \"2.6\"}
    verdict: [fail]
    seen: [the bytes of offset 0]
    cause: it is made so
---

# The mock shows page 0
";
    change.iter().fold(page.to_owned(), |page, (old, new)| {
        assert!(page.contains(old), "{old}");
        page.replace(old, new)
    })
}

/// A run of the cells of one case on the mock with the fault.
fn run(place: &Place, options: &str) -> program::Said {
    place.mock("wrong-page", &format!("mapping.at-offset {options}"))
}

#[test]
fn a_known_fault_does_not_fail_a_run_without_a_board_file() {
    let place = Place::new();
    assert_eq!(run(&place, "").code, Some(1));
    place.file("findings/page-zero.md", page(&[]));
    let said = run(&place, "--findings findings");
    assert_eq!(said.code, Some(0), "{said:?}");
    for words in ["known fault page-zero (kernels since 2.6): it is made so", "1 cell with a known fault of the kernel"]
    {
        assert!(said.out.contains(words), "{words}: {said:?}");
    }
    let events = std::fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    assert!(events.contains("\"known\":[\"page-zero\"]"), "{events}");
    let ktap = std::fs::read_to_string(place.path("out/run.ktap")).unwrap();
    assert!(ktap.contains("# XFAIL known fault page-zero (kernels since 2.6)"), "{ktap}");
}

#[test]
fn a_failure_that_differs_in_anything_is_new() {
    let other: &[(&str, &str)] = &[
        ("drivers: [mock]", "drivers: [vgem]"),
        ("[the bytes of offset 0]", "[the bytes of offset 4096]"),
        ("{since: \"2.6\"}", "{since: \"2.6\", until: \"2.6\"}"),
        ("[mapping.at-offset.*]", "[mapping.write-at-offset.*]"),
        ("verdict: [fail]", "verdict: [crash]"),
    ];
    for change in other {
        let place = Place::new();
        place.file("findings/page-zero.md", page(&[*change]));
        let said = run(&place, "--findings findings");
        assert_eq!(said.code, Some(1), "{change:?}: {said:?}");
        assert!(said.out.contains("(regression)") && !said.out.contains("known fault"), "{change:?}: {said:?}");
    }
}

#[test]
fn a_board_that_names_a_known_fault_has_to_show_it() {
    let place = Place::new();
    place.file("findings/page-zero.md", page(&[]));
    place.file("b.yaml", "name: b\ndescription: d\narchitecture: x86_64\nexpect: {known: [page-zero]}\n");
    assert_eq!(run(&place, "--findings findings --board b.yaml").code, Some(0));
    let fixed = place.mock("clean", "mapping.at-offset --findings findings --board b.yaml");
    assert_eq!(fixed.code, Some(1), "{fixed:?}");
    assert!(fixed.out.contains("(unexpected-pass)") && fixed.out.contains("known fault page-zero"), "{fixed:?}");
    place.file("c.yaml", "name: c\ndescription: d\narchitecture: x86_64\nexpect: {known: []}\n");
    assert_eq!(place.mock("clean", "mapping.at-offset --findings findings --board c.yaml").code, Some(0));
}

#[test]
fn findings_that_cannot_be_used_are_errors() {
    let place = Place::new();
    run(&place, "--findings none").fails(2, &["cannot read none: No such file", "as fixtures/findings is one"]);
    place.file("findings/page-zero.md", page(&[("seen:", "sen:")]));
    run(&place, "--findings findings").fails(2, &["findings/page-zero.md:9:", "unknown field `sen`", "^^^"]);
    place.file("findings/page-zero.md", page(&[]));
    place.file("b.yaml", "name: b\ndescription: d\narchitecture: x86_64\nexpect: {known: [page-zer]}\n");
    let said = run(&place, "--findings findings --board b.yaml");
    said.fails(2, &["'page-zer', which is not a finding (did you mean 'page-zero'?)"]);
}

#[test]
fn known_faults_are_listed() {
    let said = Place::new().run("list findings");
    assert_eq!(said.code, Some(0), "{said:?}");
    for words in ["mapping-at-offset", "since 5.10", "not sent yet", "of which explain failures"] {
        assert!(said.out.contains(words), "{words}: {said:?}");
    }
    assert!(!said.out.contains("qemu-ldrd"), "a note is not a fault: {said:?}");
    let json = Place::new().run("list findings --format json");
    assert!(json.out.lines().all(|line| line.starts_with("{\"name\":")), "{json:?}");
}
