//! Faults that kernel modules of our own plant on demand, and what catches each of them.
//!
//! A module lists its faults in `/sys/module/NAME/parameters/faults` and, where that is full, `more_faults`, a line each, and plants the one whose word is
//! written to `fault` next to it (`fixtures/kmod/include/prime_fault.h`). A fault is caught by a cell that fails, crashes
//! or hangs with it, does not without it, and does not blame the other side; else by one that is refused where it passes
//! without it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use device::Endpoint;
use serde::Serialize;
use spec::case::Tag;
use spec::verdict::Verdict;

use crate::plan::Cell;
use crate::run::Runner;
use event::{Blame, Finding};

pub mod blamed;
pub mod whole;

/// A fault of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The module.
    pub module: String,
    /// The word that is written to plant it.
    pub word: String,
    /// `exporter` or `importer`.
    pub side: String,
    /// The behaviour of the module with it.
    pub what: String,
    parameter: PathBuf,
}

/// The result for a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detection {
    /// The module.
    pub module: String,
    /// The fault.
    pub fault: String,
    /// On which side it is.
    pub side: String,
    /// The behaviour of the module with it.
    pub what: String,
    /// The cell that caught it; nothing when none did.
    pub cell: Option<String>,
    /// The oracle that saw it.
    pub oracle: Option<String>,
    /// The cell's verdict with the fault.
    pub verdict: Option<String>,
    /// Whom the finding blames.
    pub blame: Option<String>,
    /// The text of the finding.
    pub seen: Option<String>,
    /// True if the finding leaves the blame where the fault is.
    pub named: bool,
}

/// A module's faults cannot be read or planted.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}; run as root, with the modules of fixtures/kmod loaded")]
pub struct MutantError {
    path: PathBuf,
    source: std::io::Error,
}

/// The faults of all modules that plant some, below `/sys/module`.
///
/// # Errors
/// A table that cannot be read.
pub fn faults(modules: &Path) -> Result<Vec<Fault>, MutantError> {
    let mut names: Vec<String> = std::fs::read_dir(modules)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| modules.join(name).join("parameters/faults").exists())
        .collect();
    names.sort();
    let mut all = Vec::new();
    for module in names {
        let path = modules.join(&module).join("parameters/faults");
        let mut table = std::fs::read_to_string(&path).map_err(|source| MutantError { path: path.clone(), source })?;
        // A file of sysfs has a page at most.
        table += &std::fs::read_to_string(path.with_file_name("more_faults")).unwrap_or_default();
        all.extend(table.lines().filter_map(|line| {
            let mut parts = line.split('\t').map(str::to_owned);
            let (word, side, what) = (parts.next()?, parts.next()?, parts.next()?);
            Some(Fault { module: module.clone(), word, side, what, parameter: path.with_file_name("fault") })
        }));
    }
    // An oops leaves locks held forever: what looks at all dma-bufs hangs from then on.
    all.sort_by_key(|fault| fault.word.contains("oops"));
    Ok(all)
}

impl Fault {
    /// Plants a word, or with "" takes away what is planted, and looks whether it is so. The line's end is needed: of
    /// nothing at all no write(2) is made.
    fn write(&self, word: &str) -> Result<(), MutantError> {
        let refused = |source| MutantError { path: self.parameter.clone(), source };
        std::fs::write(&self.parameter, format!("{word}\n")).map_err(refused)?;
        let planted = std::fs::read_to_string(&self.parameter).map_err(refused)?;
        if planted.trim() == word { Ok(()) } else { Err(refused(std::io::Error::other(format!("it is '{planted}'")))) }
    }

    /// Returns whether an endpoint is this module's.
    fn has(&self, endpoint: &Endpoint) -> bool {
        self.has_key(&endpoint.key)
    }

    /// The beginnings of the keys of this module's endpoints, one for each driver that uses it.
    fn prefixes(&self) -> &'static [&'static str] {
        match self.module.as_str() {
            "prime_canary" => &["canary-"],
            "prime_common" => &["drm-prime_drm", "v4l2-prime_"],
            "prime_drm" => &["drm-prime_drm"],
            "prime_v4l2" => &["v4l2-prime_"],
            _ => &[],
        }
    }

    /// Returns whether the endpoint of a key is this module's.
    pub fn has_key(&self, key: &str) -> bool {
        self.prefixes().iter().any(|prefix| key.starts_with(prefix))
    }

    /// Returns whether these are endpoints of this module, of each driver that uses it.
    pub fn is_of(&self, keys: &[String]) -> bool {
        let has = |prefix: &&str| keys.iter().any(|key| key.starts_with(*prefix));
        keys.iter().all(|key| self.has_key(key)) && self.prefixes().iter().all(has)
    }

    /// Returns whether a cell could show it: the module is on the fault's side, and who is on the other is among the few that
    /// stand for all.
    fn concerns(&self, cell: &Cell) -> bool {
        let own = |endpoint: &Option<Rc<Endpoint>>| endpoint.as_ref().is_some_and(|endpoint| self.has(endpoint));
        let usual = |endpoint: &Option<Rc<Endpoint>>, partners: &[&str]| {
            endpoint.as_ref().is_none_or(|endpoint| partners.contains(&endpoint.key.as_str()))
        };
        let usual_or_own = |endpoint: &Option<Rc<Endpoint>>| own(endpoint) || usual(endpoint, IMPORTERS);
        match self.side.as_str() {
            "exporter" => {
                own(&cell.exporter) && usual(&cell.importer, IMPORTERS) && usual(&cell.second_importer, IMPORTERS)
            }
            _ => {
                (own(&cell.importer) || own(&cell.second_importer))
                    && usual(&cell.exporter, EXPORTERS)
                    && usual_or_own(&cell.importer)
                    && usual_or_own(&cell.second_importer)
            }
        }
    }

    fn detection(&self) -> Detection {
        Detection {
            module: self.module.clone(),
            fault: self.word.clone(),
            side: self.side.clone(),
            what: self.what.clone(),
            cell: None,
            oracle: None,
            verdict: None,
            blame: None,
            seen: None,
            named: false,
        }
    }

    /// Returns whether a finding blames no one wrongly.
    fn is_named_by(&self, finding: &Finding) -> bool {
        match finding.blame {
            Blame::Exporter => self.side == "exporter",
            Blame::Importer => self.side == "importer",
            Blame::Undecided | Blame::Kernel => true,
            Blame::Suite | Blame::Nobody => false,
        }
    }
}

