//! `prime-cts load` on mocks: each check catches the fault that it is for, and none is reported without a planted fault.

mod program;

use std::time::{Duration, Instant};

use event::CellEnd;
use event::journal::Recorded;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use program::{Place, Said};
use spec::verdict::Verdict;

/// A load of mocks with these faults, and its cells.
fn load(faults: &str, more: &str) -> (Recorded, Said) {
    let place = Place::new();
    let said = place.run(&format!("load --mock {faults} --kernel-log kernel-log --output out --seconds 1 {more}"));
    assert!(!said.err.contains("panicked"), "{said:?}");
    (Recorded::read(&place.path("out/run.jsonl")).unwrap(), said)
}

fn cell<'a>(recorded: &'a Recorded, id: &str) -> &'a CellEnd {
    recorded.cells.iter().find(|cell| cell.id == id).unwrap_or_else(|| panic!("no {id} in {recorded:?}"))
}

/// A fault makes a cell end so, with a finding that says this.
#[track_caller]
fn caught(fault: &str, id: &str, verdict: Verdict, text: &str) {
    let (recorded, said) = load(fault, "--patience 3");
    let cell = cell(&recorded, id);
    assert_eq!(cell.verdict, verdict, "{fault}: {cell:?}");
    assert!(cell.findings.iter().any(|finding| finding.seen.contains(text)), "{fault}: '{text}' is not in {cell:?}");
    assert_eq!(said.code, Some(1), "{fault}: {said:?}");
}

#[test]
fn a_board_without_fault_passes_and_tells_what_was_done() {
    let (recorded, said) = load("clean", "");
    assert_eq!(said.code, Some(0), "{said:?}");
    let bad = recorded.cells.iter().filter(|cell| cell.verdict.broken()).count();
    assert_eq!((bad, recorded.cells.len()), (0, 7), "{recorded:?}");
    let stream = cell(&recorded, "load.stream.mock-clean");
    assert_eq!(stream.verdict, Verdict::Pass);
    for name in ["frames-written", "frames-read", "bytes-compared", "exporters", "streams", "buffers", "imports"] {
        assert!(stream.figures[name] > 0, "{name}: {stream:?}");
    }
    assert_eq!(stream.figures["frames-lost"], 0);
    assert!(cell(&recorded, "load.rounds.worker-0").figures["rounds"] > 0);
    assert!(cell(&recorded, "load.closes.worker-1").figures["closes"] > 0);
    assert!(said.out.contains("s under load") && said.out.contains("stream.mock-clean"), "{said:?}");
}

#[test]
fn lost_frames_and_frames_without_a_number_of_their_own_are_caught() {
    let lost = "neither came back nor were returned";
    caught("loses-frame", "load.stream.mock-loses-frame", Verdict::Fail, lost);
    let number = "capture queue: frame number 0 (v4l2_buffer.sequence) came after number 0";
    let id = "load.stream.mock-sequence-stands";
    let (recorded, said) = load("sequence-stands", "");
    let stream = cell(&recorded, id);
    let seen = &stream.findings[0].seen;
    assert!(seen.contains(number) || seen.contains(&number.replace("capture", "output")), "{seen}");
    assert_eq!((stream.verdict, said.code), (Verdict::Fail, Some(1)), "{said:?}");
    assert!(stream.figures["frames-misnumbered"] > 2, "it goes on: {stream:?}");
}

#[test]
fn a_stream_that_stands_is_caught() {
    caught("never-done", "load.stream.mock-never-done", Verdict::Fail, "was not done");
}

#[test]
fn wrong_bytes_are_caught_in_frames_and_in_rounds() {
    caught(
        "device-elsewhere",
        "load.stream.mock-device-elsewhere",
        Verdict::Fail,
        "in a buffer of mock-device-elsewhere",
    );
    caught("device-overruns", "load.stream.mock-device-overruns", Verdict::Fail, "in a buffer of");
    caught(
        "device-writes-input",
        "load.stream.mock-device-writes-input",
        Verdict::Fail,
        "a buffer that the device reads",
    );
    caught("private-mapping", "load.rounds.worker-0", Verdict::Fail, "mock-private-mapping to mock-private-mapping");
}

