//! The failures of recorded runs of four emulated boards: each is a known fault, on any board; the board's own file expects
//! it; and none is if anything about it differs.

use std::collections::BTreeSet;
use std::path::Path;

use event::known::KnownFaults;
use event::{Blame, EndpointFound, Finding, MapDmaBuf, Oracle};
use runner::run::board::outcome;
use spec::board::Board;
use spec::verdict::{Outcome, Verdict};

/// The boards that were run.
const BOARDS: [&str; 4] = ["debian-amd64", "debian-amd64-7.3", "debian-amd64-kmod", "vexpress-a9"];

/// What a run recorded of its failures: a line for the kernel and each endpoint, and for cells with the same failures a
/// line of their ids and one for each finding.
struct Recorded {
    kernel: String,
    found: Vec<EndpointFound>,
    failures: Vec<(String, Vec<Finding>)>,
}

impl Recorded {
    fn of(board: &str) -> Self {
        let path = format!("{}/tests/recorded/{board}.txt", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let mut read = Self { kernel: String::new(), found: Vec::new(), failures: Vec::new() };
        let (mut ids, mut findings): (Vec<String>, Vec<Finding>) = (Vec::new(), Vec::new());
        for line in text.lines().chain(["cells "]) {
            let (word, rest) = line.split_once(' ').unwrap();
            match word {
                "kernel" => rest.clone_into(&mut read.kernel),
                "endpoint" => read.found.push(endpoint(rest)),
                "cells" => {
                    let before = std::mem::replace(&mut ids, rest.split_whitespace().map(str::to_owned).collect());
                    let findings = std::mem::take(&mut findings);
                    read.failures.extend(before.into_iter().map(|id| (id, findings.clone())));
                }
                _ => {
                    let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.word() == word).unwrap();
                    findings.push(Finding::new(Oracle::Content, verdict, Blame::Undecided, rest, "it is right"));
                }
            }
        }
        read
    }

    fn known(&self) -> KnownFaults {
        self.known_of(&self.kernel, &self.found)
    }

    fn known_of(&self, kernel: &str, found: &[EndpointFound]) -> KnownFaults {
        let registry = catalogue::registry::embedded().unwrap();
        KnownFaults::on(catalogue::findings::embedded(), Some(&registry), kernel, found)
    }

    /// The names of the findings that explain the failures.
    fn names(&self, known: &KnownFaults) -> BTreeSet<String> {
        let explained = self.failures.iter().filter_map(|(id, findings)| known.explain(id, findings));
        explained.flat_map(|explained| explained.names).collect()
    }
}

fn endpoint(line: &str) -> EndpointFound {
    let words: Vec<&str> = line.split(' ').collect();
    let [key, kind, driver, symbol] = words[..] else { panic!("{line}") };
    let through = MapDmaBuf { symbol: Some(symbol.into()), exp_name: String::new(), observed: true };
    EndpointFound {
        key: key.into(),
        kind: kind.into(),
        driver: driver.into(),
        map_dma_buf: (symbol != "-").then_some(through),
        ..EndpointFound::default()
    }
}

fn board(name: &str) -> Board {
    let path = format!("{}/../../fixtures/boards/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    Board::parse(Path::new(&path), &std::fs::read_to_string(&path).unwrap()).unwrap()
}

#[test]
fn every_failure_is_a_known_fault_with_and_without_the_board_file() {
    for name in BOARDS {
        let (recorded, board) = (Recorded::of(name), board(name));
        assert!(recorded.failures.len() > 15, "{name}");
        let known = recorded.known();
        for (id, findings) in &recorded.failures {
            let verdict = findings.iter().map(|finding| finding.verdict).max().unwrap();
            for expect in [None, Some(&board.expect)] {
                let judged = outcome(expect, &known, id, verdict, findings);
                assert_eq!(judged.outcome, Outcome::Expected, "{name}: {id}: {judged:?}");
                assert!(judged.known.iter().all(|finding| board.expect.known.contains(finding)), "{name}: {id}");
            }
        }
    }
}

#[test]
fn a_board_names_only_what_it_shows() {
    // They show under load only.
    let sometimes = ["vivid-sequence-repeats"];
    for name in BOARDS {
        let (recorded, board) = (Recorded::of(name), board(name));
        let shown = recorded.names(&recorded.known());
        let named: BTreeSet<String> = board.expect.known.into_iter().collect();
        let silent: Vec<&String> =
            named.difference(&shown).filter(|name| !sometimes.contains(&name.as_str())).collect();
        assert!(silent.is_empty(), "{name}: {silent:?}");
    }
}

#[test]
fn a_failure_that_differs_in_anything_is_new() {
    for name in BOARDS {
        let recorded = Recorded::of(name);
        assert_eq!(recorded.names(&recorded.known_of("4.19.0", &recorded.found)), BTreeSet::new(), "{name}");
        let known = recorded.known();
        let other = |id: &str, findings: &[Finding], change: fn(&mut Finding)| {
            let mut findings = findings.to_vec();
            findings.last_mut().into_iter().for_each(change);
            known.explain(id, &findings)
        };
        for (id, findings) in &recorded.failures {
            assert_eq!(other(id, findings, |finding| finding.seen = "something else".into()), None, "{name}: {id}");
            assert_eq!(other(id, findings, |finding| finding.verdict = Verdict::Timeout), None, "{name}: {id}");
            let more = Finding::new(Oracle::Content, Verdict::Fail, Blame::Undecided, "more", "nothing more");
            let findings: Vec<Finding> = findings.iter().cloned().chain([more]).collect();
            assert_eq!(known.explain(id, &findings), None, "{name}: {id}");
        }
    }
}

#[test]
fn the_same_failure_of_another_driver_is_new() {
    // A fault of the core of DRM or V4L2, and of the heaps, is one of every driver.
    let of_core = ["export-answer-leaks", "heap-call-letter"];
    for name in BOARDS {
        let recorded = Recorded::of(name);
        let others = recorded.found.iter().cloned().map(|endpoint| {
            let through = MapDmaBuf { symbol: Some("other_map".into()), exp_name: String::new(), observed: true };
            EndpointFound { driver: "other".into(), map_dma_buf: Some(through), ..endpoint }
        });
        let known = recorded.known_of(&recorded.kernel, &others.collect::<Vec<_>>());
        let still: Vec<String> = recorded.names(&known).into_iter().collect();
        assert!(still.iter().all(|name| of_core.contains(&name.as_str())), "{name}: {still:?}");
    }
}
