//! Running cells: one child process each, watched from outside.

pub(crate) mod blame;
pub mod board;
pub mod child;
mod damage;
mod deadly;
pub(crate) mod judge;
pub mod resume;
mod so_far;
pub mod together;
pub(crate) mod watch;

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use device::Endpoint;
use document::case::{Kind, Memory};
use document::verdict::Verdict;
use uapi::fragment::Fragments;

use crate::cell::message::Message;
use crate::event::{CellEnd, EndpointFound, Finding, MapDmaBuf, OracleState};
use crate::memory_sort::MemorySorts;
use crate::plan::Cell;
use child::Ran;
use damage::Damage;
use together::Undecided;
use watch::Seen;
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
    /// What devices did with its buffers by themselves.
    pub device_access: Vec<String>,
    /// What had damaged the kernel before.
    pub damaged_by: Option<String>,
    /// How long it took.
    pub time: Duration,
}

impl Shown {
    /// What the findings say that made the verdict.
    pub fn seen(&self) -> Vec<&str> {
        let worst = self.findings.iter().filter(|finding| finding.verdict == self.verdict);
        worst.map(|finding| finding.seen.as_str()).collect()
    }

    /// Of a cell that was not run here, and of which one finding is all that is known.
    fn without_running(finding: Finding) -> Self {
        let (map_dma_buf, device_access) = (Vec::new(), Vec::new());
        let (damaged_by, time) = (None, Duration::ZERO);
        Self { verdict: finding.verdict, findings: vec![finding], map_dma_buf, device_access, damaged_by, time }
    }

    /// Whether an import was refused, be it that the cell ended there or that it went on.
    pub fn refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.oracle == crate::cell::REFUSAL)
    }
}

/// Runs cells, and knows of the board's endpoints what only a first export tells.
pub struct Runner {
    watch: Watch,
    /// The importers that take contiguous memory only.
    contiguous: BTreeSet<String>,
    /// How long the cells' steps took; of cells that ran at the same time, those of the longest.
    steps: Duration,
    damage: Damage,
}

/// Pages of which a cell holds every other one: a single break keeps a buffer from being contiguous, and what the
/// kernel allocates between must not use them up.
const FRAGMENTS: usize = 512;

impl Runner {
    /// Starts the oracles and exports one small buffer of each endpoint.
    pub fn start(sources: &Sources, endpoints: &[Rc<Endpoint>]) -> (Self, Vec<EndpointFound>) {
        let watch = Watch::start(sources);
        let damage = Damage::before(oracle::kernel_log::taint(Path::new("/proc")));
        let mut runner = Self { watch, contiguous: BTreeSet::new(), steps: Duration::ZERO, damage };
        let found: Vec<EndpointFound> = endpoints.iter().map(|endpoint| runner.look_at(endpoint)).collect();
        let sorts = MemorySorts::of_this_kernel();
        let contiguous =
            |found: &&EndpointFound| matches!(sorts.of_endpoint(found), Some(Memory::Coherent | Memory::Contiguous));
        runner.contiguous = found.iter().filter(contiguous).map(|endpoint| endpoint.key.clone()).collect();
        (runner, found)
    }

    /// Each oracle, and why it is missing.
    pub fn oracles(&self) -> Vec<OracleState> {
        self.watch.states()
    }

    /// The oracles that a case names and that are not there; a mock is no kernel's, and needs none.
    fn unseen(&self, cell: &Cell) -> Option<Finding> {
        let observed = cell.case.observed_by.as_ref()?;
        let states = self.watch.states();
        let named = |state: &&OracleState| observed.oracles.iter().any(|oracle| oracle.word() == state.oracle);
        let missing = states.iter().filter(named).find(|state| state.missing.is_some())?;
        let real = cell.endpoints().any(|endpoint| endpoint.kind != Kind::Mock);
        real.then(|| judge::unobserved(&format!("{}: {}", missing.oracle, missing.missing.as_deref().unwrap_or(""))))
    }

    /// How long the cells' steps took until now.
    pub fn steps(&self) -> Duration {
        self.steps
    }

    /// Runs one cell in a process of its own and gathers what its oracles and those of the watch saw.
    pub fn run(&mut self, cell: &Cell) -> Shown {
        let (ran, seen) = self.processes(&[cell]).pop().expect("a process for each cell");
        self.shown(cell, &ran, &seen)
    }

    /// What is known of a cell that is not run.
    pub fn not_run(cell: &Cell) -> Option<Shown> {
        let known = cell.unobserved.as_ref().map(|why| judge::unobserved(why));
        known.or_else(|| cell.blocked().map(judge::blocked)).map(Shown::without_running)
    }

    /// Runs cells at the same time, each in a process of its own.
    ///
    /// # Errors
    /// Something was seen that may be of any of them: then nothing of what they showed counts.
    pub fn run_together(&mut self, cells: &[Rc<Cell>]) -> Result<Vec<Shown>, Undecided> {
        let all = self.processes(&cells.iter().map(Rc::as_ref).collect::<Vec<_>>());
        if let Some(undecided) = all.iter().find_map(|(ran, seen)| Undecided::of(ran, seen)).filter(|_| cells.len() > 1)
        {
            return Err(undecided);
        }
        Ok(cells.iter().zip(&all).map(|(cell, (ran, seen))| self.shown(cell, ran, seen)).collect())
    }

