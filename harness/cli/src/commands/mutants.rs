//! `prime-cts mutants`.

use std::path::Path;
use std::path::PathBuf;
use std::rc::Rc;

use clap::Args;
use diagnose::Facts;
use diagnose::matrix::Matrix;
use event::Event;
use event::exit::Exit;
use event::journal::Journal;
use event::known::KnownFaults;
use runner::mutants::blamed::{self, Blamed, Named};
use runner::mutants::{self, Fault};
use runner::plan::{Cell, plan};
use runner::run::board::about;
use runner::run::{Inventory, Sources, inventory};
use spec::case::Case;

use crate::choice::cases;
use crate::error::CommandError;
use crate::files::write;
use crate::options::ProgressForm;

/// The arguments of `mutants`.
#[derive(Debug, Args)]
pub struct Mutants {
    /// Run only cells in this area, e.g. `stream`; may be repeated.
    #[arg(long = "area", value_name = "AREA")]
    pub areas: Vec<String>,
    /// Take only faults whose word or module contains this text.
    pub filter: Vec<String>,
    /// Run, for each fault, every cell that could show it and those that acquit the others, and tell what a whole run would
    /// name as its causes. Writes a journal a fault.
    #[arg(long)]
    pub whole: bool,
    /// Accepted and ignored: this command compares nothing with a board file.
    #[arg(long, value_name = "FILE", hide = true)]
    pub board: Option<PathBuf>,
    /// Write mutants.md and mutants.jsonl to this folder.
    #[arg(long, value_name = "DIR", default_value = "prime-cts-results")]
    pub output: PathBuf,
    /// Show progress in this form.
    #[arg(long, value_enum, default_value = "auto")]
    pub progress: ProgressForm,
}

/// Plants each fault and writes what caught it.
pub fn run(wanted: &Mutants) -> Result<Exit, CommandError> {
    let takes = |fault: &Fault| {
        let named = |text: &String| fault.word.contains(text.as_str()) || fault.module.contains(text.as_str());
        wanted.filter.is_empty() || wanted.filter.iter().any(named)
    };
    let faults: Vec<Fault> = mutants::faults(Path::new("/sys/module"))?.into_iter().filter(takes).collect();
    if faults.is_empty() {
        println!("no module here plants faults; load those of fixtures/kmod");
        return Ok(Exit::NothingVerified);
    }
    std::fs::create_dir_all(&wanted.output)
        .map_err(|source| CommandError::Folder { path: wanted.output.clone(), source })?;
    let cases = cases(None)?;
    let mut inventory = Inventory::take(&Sources::default(), &inventory::endpoints());
    let wanted_area = |case: &Case| wanted.areas.is_empty() || wanted.areas.contains(&case.area);
    let cases = cases.into_iter().filter(wanted_area);
    let cells: Vec<_> = plan(&cases.map(Rc::new).collect::<Vec<_>>(), &inventory.endpoints).iter().collect();
    if wanted.whole {
        return whole(wanted, &faults, &mut inventory, &cells);
    }
    let detections = mutants::run(&mut inventory.runner, &faults, &cells, |number, detection| {
        if wanted.progress == ProgressForm::Lines {
            eprintln!("prime-cts: progress {number} {}", faults.len());
        }
        let caught = detection.cell.as_deref().unwrap_or("not caught");
        let blame = detection.blame.as_ref().filter(|_| !detection.named);
        let wrongly = blame.map_or(String::new(), |blame| format!(", and blamed the {blame} for it"));
        println!("{:12} {:26} {caught}{wrongly}", detection.module, detection.fault);
    })?;
    write(&wanted.output.join("mutants.md"), &mutants::table(&detections))?;
    let lines = detections.iter().map(|detection| serde_json::to_string(detection).unwrap_or_default() + "\n");
    write(&wanted.output.join("mutants.jsonl"), &lines.collect::<String>())?;
    let missed = detections.iter().filter(|detection| !detection.good()).count();
    println!("{} of {} faults caught and named", detections.len() - missed, detections.len());
    Ok(if missed == 0 { Exit::Success } else { Exit::Regression })
}

/// Plants each fault and writes the journal of a run with it.
fn whole(wanted: &Mutants, faults: &[Fault], inventory: &mut Inventory, cells: &[Cell]) -> Result<Exit, CommandError> {
    let (release, _) = uapi::process::kernel().unwrap_or_default();
    let registry = catalogue::registry::embedded().map_err(CommandError::Registry)?;
    let known = KnownFaults::on(catalogue::findings::embedded(), Some(&registry), &release, &inventory.found);
    let run = about(None, cells.len(), inventory.runner.oracles(), 0);
    let found = inventory.found.clone();
    let facts = Facts { endpoints: &found, kernel: &release, troubles: &[] };
    let (mut written, mut all) = (Ok(()), Vec::new());
    mutants::whole::run(&mut inventory.runner, faults, cells, &known, |number, planted| {
        if wanted.progress == ProgressForm::Lines {
            eprintln!("prime-cts: progress {number} {}", faults.len());
        }
        let folder = wanted.output.join("whole").join(format!("{}.{}", planted.fault.module, planted.fault.word));
        let mut matrix = Matrix::default();
        planted.cells.iter().for_each(|cell| matrix.add(cell));
        let causes = diagnose::causes(&facts, &matrix, Some(&registry));
        let failures = planted.cells.iter().filter(|cell| cell.outcome.unwanted()).count();
        let blamed = Blamed::of(planted.fault, failures, &causes);
        let suspect = blamed.suspect.as_deref().unwrap_or("no one");
        println!("{:12} {:26} {failures} failures: {suspect}", planted.fault.module, planted.fault.word);
        all.push(blamed);
        let begun = std::iter::once(Event::Run(event::Run { cells: planted.cells.len(), ..run.clone() }));
        let events: Vec<Event> = begun
            .chain(found.iter().cloned().map(Event::Endpoint))
            .chain(planted.cells.into_iter().map(Event::Cell))
            .chain([Event::End(event::End::default())])
            .collect();
        let result = std::fs::create_dir_all(&folder)
            .map_err(|source| CommandError::Folder { path: folder.clone(), source })
            .and_then(|()| Ok(Journal::create(&folder.join("run.jsonl"))?.write(&events)?));
        if written.is_ok() {
            written = result;
        }
    })?;
    written?;
    write(&wanted.output.join("whole.md"), &blamed::table(&all))?;
    let lines = all.iter().map(|blamed| serde_json::to_string(blamed).unwrap_or_default() + "\n");
    write(&wanted.output.join("whole.jsonl"), &lines.collect::<String>())?;
    println!("{}", blamed::totals(&all));
    let wrong = all.iter().any(|blamed| matches!(blamed.named, Named::Wrongly | Named::NotCaught));
    Ok(if wrong { Exit::Regression } else { Exit::Success })
}