#[test]
fn what_a_worker_s_devices_do_not_give_back_is_caught() {
    caught("leaks-file", "load.rounds.worker-0", Verdict::Fail, "open descriptors of the worker");
    caught("leaks-file", "load.closes.worker-0", Verdict::Fail, "open descriptors of the worker");
    caught("leaks-buffer", "load.stream.mock-leaks-buffer", Verdict::Fail, "open descriptors of the worker");
}

#[test]
fn a_worker_that_hangs_is_killed_and_told_with_the_pair_that_it_was_at() {
    let (recorded, said) = load("clean,hangs-later", "--patience 2");
    let hung = recorded.cells.iter().filter(|cell| cell.verdict == Verdict::Timeout);
    let at = |cell: &CellEnd| cell.findings[0].step.clone().unwrap_or_default();
    let places: Vec<String> = hung.map(at).collect();
    assert!(!places.is_empty() && places.iter().all(|at| at.ends_with("to mock-hangs-later")), "{places:?}");
    assert_eq!(cell(&recorded, "load.stream.mock-clean").verdict, Verdict::Pass, "the others work on");
    assert_eq!(said.code, Some(1), "{said:?}");
}

#[test]
fn what_the_kernel_says_under_load_is_caught() {
    caught("warns", "load.kernel-log.board", Verdict::Fail, "mock_map_dma_buf");
    caught("dumps-stack", "load.kernel-log.board", Verdict::Fail, "mock: wrong value");
    caught("oopses", "load.kernel-log.board", Verdict::Crash, "NULL pointer dereference");
}

#[test]
fn a_worker_that_verified_nothing_says_so() {
    let (recorded, _) = load("unsteady", "");
    let stream = cell(&recorded, "load.stream.mock-unsteady");
    assert_eq!(stream.verdict, Verdict::NotObservable);
    assert!(stream.findings[0].seen.contains("do not show the same"), "{stream:?}");
    let (recorded, said) = load("refuses", "");
    assert!(recorded.cells.iter().all(|cell| !cell.id.starts_with("load.rounds")), "no pair, no rounds");
    assert_eq!(cell(&recorded, "load.stream.mock-refuses").verdict, Verdict::NotObservable);
    assert!(said.out.contains("1 others refused a first import"), "{said:?}");
}

#[test]
fn an_interrupted_load_ends_its_workers_and_still_reports() {
    let place = Place::new();
    let words = "load --mock clean --kernel-log kernel-log --output out --seconds 3600 --progress none";
    let child = place.command(words).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let journal = place.path("out/run.jsonl");
    let end = Instant::now() + Duration::from_secs(60);
    while !std::fs::read_to_string(&journal).is_ok_and(|text| text.contains("cell-start")) {
        assert!(Instant::now() < end, "no load began");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let said: Said = child.wait_with_output().unwrap().into();
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.out.contains("stream.mock-clean") && said.out.contains("the run was cut short"), "{said:?}");
    let recorded = Recorded::read(&journal).unwrap();
    assert!(recorded.end.is_none() && recorded.cells.len() == 7, "{recorded:?}");
    assert!(recorded.cells.iter().all(|cell| !cell.verdict.broken()), "{recorded:?}");
}

#[test]
fn devices_are_chosen_by_their_keys() {
    let (recorded, _) = load("clean,unsteady", "clean");
    assert_eq!(recorded.endpoints.len(), 1);
    let (_, said) = load_nothing();
    assert_eq!((said.code, said.out.contains("no device matches")), (Some(3), true), "{said:?}");
}

fn load_nothing() -> (Place, Said) {
    let place = Place::new();
    let said = place.run("load --mock clean --kernel-log kernel-log --output out --seconds 1 v4l2");
    (place, said)
}
