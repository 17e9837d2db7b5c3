//! The oracles that watch a cell from outside its process: the kernel log, the taint, the kprobe on dma_buf_export.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use kernel_log::{Record, Splat, TaintFile};
use oracle::dma::{Breach, Contract, Rule};
use oracle::kmsg::KernelLog;
use oracle::provenance::{Evidence, Shared, Touch, Tracer};
use oracle::trace::Trace;

use event::{MapDmaBuf, OracleState};

/// The oracles outside a cell, and why one is missing.
pub struct Watch {
    log: Result<KernelLog, String>,
    /// The records since `begin`, as far as they were gathered.
    records: Vec<Record>,
    /// Records that were overwritten before `begin`.
    lost_before: u64,
    trace: Result<Trace, String>,
    /// Where tracefs is, if tracing is wanted.
    tracefs: Option<PathBuf>,
    /// The rules of the DMA contract are looked at.
    contract_wanted: bool,
    bufinfo: Result<(), String>,
    /// `clear_warn_once`: what the kernel warns of once, it warns of again after each writing.
    once: Result<File, String>,
    /// Importers get copies of the exporters' sg_tables.
    copies: bool,
    taint_file: TaintFile,
    taint: Option<u64>,
}

/// Where the watch looks.
#[derive(Debug, Clone)]
pub struct Sources {
    /// `/dev/kmsg`.
    pub kernel_log: PathBuf,
    /// `/sys/kernel/tracing`; nothing where no tracing is wanted.
    pub tracefs: Option<PathBuf>,
    /// `/sys/kernel/debug`.
    pub debugfs: PathBuf,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            kernel_log: "/dev/kmsg".into(),
            tracefs: Some("/sys/kernel/tracing".into()),
            debugfs: "/sys/kernel/debug".into(),
        }
    }
}

/// The observations while a cell ran.
#[derive(Debug, Clone, Default)]
pub struct Observations {
    /// Warnings, bugs and oopses of the kernel.
    pub splats: Vec<Splat>,
    /// Stacks that the kernel dumped without such a report.
    pub dumps: Vec<Splat>,
    /// Taint bits that came up.
    pub taint: u64,
    /// Functions that touch the struct pages behind an sg_table, called by the cell.
    pub touched: Vec<Touch>,
    /// The sg_tables that two devices held at a time, mapped by the cell.
    pub shared: Vec<Shared>,
    /// The rules of the DMA contract that the cell's devices broke.
    pub broken: Vec<Breach>,
    /// The first page frames of mappings, and how many of them have no struct page.
    pub frames: Option<(Vec<u64>, usize)>,
    /// The implementations that buffers were exported through.
    pub exported: Vec<MapDmaBuf>,
    /// Records of the kernel log that were overwritten before they could be read.
    pub lost: u64,
    /// Calls that a probe saw and that were overwritten before they could be read.
    pub lost_calls: u64,
}

/// The observations between two cells.
#[derive(Debug, Clone, Default)]
pub struct Late {
    /// Warnings, bugs and oopses of the kernel, and stacks that it dumped without such a report.
    pub splats: Vec<Splat>,
    /// Taint bits that came up.
    pub taint: u64,
}

const NOT_ASKED_FOR: &str = "not asked for";

fn clear_warn_once(debugfs: &Path) -> Result<File, String> {
    let path = debugfs.join("clear_warn_once");
    File::options()
        .write(true)
        .open(&path)
        .map_err(|error| format!("{}: {error}; mount -t debugfs nodev /sys/kernel/debug, run as root", path.display()))
}

/// CONFIG_DMA_API_DEBUG reports one error, and then only after each writing of a number of them, or all of them
/// (Documentation/core-api/dma-api.rst). A kernel without it has no such file.
fn show_all_dma_errors(debugfs: &Path) {
    let _ = std::fs::write(debugfs.join("dma-api/all_errors"), "1");
}

/// A kernel that does not show its configuration is taken for one without that option, as nearly all are.
fn copies_sg_tables() -> bool {
    let Ok((release, _)) = uapi::process::kernel() else { return false };
    let config = oracle::kernel_config::KernelConfig::read(Path::new("/"), &release);
    config.is_ok_and(|config| config.copies_sg_tables(&release))
}

/// Returns the page frames that are checked, of which some are enough, and how many of them have no struct page.
fn frames(mut frames: Vec<u64>) -> Option<(Vec<u64>, usize)> {
    frames.truncate(FRAMES);
    let without = oracle::pages::without_struct_page(&frames, Path::new("/proc"))?;
    (!frames.is_empty()).then_some((frames, without))
}

/// A buffer of scattered pages is mapped by a call for each.
const FRAMES: usize = 16;

