//! `prime-cts case`, as a person uses it who writes one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn prime_cts(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prime-cts"));
    command.current_dir(folder).args(arguments);
    // A file in place of the kernel's log, which a mock may not read.
    if arguments.contains(&"--mock") {
        std::fs::write(folder.join("kernel-log"), "").unwrap();
        command.args(["--kernel-log", "kernel-log"]);
    }
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_new_case_is_written_once_and_can_be_checked_and_run_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let cts = |arguments: &[&str]| prime_cts(folder.path(), arguments);
    assert_eq!(cts(&["case", "new", "mapping/mine"]).status.code(), Some(0));
    let again = cts(&["case", "new", "mapping/mine"]);
    assert!(again.status.code() == Some(2) && said(&again).contains("cannot write cases/mapping/mine.yaml"));
    assert_eq!(cts(&["case", "new", "Mapping/../mine"]).status.code(), Some(2));
    assert!(folder.path().join("cases/schema.json").exists(), "the first line of the case names it");
    let checked = cts(&["case", "check", "cases/mapping/mine.yaml"]);
    assert_eq!((checked.status.code(), checked.stderr.len()), (Some(0), 0), "{}", said(&checked));
    let ran = cts(&["case", "run", "cases/mapping/mine.yaml", "--mock", "clean"]);
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    let broken = cts(&["case", "run", "cases/mapping/mine.yaml", "--mock", "sync-fails"]);
    assert_eq!(broken.status.code(), Some(1), "{}", said(&broken));
}

#[test]
fn cells_of_a_file_run_at_the_same_time_and_show_what_they_show_alone() {
    let folder = tempfile::tempdir().unwrap();
    let cts = |arguments: &[&str]| prime_cts(folder.path(), arguments);
    assert_eq!(cts(&["case", "new", "mapping/mine"]).status.code(), Some(0));
    let run = |jobs: &str| {
        let mocks = ["--mock", "clean,wrong-size,sync-fails,past-end", "--output", "out", "--jobs", jobs];
        let ran = cts(&[&["case", "run", "cases/mapping/mine.yaml"][..], &mocks[..]].concat());
        assert_eq!(ran.status.code(), Some(1), "{}", said(&ran));
        let text = std::fs::read_to_string(folder.path().join("out/run.jsonl")).unwrap();
        let events: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        // Where no end of a cell stands between two starts, both were open.
        let kinds: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
        let together = kinds.windows(2).any(|pair| pair == ["cell-start", "cell-start"]);
        let cells = events.iter().filter(|event| event["event"] == "cell");
        let mut verdicts: Vec<_> = cells.map(|cell| (cell["id"].to_string(), cell["verdict"].to_string())).collect();
        verdicts.sort();
        (verdicts, together)
    };
    let (alone, together) = (run("1"), run("3"));
    assert_eq!(alone.0, together.0);
    assert_eq!((alone.0.len(), alone.1, together.1), (4, false, true), "{alone:?}");
}

#[test]
fn every_fault_of_every_file_is_told() {
    let folder = Path::new(ROOT).join("fixtures/malformed");
    let files = ["meaning/all-at-once.yaml", "yaml/tabs.yaml", "/nowhere.yaml", "../../cases/fd/size.yaml"];
    let checked = prime_cts(&folder, &[&["case", "check"], &files[..]].concat());
    assert_eq!(checked.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&checked.stderr).into_owned();
    for file in &files[..2] {
        let expected = std::fs::read_to_string(folder.join(file).with_extension("expected")).unwrap();
        assert!(errors.contains(&expected), "{errors}");
    }
    assert!(errors.contains("cannot read /nowhere.yaml") && errors.contains("in 3 of 4 files"), "{errors}");
    assert_eq!(String::from_utf8_lossy(&checked.stdout), "../../cases/fd/size.yaml: fd.size, 3 steps, no fault\n");
}

#[test]
fn a_file_without_its_folder_is_of_the_folder_it_lies_in() {
    let checked = prime_cts(&Path::new(ROOT).join("cases/fd"), &["case", "check", "size.yaml"]);
    assert_eq!(said(&checked), "size.yaml: fd.size, 3 steps, no fault\n");
}

