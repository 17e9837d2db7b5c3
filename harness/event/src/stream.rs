//! The event stream: the only contract between running and reporting. One JSON object a line in `run.jsonl`; its JSON
//! Schema is `harness/event/events.schema.json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use spec::verdict::{Outcome, Verdict};

use crate::blame::Party;
use crate::cause::Cause;
use crate::finding::Finding;
use crate::shard::Shard;
use crate::trouble::Trouble;

/// The version of the stream. It changes when a field changes its meaning or goes away.
pub const VERSION: u32 = 1;

/// One line of `run.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// First: what runs, on what.
    Run(Run),
    /// One for each endpoint found.
    Endpoint(EndpointFound),
    /// A cell begins. Without a `cell` of the same id the run was cut short in it.
    CellStart(CellStart),
    /// A cell has ended.
    Cell(CellEnd),
    /// The results of cells that ran at the same time do not count.
    Again(Again),
    /// The machine cannot be used as before, and what the run does about it.
    Trouble(Trouble),
    /// The machine went down and was started again, and the run goes on.
    Resumed(Resumed),
    /// Something that the board file expects is not there.
    Missing(Missing),
    /// What failures come from, as the whole of the cells shows it; known faults of the kernel are causes, too.
    Cause(Box<Cause>),
    /// Last: the totals.
    End(End),
}

/// The run: what runs, on what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Of the stream.
    pub version: u32,
    /// Of prime-cts.
    pub program: String,
    /// The board file's name, where there is one.
    pub board: Option<String>,
    /// True if the board file does not say how the board is emulated: `ci/board` cannot run it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub real: bool,
    /// `uname -r`.
    pub kernel: String,
    /// `uname -m`.
    pub architecture: String,
    /// `/proc/cmdline`.
    pub cmdline: String,
    /// `/proc/sys/kernel/tainted` at the start.
    pub taint: Option<u64>,
    /// The oracles, and why one is not available.
    pub oracles: Vec<OracleState>,
    /// The number of cells that are planned.
    pub cells: usize,
    /// Time spent on finding the devices and planning, in milliseconds.
    pub plan_ms: u64,
    /// Of which run it is a shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
}

impl Run {
    /// The name of the board, if `ci/board run` can run it.
    pub fn emulated(&self) -> Option<&str> {
        self.board.as_deref().filter(|_| !self.real)
    }
}

/// One of several boards' parts of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// Which.
    pub shard: Shard,
    /// The number of cells of all shards.
    pub planned: usize,
    /// Names the plan: `runner::shard::digest`.
    pub digest: String,
    /// True if the shards together run every cell.
    pub whole: bool,
}

/// Whether an oracle can watch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OracleState {
    /// Its name.
    pub oracle: String,
    /// The reason why it is not available, with the remedy; nothing when it is.
    pub missing: Option<String>,
}

/// An endpoint of the board.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointFound {
    /// Its key.
    pub key: String,
    /// The kind of device, as cases choose by it: `drm`, `v4l2`, `heap` and others.
    pub kind: String,
    /// The kernel driver's name.
    pub driver: String,
    /// The kernel module that has the driver; nothing where it is built in, or not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The modules that this one uses, and those that these use, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<String>,
    /// The device node at the time of the run.
    pub node: String,
    /// Where the device sits, as a path in sysfs.
    pub topology: String,
    /// True if it exports.
    pub exports: bool,
    /// True if it imports.
    pub imports: bool,
    /// The smallest buffer that it can use, in bytes.
    pub smallest: u64,
    /// The reason why it cannot be used, with the remedy.
    pub blocked: Option<String>,
    /// The implementation that a first export of it went through.
    pub map_dma_buf: Option<MapDmaBuf>,
}

impl EndpointFound {
    /// The names that a trace of the kernel can have of it.
    pub fn party(&self) -> Party {
        Party { driver: self.driver.clone(), module: self.module.clone(), topology: self.topology.clone() }
    }
}

/// The map_dma_buf implementation behind an export.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct MapDmaBuf {
    /// The function's symbol, where it is known.
    pub symbol: Option<String>,
    /// The exporter's name as fdinfo shows it.
    pub exp_name: String,
    /// True if a kprobe on dma_buf_export saw it; false if it was inferred from the exporter's name.
    pub observed: bool,
}

/// A cell begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellStart {
    /// `<area>.<case>.<endpoint>[.<importer>[.<second importer>]]`.
    pub id: String,
}

