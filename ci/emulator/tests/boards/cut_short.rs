//! Runs that do not come to their end.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::host::{Copy, Said, built, children};
use crate::recorded::Recorded;

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
    said.fails(5, &["was switched off before prime-cts had ended after cell ", "console.log"]);
    // ci/board itself reports what it had come to.
    assert!(said.out.contains("open     ") && said.out.contains("the run was cut short"), "{}", said.out);
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
    // With nothing in its journal it is no run.
    let begun = fs::read_to_string(copy.results(NAME).join("run.jsonl")).is_ok_and(|text| text.contains('\n'));
    said.fails(if begun { 5 } else { 4 }, &["    | "]);
    // How far it came within that time depends on the host; what it came to is what is reported.
    let console = fs::read_to_string(copy.results(NAME).join("console.log")).unwrap();
    let up = console.lines().any(|line| line.starts_with("board: up"));
    let why = if up { "was not done within the 12 s of --timeout" } else { "did not start init within 12 s" };
    assert!(said.err.contains(why), "{said:?}\n{console}");
}

/// Runs what there is to run, a cell of which hangs the machine.
fn run_that_hangs(copy: &Copy, hangs: &str, more: &str) -> Said {
    let script = format!(
        "prime-cts run --output /results/run --progress none --exact {hangs} fd.size sync.good-flags --watchdog {more}\n\
         echo \"ended $?\"\n"
    );
    copy.shell(NAME, &script)
}

#[test]
fn a_kernel_that_hangs_is_started_again_by_its_watchdog() {
    const HANGS: &str = "stream.capture.heap-system.v4l2-vivid-cap0";
    let copy = Copy::of(NAME, |text| {
        let with = text.replace("devices: [virtio-gpu-pci", "devices: [i6300esb, virtio-gpu-pci");
        with.replace("  - name: vgem\n", "  - name: vgem\n  - name: i6300esb\n")
    });
    fs::create_dir_all(copy.results(NAME)).unwrap();
    let program = built(&["build", "-p", "prime-cts-uapi", "--example", "hang"], "hang");
    fs::copy(program, copy.results(NAME).join("hang")).unwrap();
    // It is the watchdog that ends this shell: QEMU is set not to start the machine again.
    let first = run_that_hangs(&copy, HANGS, "--witness /results/hang");
    assert!(!first.out.contains("ended"), "{first:?}");
    assert_eq!(Recorded::read(&copy.results(NAME).join("run")).last_begun(), HANGS);
    let second = run_that_hangs(&copy, HANGS, "--resume");
    assert!(second.out.contains("ended 1"), "{second:?}");
    assert!(second.out.contains("the machine went down and was started again once"), "{second:?}");
    let recorded = Recorded::read(&copy.results(NAME).join("run"));
    let verdicts = recorded.verdicts();
    let crashed: Vec<_> = verdicts.iter().filter(|(_, verdict)| **verdict == "crash").map(|(id, _)| *id).collect();
    assert_eq!(crashed, [HANGS]);
    let passed = |area: &str| verdicts.iter().any(|(id, verdict)| id.starts_with(area) && *verdict == "pass");
    assert!(passed("fd.size") && passed("sync.") && second.out.contains("of 17 cells"), "{verdicts:?}");
}
