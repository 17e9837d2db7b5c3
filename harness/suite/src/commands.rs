//! What each command does.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use document::board::Board;
use document::case::Case;
use suite::catalogue::{self, CatalogueError};
use suite::console;
use suite::doctor;
use suite::event::{Event, Part};
use suite::exit::Exit;
use suite::journal::{Journal, JournalError, Recorded};
use suite::plan::Cell;
use suite::report::{self, failure, junit, ktap, summary};
use suite::run::Sources;
use suite::run::board::{self, RunError, Setting};
use suite::run::resume::{Before, ResumeError};
use suite::shard::{self, Times};
use suite::survey::survey;
use suite::watchdog::{Feeder, WatchdogError};

use crate::arguments::{Arguments, Choice, Command, Conduct, Form, List, Listed, Machine, Plan, Report};
use crate::choice::{ChoiceError, Chosen};
use crate::live::{Forms, Live};
use crate::progress::Shown;

mod case;
mod coverage;
mod diff;
mod fuzz;
mod load;
mod merge;
mod mutants;

/// Everything that can end a command early.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Resume(#[from] ResumeError),
    #[error("{0}")]
    Board(document::yaml::Diagnostic),
    #[error("the registry that came with this program is faulty: {0}")]
    Registry(document::yaml::Diagnostic),
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("cannot make the folder {path}: {source}; choose another with --output")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("no fault of the mock is called '{0}'; they are: {faults}", faults = faults())]
    Mock(String),
    #[error(transparent)]
    Watchdog(#[from] WatchdogError),
    #[error(transparent)]
    Shards(#[from] suite::merge::NoShards),
    #[error(transparent)]
    Mutant(#[from] suite::mutants::MutantError),
    #[error(transparent)]
    Load(#[from] suite::load::LoadError),
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    #[error("no case is called '{0}'{hint}", hint = .1.as_ref().map_or(String::new(), |near| format!("; did you mean '{near}'?")))]
    NoSuchCase(String, Option<String>),
    #[error("'{0}' is no AREA/NAME: a-z, 0-9, '-' and '_' are allowed on both sides of one '/'")]
    BadName(String),
    #[error("cannot write {path}: {source}")]
    Unwritten { path: PathBuf, source: std::io::Error },
    #[error("cannot write to the standard output: {source}")]
    Output { source: std::io::Error },
    #[error("XML cannot hold the report: {0}")]
    Xml(String),
}

impl From<RunError> for Trouble {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Journal(error) => error.into(),
            RunError::Resume(error) => error.into(),
        }
    }
}

fn faults() -> String {
    device::mock::Fault::ALL.iter().map(|fault| fault.word()).collect::<Vec<_>>().join(", ")
}

impl Trouble {
    fn exit(&self) -> Exit {
        match self {
            Self::Load(_)
            | Self::Journal(JournalError::Write { .. })
            | Self::Folder { .. }
            | Self::Xml(_)
            | Self::Registry(_) => Exit::OwnFault,
            _ => Exit::BadInput,
        }
    }
}

/// Does what the command line says.
pub fn run(arguments: Arguments) -> Exit {
    let done = match arguments.command {
        Command::List(List { what: Listed::Devices, machine, .. }) => list(&machine),
        Command::List(List { what: Listed::Cases, cases, .. }) => list_cases(cases.as_deref()),
        Command::Plan(wanted) => show_plan(&wanted),
        Command::Run(run) => run_planned(&run.plan, &run.conduct),
        Command::Report(report) => show_report(&report),
        Command::Coverage(wanted) => coverage::run(&wanted),
        Command::Diff(wanted) => diff::run(&wanted),
        Command::Merge(wanted) => merge::run(&wanted),
        Command::Load(wanted) => load::run(&wanted),
        Command::Mutants(wanted) => mutants::run(&wanted),
        Command::FuzzCanary(wanted) => fuzz::run(&wanted),
        Command::Doctor(machine) => show_doctor(&machine),
        Command::Case(wanted) => case::run(&wanted),
    };
    done.unwrap_or_else(|trouble| {
        eprintln!("prime-cts: {trouble}");
        trouble.exit()
    })
}

fn endpoints(machine: &Machine) -> Result<Vec<Rc<device::Endpoint>>, Trouble> {
    match &machine.mock {
        None => Ok(board::endpoints()),
        Some(words) => {
            let endpoints = device::mock::endpoints(words, &machine.kernel_log).map_err(Trouble::Mock)?;
            Ok(endpoints.into_iter().map(Rc::new).collect())
        }
    }
}

fn list(machine: &Machine) -> Result<Exit, Trouble> {
    let endpoints = endpoints(machine)?;
    if endpoints.is_empty() {
        println!("{}", summary::NO_DEVICES);
        return Ok(Exit::NothingVerified);
    }
    let (_, found) = suite::run::Runner::start(&sources(machine), &endpoints);
    print!("{}", summary::endpoints(&found));
    Ok(Exit::Success)
}

fn show_doctor(machine: &Machine) -> Result<Exit, Trouble> {
    let endpoints = endpoints(machine)?;
    let (runner, _) = suite::run::Runner::start(&sources(machine), &[]);
    let (release, architecture) = uapi::process::kernel().unwrap_or_default();
    let endpoints: Vec<&device::Endpoint> = endpoints.iter().map(Rc::as_ref).collect();
    let rows = doctor::rows(Path::new("/"), &release, &runner.oracles(), &endpoints);
    print!("{}", doctor::text(&format!("{release} {architecture}"), &rows));
    Ok(Exit::Success)
}

fn list_cases(folder: Option<&Path>) -> Result<Exit, Trouble> {
    print!("{}", summary::cases(&cases(folder)?));
    Ok(Exit::Success)
}

fn sources(machine: &Machine) -> Sources {
    let tracefs = machine.mock.is_none().then(|| machine.tracefs.clone());
    Sources { kernel_log: machine.kernel_log.clone(), tracefs, ..Sources::default() }
}

fn chosen<'a>(filter: &'a [String], choice: &'a Choice) -> Chosen<'a> {
    let Choice { exact, skip, tags, intrusive, .. } = choice;
    Chosen { filter, exact, skip, tags, intrusive: *intrusive }
}

/// The cells that are this shard's, and of what they are a part.
fn sharded(cells: Vec<Cell>, choice: &Choice, whole: bool) -> Result<(Vec<Cell>, Option<Part>), Trouble> {
    let Some(shard) = choice.shard else { return Ok((cells, None)) };
    let before = choice.times.iter().map(|path| recorded(path)).collect::<Result<Vec<_>, _>>()?;
    let part = Part { shard, planned: cells.len(), digest: shard::digest(&cells), whole };
    Ok((shard::part(cells, shard, &Times::of(&before)), Some(part)))
}

fn cases(folder: Option<&Path>) -> Result<Vec<Case>, CatalogueError> {
    folder.map_or_else(catalogue::embedded, catalogue::from_folder)
}

fn show_plan(wanted: &Plan) -> Result<Exit, Trouble> {
    let cases = cases(wanted.cases.as_deref())?;
    let endpoints = survey(endpoints(&wanted.machine)?, &cases, &sources(&wanted.machine));
    if endpoints.is_empty() {
        eprintln!("{}", summary::NO_DEVICES);
    }
    let cells = chosen(&wanted.filter, &wanted.choice).cells(cases, &endpoints)?;
    for cell in sharded(cells, &wanted.choice, false)?.0 {
        match cell.blocked() {
            _ if cell.unobserved.is_some() => {
                println!("{}  not-observable: {}", cell.id, cell.unobserved.as_deref().unwrap_or_default());
            }
            Some(why) => println!("{}  blocked: {why}", cell.id),
            None => println!("{}", cell.id),
        }
    }
    Ok(if endpoints.is_empty() { Exit::NothingVerified } else { Exit::Success })
}

fn run_planned(wanted: &Plan, conduct: &Conduct) -> Result<Exit, Trouble> {
    let started = Instant::now();
    let cases = cases(wanted.cases.as_deref())?;
    let endpoints = survey(endpoints(&wanted.machine)?, &cases, &sources(&wanted.machine));
    let cells = chosen(&wanted.filter, &wanted.choice).cells(cases, &endpoints)?;
    let everything = chosen(&wanted.filter, &wanted.choice).is_everything();
    let (cells, part) = sharded(cells, &wanted.choice, everything)?;
    let (whole, sources) = (everything && part.is_none(), sources(&wanted.machine));
    let found_ms = started.elapsed().as_millis() as u64;
    let setting = Setting { board: None, endpoints, sources, whole, found_ms, part, watchdog: None };
    run_cells(setting, &cells, conduct)
}

fn run_cells(setting: Setting, cells: &[Cell], conduct: &Conduct) -> Result<Exit, Trouble> {
    conduct.witness.as_deref().into_iter().for_each(suite::witness::set);
    let board = conduct.results.board.as_deref().map(read_board).transpose()?;
    let watchdog = conduct.watchdog.as_deref().map(Feeder::start).transpose()?;
    let setting = Setting { board, watchdog, ..setting };
    let folder = &conduct.results.output;
    std::fs::create_dir_all(folder).map_err(|source| Trouble::Folder { path: folder.clone(), source })?;
    let path = folder.join("run.jsonl");
    let resumed = if conduct.resume { Journal::resume(&path)? } else { None };
    let (mut journal, before) = match resumed {
        Some((journal, recorded)) => (journal, Some(Before::new(recorded, &previous_log(conduct)?))),
        None if conduct.crashed.is_empty() => (Journal::create(&path)?, None),
        None => {
            let run = board::about(setting.board.as_ref(), cells.len(), Vec::new(), 0);
            let before = Before::crashed(&conduct.crashed, run, cells, &previous_log(conduct)?);
            (Journal::create(&path)?, Some(before.map_err(board::RunError::Resume)?))
        }
    };
    if conduct.console {
        journal = journal.on_console(standard_output()?);
    }
    if before.as_ref().is_none_or(|before| before.recorded.end.is_none()) {
        let forms = Forms { lava: conduct.lava, ktap: conduct.ktap };
        // A line that is written over would run into those of the results.
        let alone = !(forms.lava || forms.ktap || conduct.console);
        let shown = Shown::new(conduct.results.progress.on(alone));
        let mut live = Live::new(forms, standard_output()?, shown);
        let done = board::run(&setting, cells, before.as_ref(), &mut journal, &mut live);
        live.next.finish();
        done?;
    }
    reports(folder)
}

/// Writes the reports of the journal in a folder, tells what it ended with, and says how.
fn reports(folder: &Path) -> Result<Exit, Trouble> {
    let recorded = Recorded::read(&folder.join("run.jsonl"))?;
    write(&folder.join("junit.xml"), &junit::text(&recorded).map_err(|error| Trouble::Xml(error.to_string()))?)?;
    write(&folder.join("run.ktap"), &ktap::text(&recorded))?;
    print!("{}", summary::text(&recorded));
    Ok(report::exit(&recorded))
}

/// Nothing where none was kept; a console may have written bytes that are no text.
fn previous_log(conduct: &Conduct) -> Result<String, Trouble> {
    let Some(path) = &conduct.previous_log else { return Ok(String::new()) };
    let read = std::fs::read(path).map_err(|source| Trouble::Unreadable { path: path.clone(), source })?;
    Ok(String::from_utf8_lossy(&read).into_owned())
}

fn read_board(path: &Path) -> Result<Board, Trouble> {
    let text = std::fs::read_to_string(path).map_err(|source| Trouble::Unreadable { path: path.to_owned(), source })?;
    Board::parse(path, &text).map_err(Trouble::Board)
}

fn write(path: &Path, text: &str) -> Result<(), JournalError> {
    std::fs::write(path, text).map_err(|source| JournalError::Write { path: path.to_owned(), source })
}

/// A journal, or the one in a folder.
fn recorded(path: &Path) -> Result<Recorded, JournalError> {
    Recorded::read(&journal_of(path))
}

fn journal_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("run.jsonl") } else { path.to_owned() }
}