/// Importers that stand for all: one that reads by its DMA addresses, one that maps by the CPU, one of each helper, and,
/// where there is one, a display.
const IMPORTERS: &[&str] = &[
    "canary-importer",
    "drm-vgem",
    "drm-prime_drm_shmem",
    "drm-vkms",
    "v4l2-prime_vmalloc-out0",
    "v4l2-prime_sg-out0",
];

/// Exporters that stand for all: scattered pages, coherent memory, and decoys for struct pages.
const EXPORTERS: &[&str] = &["heap-system", "canary-coherent", "canary-decoy"];

/// Plants each fault in turn and runs cells until one of them ends otherwise than it does without the fault.
///
/// # Errors
/// A fault that cannot be planted.
pub fn run(
    runner: &mut Runner,
    faults: &[Fault],
    cells: &[Cell],
    mut tell: impl FnMut(usize, &Detection),
) -> Result<Vec<Detection>, MutantError> {
    let mut usual: BTreeMap<String, Verdict> = BTreeMap::new();
    let mut detections = Vec::new();
    for (number, fault) in faults.iter().enumerate() {
        let mut concerned: Vec<&Cell> = cells.iter().filter(|cell| fault.concerns(cell) && is_cheap(cell)).collect();
        concerned.sort_by_key(|cell| harm(cell));
        // What this kernel shows anyway; each cell once for all faults.
        fault.write("")?;
        for cell in &concerned {
            if !usual.contains_key(&cell.id) {
                usual.insert(cell.id.clone(), runner.run(cell).verdict);
            }
        }
        fault.write(&fault.word)?;
        let mut detection = fault.detection();
        let mut refused = None;
        for cell in &concerned {
            let shown = runner.run(cell);
            let finding = shown.findings.iter().max_by_key(|finding| finding.verdict);
            let passed = usual.get(&cell.id) == Some(&Verdict::Pass);
            if let Some(finding) = finding.filter(|finding| passed && finding.verdict == Verdict::Refused) {
                refused.get_or_insert((*cell, finding.clone()));
            }
            let Some(finding) = finding.filter(|finding| broken(finding.verdict)) else { continue };
            if usual.get(&cell.id).is_some_and(|usual| broken(*usual)) {
                continue;
            }
            let named = fault.is_named_by(finding);
            if named || detection.cell.is_none() {
                detection.told(cell, finding, named);
            }
            if named {
                break;
            }
        }
        // Where the board file expects a pass, a refusal makes the run red too.
        if let Some((cell, finding)) = refused.filter(|_| detection.cell.is_none()) {
            detection.told(cell, &finding, true);
        }
        fault.write("")?;
        tell(number + 1, &detection);
        detections.push(detection);
    }
    Ok(detections)
}

/// Returns the finding that catches a fault. Errors of the suite itself catch none.
fn broken(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Crash | Verdict::Timeout)
}

impl Detection {
    /// Returns whether it was caught, and the other side was not blamed for it.
    pub fn good(&self) -> bool {
        self.cell.is_some() && self.named
    }

    fn told(&mut self, cell: &Cell, finding: &Finding, named: bool) {
        self.cell = Some(cell.id.clone());
        self.oracle = Some(finding.oracle.word().to_owned());
        self.verdict = Some(finding.verdict.word().to_owned());
        self.seen = Some(finding.seen.clone());
        self.blame = serde_json::to_value(finding.blame).ok().and_then(|blame| blame.as_str().map(str::to_owned));
        self.named = named;
    }
}

/// Sorts first what sees a fault before it does harm: the cells about pages, and those whose exporter has decoys in
/// their place. The kernel lives on.
fn harm(cell: &Cell) -> (bool, bool) {
    let decoy = cell.exporter.as_ref().is_some_and(|exporter| exporter.key == "canary-decoy");
    (cell.case.area != "pages", !decoy)
}