    fn processes(&mut self, cells: &[&Cell]) -> Vec<(Ran, Seen)> {
        self.watch.begin();
        let work = |cell: &Cell| {
            let importers = [&cell.importer, &cell.second_importer];
            let scatter = importers.into_iter().flatten().any(|importer| self.contiguous.contains(&importer.key));
            let cell = cell.clone();
            (cell.case.deadline.0, move |say: &mut dyn FnMut(&Message)| {
                let _fragments = scatter.then(|| Fragments::make(FRAGMENTS));
                crate::cell::execute(&cell, say);
            })
        };
        let ran = child::run_all(cells.iter().map(|cell| work(cell)).collect());
        let driver = |cell: &&Cell| cell.exporter.as_ref().map_or(String::new(), |exporter| exporter.driver.clone());
        let drivers: Vec<String> = cells.iter().map(driver).collect();
        let processes: Vec<_> = ran.iter().zip(&drivers).map(|(ran, driver)| (ran.pid, driver.as_str())).collect();
        let seen = self.watch.end_all(&processes);
        self.steps += ran.iter().map(Ran::lasted).max().unwrap_or_default();
        ran.into_iter().zip(seen).collect()
    }

    fn shown(&mut self, cell: &Cell, ran: &Ran, seen: &Seen) -> Shown {
        let (mut verdict, mut findings) = judge::judge(ran, seen, &blame::Drivers::of(cell));
        if let Some(unseen) = self.unseen(cell).filter(|_| verdict == Verdict::Pass) {
            verdict = unseen.verdict;
            findings.push(unseen);
        }
        let map_dma_buf = of_steps(seen.exported.clone(), ran.exported());
        let damaged_by = self.damage.by().map(str::to_owned);
        self.damage.learn(&cell.id, seen.taint);
        Shown { verdict, findings, map_dma_buf, device_access: ran.device_access(), damaged_by, time: ran.time }
    }

    /// What is known of an endpoint, after a first export of it in a process of its own.
    fn look_at(&mut self, endpoint: &Endpoint) -> EndpointFound {
        let kind = serde_json::to_value(endpoint.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
        EndpointFound {
            key: endpoint.key.clone(),
            kind: kind.unwrap_or_default(),
            driver: endpoint.driver.clone(),
            node: endpoint.node.display().to_string(),
            topology: endpoint.topology.clone(),
            exports: endpoint.exports,
            imports: endpoint.imports,
            smallest: endpoint.smallest,
            blocked: endpoint.blocked.clone(),
            map_dma_buf: self.first_export(endpoint),
        }
    }

    fn first_export(&mut self, endpoint: &Endpoint) -> Option<MapDmaBuf> {
        if endpoint.blocked.is_some() || !endpoint.exports {
            return None;
        }
        self.watch.begin();
        let ran = child::run(Duration::from_secs(20), |say| {
            let exported = device::inventory::open(endpoint).ok().and_then(|device| {
                let buffer = device.allocate(endpoint.smallest.max(4096)).ok()?;
                let file = buffer.export(device::ExportFlags { writable: true, close_on_exec: true }).ok()?;
                oracle::provenance::from_fdinfo(&device.files().fdinfo(std::os::fd::AsFd::as_fd(&file)).ok()?)
            });
            if let Some(found) = exported.map(|found| found.of_driver(&endpoint.driver)) {
                let found = MapDmaBuf { symbol: found.map_dma_buf, exp_name: found.exp_name, observed: false };
                say(&Message::Exported(found));
            }
        });
        let seen = self.watch.end(ran.pid, &endpoint.driver);
        of_steps(seen.exported, ran.exported()).into_iter().next()
    }
}

/// What a cell's own buffers were exported through. A library may export buffers beside them (Mesa's software driver
/// tries udmabuf whenever it is opened): of what was traced, that counts which the steps' own files are called by.
fn of_steps(traced: Vec<MapDmaBuf>, told: Vec<MapDmaBuf>) -> Vec<MapDmaBuf> {
    let own = |found: &&MapDmaBuf| told.iter().any(|told| told.exp_name == found.exp_name);
    let own: Vec<MapDmaBuf> = traced.iter().filter(own).cloned().collect();
    [own, traced, told].into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

/// The event of a cell that has ended.
pub fn cell_end(cell: &Cell, shown: &Shown, expect: Option<&document::board::Expect>) -> CellEnd {
    let key = |endpoint: &Option<Rc<Endpoint>>| endpoint.as_ref().map(|endpoint| endpoint.key.clone());
    let (outcome, reason) = board::outcome(expect, &cell.id, shown);
    CellEnd {
        id: cell.id.clone(),
        case: cell.case.id(),
        rule: cell.case.rule.trim().to_owned(),
        reference: cell.case.reference.trim().to_owned(),
        exporter: key(&cell.exporter),
        importer: key(&cell.importer),
        second_importer: key(&cell.second_importer),
        verdict: shown.verdict,
        outcome,
        reason: reason.map(str::to_owned),
        ms: shown.time.as_millis() as u64,
        findings: shown.findings.clone(),
        map_dma_buf: shown.map_dma_buf.clone(),
        device_access: shown.device_access.clone(),
        damaged_by: shown.damaged_by.clone(),
        figures: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(symbol: Option<&str>, exp_name: &str) -> MapDmaBuf {
        MapDmaBuf { symbol: symbol.map(str::to_owned), exp_name: exp_name.into(), observed: symbol.is_some() }
    }

    #[test]
    fn what_a_library_exports_beside_the_steps_is_not_the_cell_s() {
        let traced = vec![through(Some("map_udmabuf"), "udmabuf"), through(Some("drm_gem_map_dma_buf"), "drm")];
        assert_eq!(of_steps(traced.clone(), vec![through(None, "drm")]), [traced[1].clone()]);
        assert_eq!(of_steps(traced.clone(), vec![]), traced);
        assert_eq!(of_steps(vec![], vec![through(None, "drm")]), [through(None, "drm")]);
    }
}
