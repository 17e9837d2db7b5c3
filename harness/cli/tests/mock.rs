//! Each check catches what it is for: a mock with one fault, and the cases that must see it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use event::journal::Recorded;
use spec::verdict::Verdict;

fn prime_cts(folder: &Path, arguments: &[&str]) -> Output {
    let log = folder.join("kernel-log");
    std::fs::write(&log, "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_prime-cts"));
    command.args(["run", "--kernel-log"]).arg(log).arg("--output").arg(folder).args(arguments);
    command.output().unwrap()
}

/// Takes more memory than a test may.
const BEYOND: &str = "limits.beyond-4gib";

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

/// Faults and the cases that are about them: each of these must fail.
const CAUGHT: &[(&str, &[&str])] = &[
    ("wrong-page", &["mapping.at-offset", "mapping.write-at-offset"]),
    ("past-end", &["mapping.past-end", "mapping.offset-past-end"]),
    ("adjusts-mapping", &["mapping.unaligned-offset", "mapping.zero-length"]),
    ("writable-mapping", &["mapping.read-only", "mapping.make-writable"]),
    (
        "private-mapping",
        &[
            "mapping.whole",
            "mapping.again",
            "mapping.fork",
            "mapping.first-page",
            "coherence.while-imported",
            "identity.duplicate",
            "lifetime.duplicate-outlives",
            "lifetime.import-outlives-exporter",
            "limits.sizes",
            "limits.odd-image",
            "process.exporter-dies",
            "process.import-from-the-dead",
            "process.send",
            "process.send-to-nobody",
            "races.map-map",
            "races.import-map",
        ],
    ),
    ("incoherent", &["coherence.own-to-dma-buf", "coherence.importer-to-dma-buf"]),
    ("lost-page", &["coherence.dma-buf-to-own", "coherence.own-to-dma-buf"]),
    ("copies", &["coherence.importer-to-dma-buf", "coherence.dma-buf-to-importer", "refusal.map-imported"]),
    (
        "scribbles",
        &[
            "coherence.import-keeps-content",
            "lifetime.orders-imported",
            "lifetime.import-again",
            "lifetime.next-buffer",
            "limits.imported-sizes",
            "races.import-import",
        ],
    ),
    (
        "device-elsewhere",
        &[
            "access.device-reads",
            "access.device-reads-old",
            "access.device-writes",
            "access.own-to-device",
            "access.device-to-own",
            "stream.convert-from",
            "stream.given-up-target",
            "stream.other-mapping",
            "stream.prefetched",
            "stream.read-meanwhile",
            "kms.scan-out",
            "kms.formats",
            "kms.packed-yuv",
            "kms.semi-planar",
            "kms.planar",
            "kms.multi-planar",
            "kms.odd-size",
            "kms.padded",
            "kms.linear",
            "kms.overlay",
            "kms.cursor",
        ],
    ),
    // A device that takes everything is what this rule is about.
    ("clean", &["refusal.static-importer"]),
    (
        "device-short",
        &[
            "stream.capture",
            "stream.convert",
            "stream.convert-both",
            "stream.rgb",
            "stream.packed-yuv",
            "stream.semi-planar",
            "stream.planar",
            "stream.padded",
            "stream.odd-width",
            "stream.multi-planar",
            "stream.create-bufs",
            "stream.prepare-buf",
            "kms.write-back",
            "kms.both",
            "kms.formats-written",
            "kms.formats-both",
            "kms.padded-written",
        ],
    ),
    ("keeps-old-buffer", &["stream.requeue"]),
    ("writes-taken-back", &["stream.stop"]),
    ("keeps-number", &["stream.given-up-input", "stream.exporter-dies", "kms.given-up", "kms.exporter-dies"]),
    ("ignores-offset", &["stream.offset", "kms.offset"]),
    ("reads-early", &["kms.in-fence", "kms.buffer-fence"]),
    ("done-early", &["kms.in-fence", "kms.buffer-fence"]),
    ("sync-file-lost", &["kms.buffer-fence"]),
    ("first-plane", &["kms.multi-planar"]),
    ("not-shown", &["kms.accepted"]),
    ("plane-beyond", &["gbm.scanout", "gbm.cursor"]),
    ("plane-tiled", &["gbm.scanout", "gbm.cursor"]),
    ("device-writes-input", &["stream.convert-from", "stream.convert-both"]),
    // Of these two the bytes are not judged.
    ("never-done", &["stream.capture", "stream.convert-from", "stream.unannounced", "stream.wrong-direction"]),
    ("keeps-mapped", &["leaks.import"]),
    ("leaks-too-small", &["leaks.refused-import"]),
    ("device-overruns", &["access.device-writes", "stream.capture"]),
    ("holds-pages", &["pages.untouched"]),
    ("shares-private", &["mapping.private"]),
    ("grows", &["mapping.grow"]),
    ("reopens", &["fd.reopen"]),
    ("two-descriptors", &["limits.last-descriptor"]),
    ("takes-any-size", &["limits.absurd-size"]),
    ("leaks-refused-mapping", &["leaks.refused-mapping"]),
    ("access-ignored", &["fd.read-only", "mapping.read-only"]),
    ("exec-ignored", &["fd.close-on-exec", "process.exec-closed"]),
    ("exec-always", &["fd.keep-on-exec", "process.exec-open"]),
    ("wrong-size", &["fd.size", "process.fork-closes", "races.first-export"]),
    ("seek-fails", &["fd.seek"]),
    ("seeks-anywhere", &["fd.seek-refused"]),
    ("no-dma-buf", &["fd.type"]),
    ("one-inode", &["identity.distinct-buffers", "races.allocate-allocate"]),
    ("new-inode", &["identity.export-twice", "identity.re-export", "races.export-export"]),
    ("new-handle", &["identity.same-handle", "identity.self-import", "identity.duplicate-handle"]),
    ("takes-anything", &["refusal.ordinary-file", "leaks.refused-file"]),
    ("takes-too-small", &["refusal.too-small"]),
    ("strange-errno", &["leaks.import", "refusal.closed-file", "refusal.ordinary-file"]),
    (
        "leaks-file",
        &[
            "leaks.import",
            "leaks.import-outlives-file",
            "leaks.rounds",
            "leaks.imported-twice",
            "leaks.mapped-import",
            "limits.many-imports",
        ],
    ),
    ("leaks-attachment", &["leaks.import"]),
    ("leaks-refused", &["leaks.import"]),
    ("leaks-mapping", &["leaks.mapping", "leaks.forked-mapping"]),
    ("leaks-buffer", &["leaks.export", "leaks.import-outlives-file", "limits.many-buffers"]),
    ("sync-fails", &["mapping.whole", "sync.good-flags", "sync.read-only"]),
    ("no-export", &["fd.size", "limits.no-descriptor"]),
    (
        "always-ready",
        &[
            "fence.writer",
            "fence.reader",
            "fence.two-readers",
            "fence.every-file",
            "fence.export-pending",
            "fence.import-write",
        ],
    ),
    ("never-ready", &["fence.idle", "fence.signalled", "fence.every-file", "fence.close-pending"]),
    ("readers-wait", &["fence.reader", "fence.export-of-reader", "fence.import-read"]),
    ("fence-goes", &["fence.outlives-import"]),
    ("sync-file-early", &["fence.export-pending", "fence.export-is-snapshot", "fence.import-write"]),
    ("sync-file-of-all", &["fence.export-of-reader"]),
    ("sync-file-lost", &["fence.import-write", "fence.import-read"]),
    ("sync-file-any", &["fence.import-other"]),
    ("sync-any-flags", &["sync.bad-flags"]),
    ("sync-counts", &["sync.unbalanced"]),
    ("sync-scribbles", &["sync.good-flags", "sync.unbalanced", "sync.other-process", "sync.after-import"]),
    ("name-lost", &["races.names", "name.told", "name.longest", "name.while-imported"]),
    ("name-cut", &["name.longest"]),
    ("name-once", &["name.while-imported"]),
    ("anything-goes", MISUSES),
    ("wrong-errno", MISUSES),
    ("one-age", &["refusal.heap-struct-age"]),
    ("leaks-answer", &["leaks.answer"]),
    ("dirty", &["pages.zeroed"]),
];

