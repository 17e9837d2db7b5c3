//! Each check catches what it is for: a mock with one fault, and the cases that must see it.

mod caught;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use event::journal::Recorded;
use spec::verdict::Verdict;

use caught::{BEYOND, CAUGHT, CAUGHT_IN_CHAINS, CRASHES, ELSEWHERE};

fn prime_cts(folder: &Path, arguments: &[&str]) -> Output {
    let log = folder.join("kernel-log");
    std::fs::write(&log, "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_prime-cts"));
    command.args(["run", "--kernel-log"]).arg(log).arg("--output").arg(folder).args(arguments);
    command.output().unwrap()
}

/// A run with mocks of these faults.
fn run(faults: &str, more: &[&str]) -> (Recorded, Output) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [&["--mock", faults, "--intrusive", "--skip", BEYOND], more].concat();
    let output = prime_cts(folder.path(), &arguments);
    (Recorded::read(&folder.path().join("run.jsonl")).unwrap(), output)
}

/// The verdicts of the cases of a mock with one fault.
fn verdicts(fault: &str, more: &[&str]) -> (BTreeMap<String, Verdict>, Output) {
    let (recorded, output) = run(fault, more);
    (recorded.cells.into_iter().map(|cell| (cell.case, cell.verdict)).collect(), output)
}

#[test]
fn a_device_without_fault_passes_every_case() {
    let (verdicts, output) =
        verdicts("clean", &["--skip", "refusal.map-imported", "--skip", "refusal.static-importer"]);
    let bad: Vec<_> = verdicts.iter().filter(|(_, verdict)| **verdict != Verdict::Pass).collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_planted_fault_is_caught_by_the_cases_that_are_about_it() {
    for (fault, cases) in CAUGHT {
        let ids: Vec<String> = cases.iter().map(|case| format!("{case}.")).collect();
        let (verdicts, output) = verdicts(fault, &ids.iter().map(String::as_str).collect::<Vec<_>>());
        for case in *cases {
            assert_eq!(verdicts.get(*case), Some(&Verdict::Fail), "{fault}: {case}");
        }
        assert_eq!(output.status.code(), Some(1), "{fault}");
    }
}

#[test]
fn every_planted_fault_of_a_chain_is_caught() {
    for (fault, cases) in CAUGHT_IN_CHAINS {
        let recorded = run(&format!("clean,{fault}"), &["chain.", "two-devices"]).0;
        for case in *cases {
            let failed = recorded.cells.iter().any(|cell| cell.case == *case && cell.verdict == Verdict::Fail);
            assert!(failed, "{fault}: {case}");
        }
    }
    let clean = run("clean,shares-private", &["chain."]).0;
    assert!(!clean.cells.is_empty() && clean.cells.iter().all(|cell| cell.verdict == Verdict::Pass), "{clean:?}");
}

#[test]
fn every_case_is_shown_to_catch_something() {
    let all = CAUGHT.iter().chain(CAUGHT_IN_CHAINS).chain(CRASHES);
    let caught: BTreeSet<&str> = all.flat_map(|(_, cases)| cases.iter().copied()).collect();
    for case in catalogue::embedded() {
        let id = case.id();
        assert!(caught.contains(id.as_str()) || ELSEWHERE.contains(&id.as_str()), "no planted fault for {id}");
    }
}

#[test]
fn a_warning_of_the_kernel_fails_the_cell_and_an_oops_crashes_it() {
    let (warned, output) = verdicts("warns", &["leaks.import."]);
    assert_eq!(warned["leaks.import"], Verdict::Fail);
    assert!(String::from_utf8_lossy(&output.stdout).contains("mock_map_dma_buf"), "the lines of the log are shown");
    assert_eq!(verdicts("oopses", &["leaks.import."]).0["leaks.import"], Verdict::Crash);
}

#[test]
fn an_empty_list_of_dma_bufs_does_not_show_that_one_is_gone() {
    let verdicts = verdicts("empty-list", &["leaks.export.", "leaks.import-outlives-file."]).0;
    assert_eq!(verdicts["leaks.export"], Verdict::NotObservable);
    assert_eq!(verdicts["leaks.import-outlives-file"], Verdict::NotObservable);
}

#[test]
fn a_process_that_dies_or_hangs_ends_its_cell_and_the_run_goes_on() {
    let (crashed, output) = verdicts("crashes", &[]);
    assert_eq!(crashed["leaks.import"], Verdict::Crash);
    assert_eq!(crashed["mapping.whole"], Verdict::Pass);
    assert!(String::from_utf8_lossy(&output.stdout).contains("SIGABRT ended the process"));

    let folder = tempfile::tempdir().unwrap();
    let cases = folder.path().join("cases/area");
    std::fs::create_dir_all(&cases).unwrap();
    let text = "name: hang\nrule: r\nwhy: w\nreference: f\ncells: pair\ndeadline: 100ms\nsteps:\n  \
        - allocate: {as: a}\n  - export: {buffer: a, as: b}\n  - import: {file: b, as: c}\n  - size: {file: b}\n";
    std::fs::write(cases.join("hang.yaml"), text).unwrap();
    let cases = folder.path().join("cases");
    let (hung, _) = verdicts("hangs", &["--cases", cases.to_str().unwrap()]);
    assert_eq!(hung["area.hang"], Verdict::Timeout);
}

#[test]
fn memory_that_goes_away_under_a_mapping_is_a_crash() {
    for (fault, cases) in CRASHES {
        let (verdicts, _) = verdicts(fault, &[]);
        for case in *cases {
            assert_eq!(verdicts[*case], Verdict::Crash, "{case}");
        }
        assert_eq!(verdicts["mapping.whole"], Verdict::Pass);
    }
}

#[test]
fn a_panic_of_the_suite_is_its_own_error() {
    let (verdicts, output) = verdicts("panics", &["leaks.import."]);
    assert_eq!(verdicts["leaks.import"], Verdict::Error);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stdout).contains("the mock panics"));
}

