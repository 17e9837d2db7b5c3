//! Running cells: one child process each, watched from outside.

pub mod board;
pub mod child;
mod judge;
mod watch;

use std::time::{Duration, Instant};

use device::Endpoint;
use document::verdict::Verdict;

use crate::event::{CellEnd, Finding, MapDmaBuf};
use crate::plan::Cell;
pub use watch::{Sources, Watch};

/// What a cell showed, before it is held against the board file.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The worst of its findings.
    pub verdict: Verdict,
    /// Everything that was seen.
    pub findings: Vec<Finding>,
    /// What its buffers were exported through.
    pub map_dma_buf: Vec<MapDmaBuf>,
    /// How long it took.
    pub time: Duration,
}

/// Runs one cell in a process of its own and gathers what its oracles and those of the watch saw.
pub fn run_cell(cell: &Cell, watch: &mut Watch) -> Shown {
    let started = Instant::now();
    if let Some(why) = cell.blocked() {
        return Shown {
            verdict: Verdict::Blocked,
            findings: vec![judge::blocked(why)],
            map_dma_buf: Vec::new(),
            time: Duration::ZERO,
        };
    }
    watch.begin();
    let ran = child::run(cell.case.deadline.0, |say| crate::cell::execute(cell, say));
    let driver = cell.exporter.as_ref().map_or("", |exporter| exporter.driver.as_str());
    let seen = watch.end(ran.pid, driver);
    let judged = judge::judge(&ran, &seen);
    let map_dma_buf = if seen.exported.is_empty() { ran.exported() } else { seen.exported };
    Shown { verdict: judged.0, findings: judged.1, map_dma_buf, time: started.elapsed() }
}

/// Exports one small buffer of an endpoint, in a process of its own, to learn what it goes through.
pub fn look_at(endpoint: &Endpoint, watch: &mut Watch) -> Option<MapDmaBuf> {
    if endpoint.blocked.is_some() || !endpoint.exports {
        return None;
    }
    watch.begin();
    let ran = child::run(Duration::from_secs(20), |say| {
        let exported = device::inventory::open(endpoint).ok().and_then(|device| {
            let buffer = device.allocate(endpoint.smallest.max(4096)).ok()?;
            let file = buffer.export(device::ExportFlags { writable: true, close_on_exec: true }).ok()?;
            oracle::provenance::from_fdinfo(&device.files().fdinfo(std::os::fd::AsFd::as_fd(&file)).ok()?)
        });
        if let Some(found) = exported {
            let found = MapDmaBuf { symbol: found.map_dma_buf, exp_name: found.exp_name, observed: false };
            say(&crate::cell::message::Message::Exported(found));
        }
    });
    let seen = watch.end(ran.pid, &endpoint.driver);
    seen.exported.into_iter().next().or_else(|| ran.exported().into_iter().next())
}

/// The event of a cell that has ended.
pub fn cell_end(cell: &Cell, shown: &Shown, expect: Option<&document::board::Expect>) -> CellEnd {
    let key = |endpoint: &Option<std::rc::Rc<Endpoint>>| endpoint.as_ref().map(|endpoint| endpoint.key.clone());
    CellEnd {
        id: cell.id.clone(),
        case: cell.case.id(),
        rule: cell.case.rule.trim().to_owned(),
        reference: cell.case.reference.trim().to_owned(),
        exporter: key(&cell.exporter),
        importer: key(&cell.importer),
        verdict: shown.verdict,
        outcome: board::outcome(expect, &cell.id, shown.verdict),
        reason: expect.and_then(|expect| expect.entry(&cell.id)).map(|entry| entry.reason.clone()),
        ms: shown.time.as_millis() as u64,
        findings: shown.findings.clone(),
        map_dma_buf: shown.map_dma_buf.clone(),
        device_access: Vec::new(),
    }
}
