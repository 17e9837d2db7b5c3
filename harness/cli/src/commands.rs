//! What each command does.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use catalogue::{self, CatalogueError};
use event::exit::Exit;
use event::journal::{JournalError, Recorded};
use runner::run::Sources;
use runner::run::board::{self, RunError};
use runner::run::resume::ResumeError;
use runner::watchdog::WatchdogError;
use spec::board::Board;
use spec::case::Case;

use crate::arguments::{Arguments, Choice, Command, Machine};
use crate::choice::{ChoiceError, Chosen};

pub mod bless;
pub mod case;
pub mod coverage;
pub mod definition;
pub mod diff;
pub mod doctor;
pub mod fuzz;
pub mod list;
pub mod lists;
pub mod load;
pub mod merge;
pub mod mutants;
pub mod plan;
pub mod report;
pub mod repro;
pub mod run;
pub mod speed;
mod written;

/// Everything that can end a command early.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Resume(#[from] ResumeError),
    #[error("{0}")]
    Board(spec::yaml::Diagnostic),
    #[error("the registry that came with this program is faulty: {0}")]
    Registry(spec::yaml::Diagnostic),
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("cannot make the folder {path}: {source}; choose another with --output")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("no fault of the mock is called '{0}'; they are: {faults}", faults = faults())]
    Mock(String),
    #[error(transparent)]
    Watchdog(#[from] WatchdogError),
    #[error(transparent)]
    Bless(#[from] ::report::bless::BlessError),
    #[error(transparent)]
    Lists(#[from] ::report::lists::ListError),
    #[error(transparent)]
    Shards(#[from] event::merge::NoShards),
    #[error(transparent)]
    Mutant(#[from] runner::mutants::MutantError),
    #[error(transparent)]
    Load(#[from] runner::load::LoadError),
    #[error("{id}: {why}")]
    Untold { id: String, why: ::repro::Untold },
    #[error("{0} cells match; --output DIR takes their programs, and a whole id is one cell")]
    ManyCells(usize),
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    #[error("no exporter's key contains '{0}'; 'prime-cts list' names them")]
    NoExporter(String),
    #[error("no case is called '{0}'{hint}", hint = .1.as_ref().map_or(String::new(), |near| format!("; did you mean '{near}'?")))]
    NoSuchCase(String, Option<String>),
    #[error("'{0}' is no AREA/NAME: a-z, 0-9, '-' and '_' are allowed on both sides of one '/'")]
    BadName(String),
    #[error("cannot write {path}: {source}")]
    Unwritten { path: PathBuf, source: std::io::Error },
    #[error("cannot write to the standard output: {source}")]
    Output { source: std::io::Error },
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
            Self::Load(_) | Self::Journal(JournalError::Write { .. }) | Self::Folder { .. } | Self::Registry(_) => {
                Exit::OwnFault
            }
            _ => Exit::BadInput,
        }
    }
}

/// Does what the command line says.
pub fn run(arguments: Arguments) -> Exit {
    let done = match arguments.command {
        Command::List(wanted) => list::run(&wanted),
        Command::Plan(wanted) => plan::run(&wanted.plan, wanted.format),
        Command::Run(run) => run::run(&run.plan, &run.conduct),
        Command::Report(report) => report::run(&report),
        Command::Coverage(wanted) => coverage::run(&wanted),
        Command::Diff(wanted) => diff::run(&wanted),
        Command::Merge(wanted) => merge::run(&wanted),
        Command::Load(wanted) => load::run(&wanted),
        Command::Mutants(wanted) => mutants::run(&wanted),
        Command::FuzzCanary(wanted) => fuzz::run(&wanted),
        Command::Bless(wanted) => bless::run(&wanted),
        Command::Lists(wanted) => lists::run(&wanted),
        Command::Doctor(wanted) => doctor::run(&wanted),
        Command::Speed(wanted) => speed::run(&wanted),
        Command::Repro(wanted) => repro::run(&wanted),
        Command::Man(wanted) => definition::man(&wanted),
        Command::Completions { shell } => definition::completions(shell),
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

/// One JSON object on a line of its own.
fn print_object(object: &impl serde::Serialize) {
    println!("{}", serde_json::to_string(object).expect("it is plain data"));
}

fn sources(machine: &Machine) -> Sources {
    let tracefs = machine.mock.is_none().then(|| machine.tracefs.clone());
    Sources { kernel_log: machine.kernel_log.clone(), tracefs, ..Sources::default() }
}

fn chosen<'a>(filter: &'a [String], choice: &'a Choice) -> Chosen<'a> {
    let Choice { exact, skip, tags, intrusive, .. } = choice;
    Chosen { filter, exact, skip, tags, intrusive: *intrusive }
}

fn cases(folder: Option<&Path>) -> Result<Vec<Case>, CatalogueError> {
    folder.map_or_else(|| Ok(catalogue::embedded()), catalogue::from_folder)
}

fn read_board(path: &Path) -> Result<Board, Trouble> {
    let text = std::fs::read_to_string(path).map_err(|source| Trouble::Unreadable { path: path.to_owned(), source })?;
    Board::parse(path, &text).map_err(Trouble::Board)
}

fn write(path: &Path, text: &str) -> Result<(), JournalError> {
    std::fs::write(path, text).map_err(|source| JournalError::Write { path: path.to_owned(), source })
}

/// Writes a file anew: what was there is replaced at once, so that it is never half of one.
fn replace(path: &Path, text: &str) -> Result<(), Trouble> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|source| Trouble::Unwritten { path: path.to_owned(), source })
}

/// A journal, or the one in a folder.
fn recorded(path: &Path) -> Result<Recorded, JournalError> {
    Recorded::read(&journal_of(path))
}

fn journal_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("run.jsonl") } else { path.to_owned() }
}
