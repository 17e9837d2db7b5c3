//! A journal with one of everything, for the tests of the reports.

use spec::verdict::{Outcome, Verdict};

use crate::finding::{Blame, Finding, Oracle};
use crate::journal::Recorded;
use crate::stream::{CellEnd, CellStart, End, EndpointFound, Event, MapDmaBuf, Run};

/// A cell that ended so; one that did not pass has a finding of the content oracle.
pub fn cell(id: &str, verdict: Verdict, outcome: Outcome) -> CellEnd {
    let mut parts = id.split('.').map(str::to_owned);
    let case = format!("{}.{}", parts.next().unwrap(), parts.next().unwrap());
    let findings = (verdict != Verdict::Pass).then(|| Finding {
        oracle: Oracle::Content,
        verdict,
        step: Some("6 check".into()),
        expected: "the pattern of seed 1 <from> byte 8192".into(),
        seen: "byte 8192: saw the bytes of offset 0".into(),
        blame: Blame::Exporter,
        lines: vec!["a line & more".into()],
        latent: false,
    });
    CellEnd {
        id: id.into(),
        case,
        rule: "A mapping shows the buffer.".into(),
        reference: "drivers/dma-buf/dma-buf.c".into(),
        exporter: parts.next(),
        importer: parts.next(),
        second_importer: parts.next(),
        verdict,
        outcome,
        reason: (verdict == Verdict::Fail && outcome == Outcome::Expected).then(|| "known since 5.0".into()),
        known: vec![],
        ms: 12,
        findings: findings.into_iter().collect(),
        map_dma_buf: vec![MapDmaBuf {
            symbol: Some("drm_gem_map_dma_buf".into()),
            exp_name: "drm".into(),
            observed: true,
        }],
        device_access: vec![],
        damaged_by: None,
        figures: Default::default(),
    }
}

fn endpoint(key: &str) -> EndpointFound {
    EndpointFound {
        key: key.into(),
        kind: "drm".into(),
        driver: "d".into(),
        module: None,
        uses: vec![],
        node: "/dev/x".into(),
        topology: String::new(),
        exports: true,
        imports: true,
        smallest: 1,
        blocked: None,
        map_dma_buf: None,
    }
}

/// The events of a whole run of five cells.
pub fn events() -> Vec<Event> {
    let run = Run {
        version: 1,
        program: "0.1.0".into(),
        board: Some("b".into()),
        real: false,
        kernel: "6.12".into(),
        architecture: "x86_64".into(),
        cmdline: String::new(),
        taint: Some(0),
        oracles: vec![],
        cells: 5,
        plan_ms: 3,
        part: None,
    };
    let cells = [
        cell("mapping.whole.drm-a", Verdict::Pass, Outcome::Expected),
        cell("mapping.at-offset.drm-a", Verdict::Fail, Outcome::Expected),
        cell("leaks.import.drm-a.drm-b", Verdict::Refused, Outcome::Expected),
        cell("leaks.import.drm-b.drm-a", Verdict::Crash, Outcome::Regression),
        cell("pages.pin.drm-b", Verdict::NotObservable, Outcome::Expected),
    ];
    let mut events = vec![Event::Run(run), Event::Endpoint(endpoint("drm-a")), Event::Endpoint(endpoint("drm-b"))];
    for cell in cells {
        events.push(Event::CellStart(CellStart { id: cell.id.clone() }));
        events.push(Event::Cell(cell));
    }
    events.push(Event::End(End { cells_ms: 60, ..End::default() }));
    events
}

/// The same run as a journal is read.
pub fn recorded() -> Recorded {
    Recorded::of(events()).unwrap()
}