/// A cell has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellEnd {
    /// `<area>.<case>.<endpoint>[.<importer>[.<second importer>]]`.
    pub id: String,
    /// `<area>.<case>`.
    pub case: String,
    /// The rule, so that a report needs no catalogue.
    pub rule: String,
    /// Where the kernel says so.
    pub reference: String,
    /// The exporter's key.
    pub exporter: Option<String>,
    /// The importer's key.
    pub importer: Option<String>,
    /// The second importer's key, in a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_importer: Option<String>,
    /// The verdict.
    #[schemars(with = "String")]
    pub verdict: Verdict,
    /// Held against the board file.
    #[schemars(with = "String")]
    pub outcome: Outcome,
    /// The board file's reason for expecting something else than a pass, or the known fault.
    pub reason: Option<String>,
    /// The findings of `fixtures/findings` that explain the failure, by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<String>,
    /// Its time in milliseconds.
    pub ms: u64,
    /// The findings. Properties of a cell that passed are here too.
    pub findings: Vec<Finding>,
    /// The implementations that the cell's buffers were exported through.
    pub map_dma_buf: Vec<MapDmaBuf>,
    /// The accesses of devices to the buffer: none in a cell in which only the CPU reads and writes.
    pub device_access: Vec<String>,
    /// The damage that the kernel had before the cell ran, since when it is not to be trusted: a cell's id and the taint
    /// that came up in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damaged_by: Option<String>,
    /// The figures of a worker of `prime-cts load`, or of the machine under it; the names say of what, and
    /// in which unit where it is no number of things.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, u64>,
}

/// The results of cells that ran at the same time do not count: something was seen that may be of any of them. Each is begun
/// once more, and runs alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Again {
    /// Their ids.
    pub cells: Vec<String>,
    /// The observation.
    pub seen: String,
}

/// The run goes on after a restart of the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resumed {
    /// The cell in which it went down; nothing when none was running, or several.
    pub open: Option<String>,
    /// The cells that were running, if there were several: each is run alone now, and one in which the machine goes down
    /// again is the one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspects: Vec<String>,
    /// The oracles as they are now, and why one is not available.
    pub oracles: Vec<OracleState>,
    /// `/proc/sys/kernel/tainted` now.
    pub taint: Option<u64>,
}

/// Something expected is not there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Missing {
    /// `endpoint` or `map_dma_buf`.
    pub what: String,
    /// Its key or symbol.
    pub name: String,
    /// Always `missing`.
    #[schemars(with = "String")]
    pub outcome: Outcome,
}

/// The totals of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct End {
    /// Cells by verdict.
    pub verdicts: BTreeMap<String, usize>,
    /// Cells and missing things by outcome.
    pub outcomes: BTreeMap<String, usize>,
    /// Time spent in cells, in milliseconds.
    pub cells_ms: u64,
    /// The part of it outside the cells' steps: the program's own cost, in milliseconds. Of a run that was resumed
    /// after a restart, that since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_ms: Option<u64>,
    /// The most memory that the program had at a time until then (VmHWM), in KiB. What it tells at its end has that for
    /// the reports, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_kib: Option<u64>,
    /// `/proc/sys/kernel/tainted` at the end.
    pub taint: Option<u64>,
}

impl CellEnd {
    /// A cell with these findings, as expected so far, in which no endpoint is named.
    pub fn new(id: &str, rule: impl Into<String>, reference: impl Into<String>, findings: Vec<Finding>) -> Self {
        Self {
            id: id.to_owned(),
            case: spec::case::case_of(id),
            rule: rule.into(),
            reference: reference.into(),
            exporter: None,
            importer: None,
            second_importer: None,
            verdict: findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Pass),
            outcome: Outcome::Expected,
            reason: None,
            known: Vec::new(),
            ms: 0,
            findings,
            map_dma_buf: Vec::new(),
            device_access: Vec::new(),
            damaged_by: None,
            figures: BTreeMap::new(),
        }
    }

    /// The keys of its endpoints: exporter, importer, second importer.
    pub fn endpoints(&self) -> impl Iterator<Item = &String> {
        [&self.exporter, &self.importer, &self.second_importer].into_iter().flatten()
    }
}

impl End {
    /// Counts a cell by its verdict and its outcome.
    pub fn count(&mut self, cell: &CellEnd) {
        *self.verdicts.entry(cell.verdict.word().into()).or_insert(0) += 1;
        *self.outcomes.entry(cell.outcome.word().into()).or_insert(0) += 1;
    }

    /// Counts things that are missing.
    pub fn count_missing(&mut self, missing: usize) {
        if missing > 0 {
            *self.outcomes.entry(Outcome::Missing.word().into()).or_insert(0) += missing;
        }
    }

    /// Adds up cells and the number of things that are missing.
    pub fn of<'a>(cells: impl IntoIterator<Item = &'a CellEnd>, missing: usize) -> Self {
        let mut end = Self::default();
        for cell in cells {
            end.count(cell);
            end.cells_ms += cell.ms;
        }
        end.count_missing(missing);
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PRIME_CTS_BLESS=1 cargo test` writes it again.
    #[test]
    fn the_committed_schema_is_that_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/events.schema.json");
        let now = serde_json::to_string_pretty(&schemars::schema_for!(Event)).unwrap() + "\n";
        if std::env::var_os("PRIME_CTS_BLESS").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(now == committed, "events.schema.json is stale: run PRIME_CTS_BLESS=1 cargo test -p prime-cts-event");
    }

    #[test]
    fn an_event_is_one_line_with_its_name_in_it() {
        let text = serde_json::to_string(&Event::CellStart(CellStart { id: "fd.size.udmabuf".into() })).unwrap();
        assert_eq!(text, r#"{"event":"cell-start","id":"fd.size.udmabuf"}"#);
    }
}