/// The standard output without a buffer: Rust's own may write a line in two.
fn standard_output() -> Result<std::fs::File, Trouble> {
    let file = std::io::stdout().as_fd().try_clone_to_owned();
    file.map(std::fs::File::from).map_err(|source| Trouble::Output { source })
}

/// What a console's log tells of a run.
fn from_console(path: &Path) -> Result<Vec<Event>, Trouble> {
    let log = std::fs::read(path).map_err(|source| Trouble::Unreadable { path: path.to_owned(), source })?;
    let told = console::read(&log, &catalogue::embedded()?);
    if told.damaged > 0 {
        eprintln!("warning: {} lines of the journal on this console are damaged", told.damaged);
    }
    Ok(told.events)
}

fn show_report(wanted: &Report) -> Result<Exit, Trouble> {
    let no_run = || JournalError::NoRun { path: wanted.journal.clone() };
    let told = if wanted.from_console { Some(from_console(&wanted.journal)?) } else { None };
    let recorded = match &told {
        Some(events) => Recorded::of(events.iter().cloned()).ok_or_else(no_run)?,
        None => recorded(&wanted.journal)?,
    };
    if let Some(folder) = &wanted.output {
        std::fs::create_dir_all(folder).map_err(|source| Trouble::Folder { path: folder.clone(), source })?;
        let path = folder.join("run.jsonl");
        match told {
            Some(events) => Journal::create(&path)?.write(&events)?,
            None => drop(
                std::fs::copy(journal_of(&wanted.journal), &path)
                    .map_err(|source| Trouble::Unwritten { path, source })?,
            ),
        }
        return reports(folder);
    }
    if let Some(text) = &wanted.cell {
        let told: Vec<_> = recorded.cells.iter().filter(|cell| cell.id.contains(text.as_str())).collect();
        if told.is_empty() {
            return Err(ChoiceError::NoSuchCell(text.clone(), None).into());
        }
        for cell in told {
            println!("{}", failure::text(cell, recorded.run.board.as_deref()));
        }
        return Ok(report::exit(&recorded));
    }
    match wanted.format {
        Form::Text => print!("{}", summary::text(&recorded)),
        Form::Junit => print!("{}", junit::text(&recorded).map_err(|error| Trouble::Xml(error.to_string()))?),
        Form::Ktap => print!("{}", ktap::text(&recorded)),
    }
    Ok(report::exit(&recorded))
}