impl Watch {
    /// Starts what can be started.
    pub fn start(sources: &Sources) -> Self {
        let text = |missing: oracle::not_available::NotAvailable| missing.to_string();
        let trace = match &sources.tracefs {
            Some(tracefs) => Trace::start(tracefs).map_err(text),
            None => Err(NOT_ASKED_FOR.to_owned()),
        };
        let bufinfo = sources.debugfs.join("dma_buf/bufinfo");
        let bufinfo = File::open(&bufinfo).map(drop).map_err(|error| {
            format!("{}: {error}; mount -t debugfs nodev /sys/kernel/debug, run as root", bufinfo.display())
        });
        // Mocks have no kernel, and the one that they run on is left alone.
        let once = match &sources.tracefs {
            Some(_) => {
                show_all_dma_errors(&sources.debugfs);
                clear_warn_once(&sources.debugfs)
            }
            None => Err(NOT_ASKED_FOR.to_owned()),
        };
        let taint_file = TaintFile::open(Path::new("/proc"));
        let log = KernelLog::open(&sources.kernel_log).map_err(text);
        Self {
            log,
            records: Vec::new(),
            lost_before: 0,
            trace,
            tracefs: sources.tracefs.clone(),
            contract_wanted: true,
            bufinfo,
            once,
            copies: copies_sg_tables(),
            taint: taint_file.read(),
            taint_file,
        }
    }

    /// Each oracle, and why it is missing.
    pub fn states(&self) -> Vec<OracleState> {
        let state =
            |oracle: &str, missing: Option<&String>| OracleState { oracle: oracle.into(), missing: missing.cloned() };
        let taint = self.taint.is_none().then(|| "/proc/sys/kernel/tainted cannot be read; mount procfs".to_owned());
        vec![
            state("kernel-log", self.log.as_ref().err()),
            state("taint", taint.as_ref()),
            state("map_dma_buf", self.tracer().as_ref().err()),
            state("struct-pages", self.touches().as_ref().err()),
            state("sg_table", self.tables().as_ref().err()),
            state("dma", self.contract_rules().as_ref().err()),
            state("dma-tables", self.contract_tables().as_ref().err()),
            state("bufinfo", self.bufinfo.as_ref().err()),
            state("clear_warn_once", self.once.as_ref().err()),
        ]
    }

    fn tracer(&self) -> Result<&Tracer, String> {
        self.trace.as_ref().map_err(Clone::clone)?.tracer().as_ref().map_err(ToString::to_string)
    }

    fn contract(&self) -> Result<&Contract, String> {
        let trace = self.trace.as_ref().map_err(Clone::clone)?;
        if !self.contract_wanted {
            return Err(NOT_ASKED_FOR.to_owned());
        }
        trace.contract().as_ref().map_err(ToString::to_string)
    }

    /// Returns whether importers are seen that reach for struct pages.
    fn touches(&self) -> Result<(), String> {
        match self.tracer() {
            Err(why) => Err(why),
            Ok(tracer) if tracer.touching_functions().is_empty() => {
                Err("drm_prime_sg_to_page_array cannot be probed; load a DRM driver first".to_owned())
            }
            Ok(_) => Ok(()),
        }
    }

    /// Returns whether exporters are seen that give several devices one sg_table.
    fn tables(&self) -> Result<(), String> {
        match self.tracer() {
            Err(why) => Err(why),
            Ok(_) if self.copies => {
                Err("this kernel gives each importer a copy of the sg_table; build it without CONFIG_DMABUF_DEBUG"
                    .to_owned())
            }
            Ok(tracer) if tracer.sees_tables() => Ok(()),
            Ok(_) => {
                Err("the kernel does not let dma_buf_map_attachment and dma_buf_unmap_attachment be probed; build \
                it with CONFIG_KRETPROBES=y"
                    .to_owned())
            }
        }
    }

    /// Takes the probes of the DMA contract away, for work whose speed counts and that is not judged by it.
    pub fn leave_contract(&mut self) {
        self.contract_wanted = false;
        let other = self.tracefs.as_ref().map(|tracefs| Trace::without_contract(tracefs));
        if let Some(Ok(without)) = other {
            self.trace = Ok(without);
        }
    }

    /// Returns whether every rule of the DMA contract is seen.
    fn contract_rules(&self) -> Result<(), String> {
        let rules = self.contract()?.rules();
        let unseen = |rule: &Rule| !rules.contains(rule);
        let missing: Vec<&str> = Rule::ALL.into_iter().filter(unseen).map(Rule::name).collect();
        let names = missing.join(", ");
        let why =
            format!("the kernel does not let functions be probed that show these rules: {names}; the others are seen");
        if missing.is_empty() { Ok(()) } else { Err(why) }
    }

