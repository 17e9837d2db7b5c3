//! Runs that do not come to their end.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::host::{Copy, Said, children};

const NAME: &str = "debian-amd64-7.3";

/// A run that has done some of its cells.
fn begun(copy: &Copy) -> Child {
    let mut command = copy.run(NAME, &[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let journal = copy.results(NAME).join("run.jsonl");
    let end = Instant::now() + Duration::from_secs(300);
    let ended = |text: String| text.matches("{\"event\":\"cell\",").count() > 20;
    while !std::fs::read_to_string(&journal).is_ok_and(ended) {
        let over = child.try_wait().unwrap();
        assert!(over.is_none() && Instant::now() < end, "no cell was run: {over:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

/// The journal can be read, and says which cell was running.
#[track_caller]
fn has_an_open_cell(copy: &Copy) {
    let report = Said::by(copy.program().arg("report").arg(copy.results(NAME)));
    assert_eq!(report.code, Some(5), "{report:?}");
    assert!(report.out.contains("open     ") && report.out.contains(" was running"), "{}", report.out);
    let counts = report.out.lines().find_map(|line| line.split_once(" cells: ")?.0.split_once(" of "));
    let (done, planned) = counts.unwrap_or_else(|| panic!("no count in:\n{}", report.out));
    let (done, planned): (u32, u32) = (done.parse().unwrap(), planned.parse().unwrap());
    assert!(0 < done && done < planned, "{}", report.out);
}

#[test]
fn a_board_that_dies_leaves_its_journal() {
    let copy = Copy::of(NAME, str::to_owned);
    let child = begun(&copy);
    let emulator = children(&child);
    assert_eq!(emulator.len(), 1);
    kill(Pid::from_raw(emulator[0]), Signal::SIGKILL).unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    said.fails(4, &["was switched off before prime-cts had ended after cell ", "console.log"]);
    has_an_open_cell(&copy);
}

#[test]
fn an_interrupted_run_leaves_its_journal_and_no_emulator() {
    let copy = Copy::of(NAME, str::to_owned);
    let child = begun(&copy);
    let emulator = children(&child);
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    said.fails(5, &["interrupted"]);
    assert_eq!(kill(Pid::from_raw(emulator[0]), None), Err(nix::Error::ESRCH));
    has_an_open_cell(&copy);
}

#[test]
fn a_run_over_its_time_is_stopped() {
    let copy = Copy::of(NAME, str::to_owned);
    let said = Said::by(&mut copy.run(NAME, &["--timeout", "12"]));
    said.fails(4, &["was not done within the 12 s of --timeout", "    | "]);
}