#[test]
fn a_case_is_explained_and_one_that_is_misspelt_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let cts = |arguments: &[&str]| prime_cts(folder.path(), arguments);
    let told = cts(&["case", "explain", "fd.size", "--mock", "clean,wrong-size"]);
    assert!(said(&told).contains("2 cells on this machine\n  fd.size.mock-clean\n"), "{}", said(&told));
    let cell = cts(&["case", "explain", "fd.size.mock-none", "--mock", "clean"]);
    assert!(said(&cell).contains("mock-none: this machine has no such device"), "{}", said(&cell));
    let misspelt = cts(&["case", "explain", "fd.sise", "--mock", "clean"]);
    assert!(misspelt.status.code() == Some(2) && said(&misspelt).contains("did you mean 'fd.size'?"));
}

#[test]
fn one_case_in_two_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let size = std::fs::read_to_string(Path::new(ROOT).join("cases/fd/size.yaml")).unwrap();
    for cases in ["one/fd", "other/fd"] {
        std::fs::create_dir_all(folder.path().join(cases)).unwrap();
        std::fs::write(folder.path().join(cases).join("size.yaml"), &size).unwrap();
    }
    let ran = prime_cts(folder.path(), &["case", "run", "one/fd/size.yaml", "other/fd/size.yaml", "--mock", "clean"]);
    assert!(ran.status.code() == Some(2) && said(&ran).contains("are both the case 'fd.size'"), "{}", said(&ran));
}

#[test]
fn every_example_of_a_verb_passes_on_a_device_without_fault() {
    let folder = tempfile::tempdir().unwrap();
    let examples = Path::new(ROOT).join("harness/spec/examples");
    let files: Vec<PathBuf> = std::fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path()).collect();
    let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let ran = prime_cts(folder.path(), &[&["case", "run", "--mock", "clean"], &files[..]].concat());
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    let expected = format!("\n{0} of {0} cells: {0} pass\n", files.len());
    assert!(said(&ran).contains(&expected), "{}", said(&ran));
}

/// The first case of cases/README.md, typed in as it stands there: ```` ```yaml FILE ```` is what the file holds then,
/// ```` ```console ```` what is typed and what comes of it, where `...` stands for any lines.
#[test]
fn the_first_case_of_the_manual_goes_as_the_manual_says() {
    let folder = tempfile::tempdir().unwrap();
    let manual = std::fs::read_to_string(Path::new(ROOT).join("cases/README.md")).unwrap();
    let mut commands = 0;
    for block in manual.split("\n```").skip(1).step_by(2) {
        let (kind, text) = block.split_once('\n').unwrap();
        let text = format!("{text}\n");
        if let Some(file) = kind.strip_prefix("yaml ") {
            std::fs::write(folder.path().join(file), text).unwrap();
        } else if kind == "console" {
            for command in text.split("$ prime-cts ").skip(1) {
                let (command, expected) = command.split_once('\n').unwrap();
                let output = prime_cts(folder.path(), &command.split(' ').collect::<Vec<_>>());
                assert!(is_as(&said(&output), expected), "$ prime-cts {command}\n{}", said(&output));
                commands += 1;
            }
        }
    }
    assert!(commands >= 5, "{commands}");
}

/// Returns whether a text is another in which lines of `...` stand for any lines.
fn is_as(text: &str, expected: &str) -> bool {
    fn lines(text: &[&str], expected: &[&str]) -> bool {
        match expected {
            [] => text.is_empty(),
            ["...", rest @ ..] => (0..=text.len()).any(|skipped| lines(&text[skipped..], rest)),
            [line, rest @ ..] => text.first() == Some(line) && lines(&text[1..], rest),
        }
    }
    let split = |text: &'_ str| text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let (text, expected) = (split(text), split(expected));
    let (text, expected): (Vec<&str>, Vec<&str>) =
        (text.iter().map(String::as_str).collect(), expected.iter().map(String::as_str).collect());
    lines(&text, &expected)
}

#[test]
fn a_transcript_is_compared_line_by_line() {
    assert!(is_as("a\nb\n", "a\nb\n") && !is_as("a\nb\nc\n", "a\nb\n") && !is_as("x\n", "a\n"));
    assert!(is_as("a\nb\nc\n", "...\nc\n") && is_as("a\nb\nc\n", "...\nb\n...\n") && !is_as("a\nb\nc\n", "...\nb\n"));
    assert!(is_as("a\nb\n", "a\n...\n") && !is_as("a\nb\n", "...\nd\n...\n"));
}