    /// Returns whether sg_tables are read from the first one on.
    fn contract_tables(&self) -> Result<(), String> {
        self.contract()?
            .layout()
            .map_err(|why| format!("{why}; until the tables of a run show it, their sizes are not judged"))
    }

    /// Begins to look, and lets the kernel forget of what it has warned. Returns what came since the last end.
    pub fn begin(&mut self) -> Late {
        let late = self.late();
        if let Ok(once) = &mut self.once {
            // A kernel that does not take it has given its warnings already: then only the first cell has them.
            let _ = once.write_all(b"1");
        }
        self.lost_before = self.log.as_ref().map_or(0, KernelLog::lost);
        if let Ok(trace) = &mut self.trace {
            trace.begin();
        }
        late
    }

    /// Returns what came since the last end: no cell ran meanwhile, and yet it is of one.
    pub fn late(&mut self) -> Late {
        self.records.clear();
        let records = self.log.as_mut().map(KernelLog::take).unwrap_or_default();
        let now = self.taint_file.read();
        let taint = now.unwrap_or(0) & !self.taint.unwrap_or(0);
        self.taint = now;
        let mut splats = kernel_log::splats(&records);
        splats.extend(kernel_log::dumps(&records));
        Late { splats, taint }
    }

    /// Reads what was logged so far: of a long time the log may not hold all.
    pub fn gather(&mut self) {
        if let Ok(log) = &mut self.log {
            self.records.extend(log.take());
        }
    }

    /// Returns what came since `begin`, or since another process was asked for: what the kernel does not attribute to a process,
    /// and what this one did; of the exports, those of the driver whose endpoint it used.
    pub fn end(&mut self, pid: i32, driver: &str) -> Observations {
        let mut seen = self.of_no_process();
        let Ok(trace) = &mut self.trace else { return seen };
        trace.read();
        seen.lost_calls = trace.take_lost();
        // Of a trace with holes nothing is said.
        if let Some(contract) = trace.contract_mut().filter(|_| seen.lost_calls == 0) {
            seen.broken = contract.take_of(pid);
            // User space says which pages a udmabuf has, and may name one twice.
            seen.broken.retain(|breach| driver != "udmabuf" || breach.rule != Rule::Entries);
        }
        let Some(tracer) = trace.tracer_mut() else { return seen };
        let (touched, shared, mapped) = tracer.take_of(pid);
        (seen.touched, seen.shared, seen.frames) = (touched, shared, frames(mapped));
        for found in tracer.take(pid) {
            let found = found.of_driver(driver);
            let observed = found.evidence == Evidence::Traced && found.map_dma_buf.is_some();
            let found = MapDmaBuf { symbol: found.map_dma_buf, exp_name: found.exp_name, observed };
            if !seen.exported.contains(&found) {
                seen.exported.push(found);
            }
        }
        seen
    }

    /// Returns what the kernel does not attribute to a process: its log and its taint.
    fn of_no_process(&mut self) -> Observations {
        let mut seen = Observations::default();
        if let Ok(log) = &mut self.log {
            self.records.extend(log.take());
            let records = std::mem::take(&mut self.records);
            (seen.splats, seen.dumps) = (kernel_log::splats(&records), kernel_log::dumps(&records));
            let lost = log.lost();
            seen.lost = lost - self.lost_before;
            self.lost_before = lost;
        }
        let now = self.taint_file.read();
        seen.taint = now.unwrap_or(0) & !self.taint.unwrap_or(0);
        self.taint = now;
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_case_can_be_observed_by_is_an_oracle_of_the_run() {
        let root = tempfile::tempdir().unwrap();
        let (kernel_log, debugfs) = (root.path().join("kmsg"), root.path().to_owned());
        let states = Watch::start(&Sources { kernel_log, tracefs: None, debugfs }).states();
        for oracle in spec::case::Oracle::ALL {
            assert!(states.iter().any(|state| state.oracle == oracle.word()), "{}", oracle.word());
        }
    }

    #[test]
    fn a_kernel_that_checks_dma_is_made_to_tell_every_error() {
        let root = tempfile::tempdir().unwrap();
        let errors = root.path().join("dma-api/all_errors");
        std::fs::create_dir(errors.parent().unwrap()).unwrap();
        std::fs::write(&errors, "0").unwrap();
        let sources = |tracefs: Option<PathBuf>| Sources {
            kernel_log: root.path().join("kmsg"),
            tracefs,
            debugfs: root.path().to_owned(),
        };
        // A run of mocks leaves the kernel that it runs on alone.
        Watch::start(&sources(None));
        assert_eq!(std::fs::read_to_string(&errors).unwrap(), "0");
        Watch::start(&sources(Some(root.path().join("tracing"))));
        assert_eq!(std::fs::read_to_string(&errors).unwrap(), "1");
    }
}
