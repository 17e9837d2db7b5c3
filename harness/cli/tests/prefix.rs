//! Any journal, cut off anywhere: it is read or refused with an error, and no report panics on what was read.

use std::path::Path;

use event::exit::Exit;
use event::journal::{JournalError, Recorded};
use event::{Blame, CellEnd, CellStart, End, EndpointFound, Event, Finding, MapDmaBuf, Missing, Oracle, Run};
use proptest::prelude::*;
use proptest::sample::select;
use quick_junit::Report;
use report::{failure, junit, ktap, summary};
use spec::verdict::{Outcome, Verdict};

/// Any text: a kernel's log and a driver's name are not ours.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z-]{1,9}", "[a-z\n\r]{2,6}", any::<String>(), "[\\x00-\\x1f\\x7f\u{85}é]{0,6}"]
}

fn some_text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(text())
}

fn map_dma_buf() -> impl Strategy<Value = MapDmaBuf> {
    (some_text(), text(), any::<bool>()).prop_map(|(symbol, exp_name, observed)| MapDmaBuf {
        symbol,
        exp_name,
        observed,
    })
}

fn endpoint() -> impl Strategy<Value = EndpointFound> {
    (text(), text(), any::<[bool; 2]>(), any::<u64>(), some_text(), proptest::option::of(map_dma_buf())).prop_map(
        |(key, driver, [exports, imports], smallest, blocked, map_dma_buf)| EndpointFound {
            key,
            kind: "drm".into(),
            driver,
            module: None,
            uses: vec!["drm".into()],
            node: "/dev/x".into(),
            topology: "pci".into(),
            exports,
            imports,
            smallest,
            blocked,
            map_dma_buf,
        },
    )
}

fn finding() -> impl Strategy<Value = Finding> {
    let blame = select(vec![Blame::Exporter, Blame::Importer, Blame::Undecided, Blame::Kernel, Blame::Nobody]);
    let texts = (some_text(), text(), text(), proptest::collection::vec(text(), 0..3));
    (select(Verdict::ALL.to_vec()), texts, blame).prop_map(|(verdict, (step, expected, seen, lines), blame)| Finding {
        oracle: Oracle::Content,
        verdict,
        step,
        expected,
        seen,
        blame,
        lines,
        latent: false,
    })
}

fn cell() -> impl Strategy<Value = CellEnd> {
    let outcome = select(vec![Outcome::Expected, Outcome::UnexpectedPass, Outcome::Regression, Outcome::Flake]);
    let names = ("[a-z.-]{1,12}", "[a-z.-]{1,9}", some_text(), some_text(), some_text());
    let findings = proptest::collection::vec(finding(), 0..3);
    let through = proptest::collection::vec(map_dma_buf(), 0..2);
    (names, select(Verdict::ALL.to_vec()), outcome, findings, through, any::<u32>()).prop_map(
        |((id, case, exporter, importer, reason), verdict, outcome, findings, map_dma_buf, ms)| CellEnd {
            second_importer: None,
            id,
            case,
            rule: "A rule.".into(),
            reference: "f".into(),
            exporter,
            importer,
            verdict,
            outcome,
            reason,
            known: vec![],
            ms: ms.into(),
            findings,
            map_dma_buf,
            device_access: vec![],
            damaged_by: None,
            figures: Default::default(),
        },
    )
}

/// The events of a whole run.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let endpoints = proptest::collection::vec(endpoint(), 0..3);
    let cells = proptest::collection::vec(cell(), 0..5);
    (some_text(), text(), endpoints, cells, some_text(), 0..9usize).prop_map(
        |(board, kernel, endpoints, cells, missing, planned)| {
            let run = Run {
                version: 1,
                program: "0.1.0".into(),
                board,
                real: false,
                kernel,
                architecture: "x86_64".into(),
                cmdline: String::new(),
                taint: None,
                oracles: vec![],
                cells: planned,
                plan_ms: 1,
                part: None,
            };
            let mut events = vec![Event::Run(run)];
            events.extend(endpoints.into_iter().map(Event::Endpoint));
            for cell in cells {
                events.push(Event::CellStart(CellStart { id: cell.id.clone() }));
                events.push(Event::Cell(cell));
            }
            let what = "endpoint".to_owned();
            let missing = missing.map(|name| Event::Missing(Missing { what, name, outcome: Outcome::Missing }));
            events.extend(missing);
            events.push(Event::End(End::default()));
            events
        },
    )
}

fn journal(events: &[Event]) -> Vec<u8> {
    events
        .iter()
        .flat_map(|event| serde_json::to_string(event).unwrap().into_bytes().into_iter().chain([b'\n']))
        .collect()
}

/// Every report of what was read; the lines of KTAP are all of its own making.
fn report(recorded: &Recorded) {
    summary::text(recorded);
    summary::endpoints(&recorded.endpoints);
    Exit::of(recorded);
    for cell in &recorded.cells {
        failure::text(cell, recorded.run.emulated());
    }
    let cases =
        Report::deserialize_from_str(&junit::text(recorded)).expect("XML holds every text").test_suites.remove(0);
    assert_eq!(cases.tests, cases.test_cases.len());
    assert_eq!(cases.tests, recorded.cells.len() + recorded.open.len() + recorded.missing.len());
    for line in ktap::text(recorded).split('\n') {
        let known = ["KTAP version 1", "1..", "ok ", "not ok ", "# "].iter().any(|start| line.starts_with(start));
        assert!(known || line.is_empty(), "{line:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn a_journal_cut_off_anywhere_is_read_as_far_as_it_goes(events in events()) {
        let whole = journal(&events);
        let all = Recorded::parse(Path::new("run.jsonl"), &whole).unwrap();
        prop_assert_eq!(Some(all.clone()), Recorded::of(events));
        let first = 1 + whole.iter().position(|&byte| byte == b'\n').unwrap();
        let mut known = 0;
        for end in 0..=whole.len() {
            match Recorded::parse(Path::new("run.jsonl"), &whole[..end]) {
                Ok(recorded) => {
                    prop_assert!(all.cells.starts_with(&recorded.cells));
                    prop_assert!(all.endpoints.starts_with(&recorded.endpoints));
                    // Reports are functions of the events alone: made once for each number of lines.
                    let lines = whole[..end].iter().filter(|&&byte| byte == b'\n').count();
                    if lines > known {
                        known = lines;
                        report(&recorded);
                    }
                }
                Err(error) => {
                    prop_assert!(matches!(error, JournalError::NoRun { .. }), "{}", error);
                    prop_assert!(end < first);
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>(), events in events()) {
        let _ = Recorded::parse(Path::new("run.jsonl"), &bytes);
        let mut damaged = journal(&events);
        let at = at.index(damaged.len());
        damaged.splice(at..(at + bytes.len()).min(damaged.len()), bytes);
        if let Ok(recorded) = Recorded::parse(Path::new("run.jsonl"), &damaged) {
            report(&recorded);
        }
    }
}