/// Cases that do something wrong on purpose.
const MISUSES: &[&str] = &[
    "refusal.dma-buf-null",
    "refusal.export-imported-queue",
    "refusal.export-null",
    "refusal.export-unknown-flag",
    "refusal.foreign-call",
    "refusal.heap-arguments",
    "refusal.import-null",
    "refusal.no-bytes",
    "refusal.no-handle",
    "refusal.no-such-plane",
    "refusal.queue-other-memory",
    "refusal.read-or-write",
    "refusal.size-overflow",
    "refusal.sync-file-flags",
    "refusal.udmabuf-long-list",
    "refusal.udmabuf-no-memory",
    "refusal.udmabuf-range",
    "refusal.udmabuf-seals",
    "refusal.unknown-call",
    "refusal.dma-buf-unknown-call",
];

/// Faults of one device of a chain, and the cases that must fail.
const CAUGHT_IN_CHAINS: &[(&str, &[&str])] = &[
    ("scribbles", &["chain.two-importers"]),
    ("leaks-attachment", &["chain.second-first"]),
    ("new-inode", &["chain.re-export"]),
    (
        "device-elsewhere",
        &[
            "access.two-devices",
            "chain.captured-and-converted",
            "chain.captured-and-shown",
            "chain.captured-converted-and-shown",
            "chain.read-at-once",
        ],
    ),
];

/// Faults that end the process, and the cases that must crash.
const CRASHES: &[(&str, &[&str])] = &[("frees-mapped", &["mapping.outlives", "lifetime.every-order"])];

/// Rules that a mock cannot break, with the test that breaks them.
const ELSEWHERE: &[&str] = &[
    // Whether memory has struct pages is the kernel's to say: cell::memory's tests, and the pages oracle's.
    "pages.pin",
    "pages.pin-own",
    // The steps of limits.sizes, with more memory than a test may take.
    BEYOND,
];

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