#[test]
fn a_case_that_checks_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cases = folder.path().join("cases/area");
    std::fs::create_dir_all(&cases).unwrap();
    let text = "name: idle\nrule: r\nwhy: w\nreference: f\ncells: exporter\nsteps:\n  - allocate: {as: a}\n";
    std::fs::write(cases.join("idle.yaml"), text).unwrap();
    let cases = folder.path().join("cases");
    let output = prime_cts(folder.path(), &["--mock", "clean", "--cases", cases.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("checks nothing"));
}

#[test]
fn a_refusal_that_is_documented_is_no_failure() {
    let (verdicts, output) = verdicts("refuses", &["coherence."]);
    assert_eq!(verdicts["coherence.while-imported"], Verdict::Refused);
    assert_eq!(output.status.code(), Some(0));
    let (_, alone) = self::verdicts("refuses", &["coherence.while-imported"]);
    assert_eq!(alone.status.code(), Some(3), "refusals alone verify nothing");
}

#[test]
fn a_source_that_is_never_the_same_shows_nothing() {
    let (verdicts, output) = verdicts("unsteady", &["stream.capture"]);
    assert_eq!(verdicts["stream.capture"], Verdict::NotObservable);
    assert!(String::from_utf8_lossy(&output.stdout).contains("do not show the same in two runs"));
}

#[test]
fn what_a_device_did_by_itself_is_told_apart_from_what_the_cpu_did() {
    let (recorded, output) = run("clean", &["stream.convert", "mapping.whole", "kms.accepted"]);
    let told =
        |case: &str| recorded.cells.iter().find(|cell| cell.case == case).map(|cell| cell.device_access.join(" "));
    assert_eq!(told("stream.convert-both").as_deref(), Some("read write"));
    assert_eq!(told("stream.convert-from").as_deref(), Some("read"));
    assert_eq!(told("mapping.whole").as_deref(), Some(""));
    assert_eq!(told("kms.accepted").as_deref(), Some(""), "what is tested is not shown");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("devices read in 2 and wrote in 2 of 3 cells, in 1 pair"), "{text}");
}

#[test]
fn two_runs_give_the_same_verdicts() {
    assert_eq!(verdicts("private-mapping", &[]).0, verdicts("private-mapping", &[]).0);
}
