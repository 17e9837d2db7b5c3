//! What a cell showed, and the event that records it.

use std::rc::Rc;
use std::time::Duration;

use device::Endpoint;
use event::known::KnownFaults;
use event::{CellEnd, Finding, MapDmaBuf};
use spec::board::Expect;
use spec::verdict::Verdict;

use super::board::outcome;
use crate::plan::Cell;

/// The result of a cell, before it is compared with the board file.
#[derive(Debug, Clone)]
pub struct CellResult {
    /// The worst of its findings.
    pub verdict: Verdict,
    /// Everything that was seen.
    pub findings: Vec<Finding>,
    /// The implementations that its buffers were exported through.
    pub map_dma_buf: Vec<MapDmaBuf>,
    /// The accesses of devices to its buffers.
    pub device_access: Vec<String>,
    /// The damage that the kernel had before.
    pub damaged_by: Option<String>,
    /// Its time.
    pub time: Duration,
}

impl CellResult {
    /// Of a cell that was not run here, and of which one finding is all that is known.
    pub fn without_running(finding: Finding) -> Self {
        let (map_dma_buf, device_access) = (Vec::new(), Vec::new());
        let (damaged_by, time) = (None, Duration::ZERO);
        Self { verdict: finding.verdict, findings: vec![finding], map_dma_buf, device_access, damaged_by, time }
    }

    /// The event of a cell that has ended so.
    pub fn event(&self, cell: &Cell, expect: Option<&Expect>, known: &KnownFaults) -> CellEnd {
        let key = |endpoint: &Option<Rc<Endpoint>>| endpoint.as_ref().map(|endpoint| endpoint.key.clone());
        let judged = outcome(expect, known, &cell.id, self.verdict, &self.findings);
        CellEnd {
            exporter: key(&cell.exporter),
            importer: key(&cell.importer),
            second_importer: key(&cell.second_importer),
            verdict: self.verdict,
            outcome: judged.outcome,
            reason: judged.reason,
            known: judged.known,
            ms: self.time.as_millis() as u64,
            map_dma_buf: self.map_dma_buf.clone(),
            device_access: self.device_access.clone(),
            damaged_by: self.damaged_by.clone(),
            ..CellEnd::new(&cell.id, cell.case.rule.trim(), cell.case.reference.trim(), self.findings.clone())
        }
    }
}
