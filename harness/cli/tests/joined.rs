//! `prime-cts coverage` and `prime-cts diff` through the program, with journals of mocks, whole and damaged.

mod program;

use std::fs;

use program::{Place, Said};

/// A journal of a mock, as a file of this name; its endpoint exports through what is given as JSON.
fn journal(place: &Place, name: &str, fault: &str, through: &str) -> String {
    place.mock(fault, "mapping.whole fd.size fd.open");
    let text = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let endpoint = lines.iter_mut().find(|line| line.starts_with("{\"event\":\"endpoint\"")).unwrap();
    let (begin, _) = endpoint.rsplit_once("\"map_dma_buf\":").unwrap();
    *endpoint = format!("{begin}\"map_dma_buf\":{through}}}");
    let text = lines.join("\n") + "\n";
    place.file(name, &text);
    text
}

const OBSERVED: &str = r#"{"symbol":"map_udmabuf","exp_name":"udmabuf","observed":true}"#;

fn succeeds(said: &Said, code: i32, texts: &[&str]) {
    assert_eq!((said.code, said.err.as_str()), (Some(code), ""), "{said:?}");
    texts.iter().for_each(|text| assert!(said.out.contains(text), "'{text}' is not in {said:?}"));
}

#[test]
fn what_runs_reached_is_joined() {
    let place = Place::new();
    journal(&place, "one.jsonl", "clean", OBSERVED);
    journal(&place, "two.jsonl", "clean", r#"{"symbol":"i915_gem_map_dma_buf","exp_name":"i915","observed":false}"#);
    let said = place.run("coverage one.jsonl two.jsonl");
    succeeds(
        &said,
        0,
        &["run 1  no board file, Linux ", "run 2  ", "\n  map_udmabuf  1 ", "only inferred: does not count"],
    );
    assert!(said.out.contains("\n  i915_gem_map_dma_buf"), "{said:?}");
    let json = place.run("coverage one.jsonl two.jsonl --format json");
    succeeds(&json, 0, &["\"version\": 1", "\"symbol\": \"map_udmabuf\""]);
    assert!(serde_json::from_str::<serde_json::Value>(&json.out).is_ok());
}

#[test]
fn a_function_that_nobody_knows_is_told_and_fails() {
    let place = Place::new();
    journal(&place, "folder/run.jsonl", "clean", r#"{"symbol":"vendor_map","exp_name":"vendor","observed":true}"#);
    let text = "UNKNOWN  the function vendor_map of exporter \"vendor\", seen on no board";
    succeeds(&place.run("coverage folder"), 1, &[text]);
}

#[test]
fn runs_that_observed_nothing_are_no_coverage() {
    let place = Place::new();
    journal(&place, "run.jsonl", "clean", "null");
    succeeds(&place.run("coverage run.jsonl"), 3, &["0 of "]);
}

#[test]
fn a_new_failure_makes_the_difference() {
    let place = Place::new();
    let good = journal(&place, "good.jsonl", "clean", OBSERVED);
    // The same device, which now gives other bytes.
    let bad = good.replacen("\"verdict\":\"pass\"", "\"verdict\":\"fail\"", 1);
    assert_ne!(good, bad);
    place.file("bad/run.jsonl", bad);
    succeeds(&place.run("diff good.jsonl good.jsonl"), 0, &["nothing has changed"]);
    succeeds(&place.run("diff good.jsonl bad"), 1, &["new failures (1)", "pass -> fail: mock-clean"]);
    succeeds(&place.run("diff bad good.jsonl"), 0, &["fixed (1)\n  fail -> pass  mock-clean"]);
    let json = place.run("diff good.jsonl bad --format json");
    let read: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, &read["broken"][0]["after"]), (Some(1), &"fail".into()));
}

#[test]
fn a_device_of_another_name_is_another_device() {
    let place = Place::new();
    journal(&place, "one.jsonl", "clean", OBSERVED);
    journal(&place, "two.jsonl", "wrong-page", OBSERVED);
    let said = place.run("diff one.jsonl two.jsonl");
    succeeds(
        &said,
        1,
        &["0 cells in both", "endpoints gone (1)\n  mock-clean", "new endpoints (1)\n  mock-wrong-page"],
    );
}

#[test]
fn runs_that_were_cut_short_are_compared_and_told() {
    let place = Place::new();
    let text = journal(&place, "whole.jsonl", "clean", OBSERVED);
    let end = text.rfind("{\"event\":\"end\"").unwrap();
    place.file("cut.jsonl", &text[..end]);
    succeeds(&place.run("coverage cut.jsonl whole.jsonl"), 5, &[", cut short\n"]);
    succeeds(&place.run("diff whole.jsonl cut.jsonl"), 5, &[", cut short\n", "nothing has changed"]);
}

#[test]
fn what_is_no_journal_is_an_error_wherever_it_stands() {
    let place = Place::new();
    let text = journal(&place, "good.jsonl", "clean", OBSERVED);
    place.file("empty/x", "");
    place.file("binary", b"\x7fELF\xff\xfe\n\x00\n");
    place.file("newer.jsonl", text.replacen("\"version\":1", "\"version\":9", 1));
    for (journal, wanted) in [
        ("none", "cannot read none: No such file"),
        ("empty", "cannot read empty/run.jsonl: No such file"),
        ("kernel-log", "kernel-log is not a journal of prime-cts: it has no 'run' event"),
        ("binary", "binary:1: not an event of prime-cts"),
        ("newer.jsonl", "newer.jsonl has version 9 of the event stream, this program reads up to 1"),
    ] {
        for line in [
            format!("coverage {journal}"),
            format!("coverage good.jsonl {journal}"),
            format!("diff {journal} good.jsonl"),
            format!("diff good.jsonl {journal} --format json"),
        ] {
            let said = place.run(&line);
            said.fails(2, &[wanted]);
            assert_eq!(said.out, "", "{line}");
        }
    }
}

#[test]
fn a_command_line_that_lacks_something_says_what() {
    let place = Place::new();
    for (line, wanted) in [
        ("coverage", "<JOURNALS>..."),
        ("diff one.jsonl", "<AFTER>"),
        ("diff a b c", "unexpected argument 'c'"),
        ("coverage a --format xml", "[possible values: text, json]"),
    ] {
        let said = place.run(line);
        assert_eq!(said.code, Some(2), "{line}: {said:?}");
        assert!(said.err.contains(wanted), "{line}: {said:?}");
    }
    for (command, wanted) in [("coverage", "which map_dma_buf implementations"), ("diff", "Compare two runs")] {
        let help = place.run("--help");
        assert!(help.out.contains(&format!("  {command} ")) && help.out.contains(wanted), "{help:?}");
    }
}
