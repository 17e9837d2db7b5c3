//! Journals that are damaged, cut short or cannot be written, through the program.

mod program;

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use program::{Place, Said};

/// The journal of a whole run on a clean mock.
fn recorded(place: &Place) -> String {
    assert_eq!(place.mock("clean", "mapping.whole fd.size").code, Some(0));
    fs::read_to_string(place.path("out/run.jsonl")).unwrap()
}

#[test]
fn a_journal_that_is_not_there_or_is_none_is_an_error() {
    let place = Place::new();
    place.run("report none").fails(2, &["cannot read none: No such file"]);
    place.run("report .").fails(2, &["cannot read ./run.jsonl: No such file"]);
    place.run("report kernel-log").fails(2, &["kernel-log is not a journal of prime-cts: it has no 'run' event"]);
    place.file("binary", b"\x7fELF\xff\xfe\n\x00\n");
    place.run("report binary").fails(2, &["binary:1: not an event of prime-cts"]);
}

#[test]
fn garbage_in_the_middle_of_a_journal_is_an_error_that_names_the_line() {
    let place = Place::new();
    let text = recorded(&place);
    let lines: Vec<&str> = text.lines().collect();
    place.file("bad.jsonl", [&lines[..2], &["\0\0garbage"], &lines[3..], &[""]].concat().join("\n"));
    place.run("report bad.jsonl").fails(2, &["bad.jsonl:3: not an event of prime-cts"]);
}

#[test]
fn a_journal_of_a_newer_program_is_told_whatever_else_is_in_it() {
    let place = Place::new();
    let text = recorded(&place).replacen("\"version\":1", "\"version\":2", 1);
    place.file("newer.jsonl", text.replacen("\"event\":\"endpoint\"", "\"event\":\"widget\"", 1));
    place.run("report newer.jsonl").fails(2, &["newer.jsonl has version 2 of the event stream", "reads up to 1"]);
    place.file("strange.jsonl", "{\"event\":\"run\",\"version\":7,\"what\":[]}\n");
    place.run("report strange.jsonl").fails(2, &["strange.jsonl has version 7"]);
}

#[test]
fn a_cut_off_journal_is_reported_with_the_cell_that_was_open() {
    let place = Place::new();
    let text = recorded(&place);
    let start = text.rfind("{\"event\":\"cell\"").unwrap();
    place.file("cut.jsonl", &text[..start + 40]);
    for (form, wanted) in [
        ("text", "was running when the run was cut short"),
        ("junit", "the run was cut short in this cell"),
        ("ktap", "# ERROR the run was cut short in this cell"),
    ] {
        let said = place.run(&format!("report cut.jsonl --format {form}"));
        assert_eq!(said.code, Some(5), "{said:?}");
        assert!(said.out.contains(wanted) && said.out.contains("mapping.whole.mock-clean"), "{said:?}");
    }
}

#[test]
fn results_that_cannot_be_written_are_the_suite_s_own_fault() {
    let place = Place::new();
    place.file("taken", "");
    let said = place.run("run --mock clean --kernel-log kernel-log --output taken/out");
    said.fails(4, &["cannot make the folder taken/out", "choose another with --output"]);
    let said = place.run("run --mock clean --kernel-log kernel-log --output taken");
    said.fails(4, &["cannot make the folder taken", "choose another with --output"]);
    fs::create_dir_all(place.path("out/junit.xml")).unwrap();
    place.mock("clean", "fd.size").fails(4, &["cannot write out/junit.xml"]);
}

#[test]
fn a_disk_that_is_full_from_the_start_is_told() {
    let place = Place::new();
    for file in ["run.jsonl", "junit.xml"] {
        let _ = fs::remove_dir_all(place.path("out"));
        fs::create_dir(place.path("out")).unwrap();
        symlink("/dev/full", place.path("out").join(file)).unwrap();
        let said = place.mock("clean", "fd.size");
        said.fails(4, &[&format!("cannot write out/{file}: No space left on device"), "free some space"]);
    }
}

#[test]
fn a_disk_that_fills_up_during_the_run_leaves_a_journal_that_can_be_read() {
    let place = Place::new();
    // A file of at most 4 KiB (8 blocks), told by an error and not by a signal.
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" run --mock clean --kernel-log kernel-log --output out";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_prime-cts")]).current_dir(place.path(""));
    let said = Said::from(command.output().unwrap());
    said.fails(4, &["cannot write out/run.jsonl: File too large"]);
    let report = place.run("report out");
    assert_eq!(report.code, Some(5), "{report:?}");
    assert!(report.out.contains("the run was cut short"), "{report:?}");
}

#[test]
fn a_run_that_is_killed_leaves_a_journal_with_its_cell_open() {
    let place = Place::new();
    let case = "name: hang\nrule: r\nwhy: w\nreference: f\ncells: pair\ndeadline: 600s\nsteps:\n  \
        - allocate: {as: a}\n  - export: {buffer: a, as: b}\n  - import: {file: b, as: c}\n  - size: {file: b}\n";
    place.file("cases/area/hang.yaml", case);
    let mut command = place.command("run --mock hangs --kernel-log kernel-log --output out --cases cases");
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    let started =
        |text: String| text.contains("{\"event\":\"cell-start\",\"id\":\"area.hang.mock-hangs.mock-hangs\"}\n");
    while !fs::read_to_string(place.path("out/run.jsonl")).is_ok_and(started) {
        assert!(Instant::now() < end && child.try_wait().unwrap().is_none(), "the cell never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let said = place.run("report out");
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.out.contains("open     area.hang.mock-hangs.mock-hangs was running"), "{said:?}");
    assert!(said.out.contains("0 of 1 cells"), "{said:?}");
}