/// Stress says what the others say, later. Buffers beyond what bounce buffers hold leave a line in the kernel log, and
/// not each time, since its rate is limited: what `limits` shows with a fault and not without it may be that.
fn is_cheap(cell: &Cell) -> bool {
    cell.blocked().is_none() && !cell.case.tags.contains(&Tag::Stress) && cell.case.area != "limits"
}

/// The detections as a table in Markdown.
pub fn table(detections: &[Detection]) -> String {
    let mut text = "| module | fault | what it does | caught by | oracle | verdict | blamed |\n".to_owned();
    text += "|---|---|---|---|---|---|---|\n";
    for detection in detections {
        let Detection { module, fault, what, .. } = detection;
        let case = detection.cell.as_ref().map(|id| id.splitn(3, '.').take(2).collect::<Vec<_>>().join("."));
        let case = case.map_or("**not caught**".to_owned(), |case| format!("`{case}`"));
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let (oracle, verdict) = (or_dash(&detection.oracle), or_dash(&detection.verdict));
        let blame = or_dash(&detection.blame)
            + if detection.cell.is_some() && !detection.named { " (**wrongly**)" } else { "" };
        text += &format!("| {module} | {fault} | {what} | {case} | {oracle} | {verdict} | {blame} |\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Sources;
    use event::Oracle;
    use spec::case::{Case, Kind};

    /// A module's folder whose `fault` is a plain file.
    fn module(root: &Path) -> Vec<Fault> {
        let parameters = root.join("prime_canary/parameters");
        std::fs::create_dir_all(&parameters).unwrap();
        std::fs::write(parameters.join("faults"), "oopses\timporter\toopses\none\texporter\tdoes one\n").unwrap();
        std::fs::write(parameters.join("more_faults"), "two\timporter\tdoes two\n").unwrap();
        std::fs::write(parameters.join("fault"), "").unwrap();
        std::fs::create_dir_all(root.join("vgem/parameters")).unwrap();
        faults(root).unwrap()
    }

    #[test]
    fn the_faults_are_those_that_the_modules_tell() {
        let root = tempfile::tempdir().unwrap();
        let found = module(root.path());
        let words: Vec<_> = found.iter().map(|fault| (fault.word.as_str(), fault.side.as_str())).collect();
        assert_eq!(words, [("one", "exporter"), ("two", "importer"), ("oopses", "importer")]);
    }

    #[test]
    fn who_is_blamed_wrongly_does_not_name_a_fault() {
        let root = tempfile::tempdir().unwrap();
        let found = module(root.path());
        let (exporter, importer) = (&found[0], &found[1]);
        let finding = |blame| Finding::fail(Oracle::Content, blame, "s", "e");
        assert_eq!((exporter.side.as_str(), importer.side.as_str()), ("exporter", "importer"));
        assert!(exporter.is_named_by(&finding(Blame::Exporter)) && !exporter.is_named_by(&finding(Blame::Importer)));
        assert!(importer.is_named_by(&finding(Blame::Importer)) && !importer.is_named_by(&finding(Blame::Exporter)));
        for (blame, named) in [(Blame::Undecided, true), (Blame::Kernel, true), (Blame::Suite, false)] {
            assert_eq!((exporter.is_named_by(&finding(blame)), importer.is_named_by(&finding(blame))), (named, named));
        }
        let missed = Detection { cell: Some("a.b.c".into()), named: false, ..exporter.detection() };
        assert!(!missed.good() && table(&[missed]).contains("(**wrongly**)"));
    }

    #[test]
    fn a_fault_that_changes_nothing_is_not_caught_and_is_taken_away_again() {
        let root = tempfile::tempdir().unwrap();
        let found = module(root.path());
        let text = "name: c\nrule: r\nwhy: w\nreference: f\ncells: exporter\nsteps:\n  - allocate: {as: b}\n  \
            - export: {buffer: b, as: f}\n  - size: {file: f}\n";
        let case = Rc::new(Case::parse(Path::new("area/c.yaml"), text).unwrap());
        let mock = device::mock::endpoints("clean", Path::new("/dev/null")).unwrap().remove(0);
        // A clean mock in the module's place: it is opened by its topology, and counted by its key.
        let endpoint = Rc::new(Endpoint { key: "canary-pages".into(), kind: Kind::Mock, ..mock });
        let cells: Vec<_> = crate::plan::plan(&[case], &[endpoint]).iter().collect();
        let sources = Sources { kernel_log: "/dev/null".into(), tracefs: None, ..Sources::default() };
        let mut runner = crate::run::Inventory::take(&sources, &[]).runner;
        let mut told = 0;
        let detections = run(&mut runner, &found, &cells, |_, _| told += 1).unwrap();
        assert_eq!((detections.len(), told), (3, 3));
        assert!(detections.iter().all(|detection| detection.cell.is_none()));
        assert!(table(&detections).contains("| prime_canary | one | does one | **not caught** |"));
        assert_eq!(std::fs::read_to_string(root.path().join("prime_canary/parameters/fault")).unwrap(), "\n");
    }
}
