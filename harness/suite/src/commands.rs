//! What each command does.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use document::board::Board;
use document::glob::Glob;
use suite::catalogue::{self, CatalogueError};
use suite::exit::Exit;
use suite::journal::{Journal, JournalError, Recorded};
use suite::plan::{Cell, plan};
use suite::report::{self, failure, junit, ktap, summary};
use suite::run::Sources;
use suite::run::board::{self, Setting};

use crate::arguments::{Arguments, Command, Form, Machine, Plan, Report, Run};
use crate::progress::Shown;

/// Everything that can end a command early.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("{0}")]
    Board(document::yaml::Diagnostic),
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("cannot make the folder {path}: {source}; choose another with --output")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("no fault of the mock is called '{0}'; they are: {faults}", faults = faults())]
    Mock(String),
    #[error("no cell is called '{0}'; 'prime-cts plan' lists them{hint}", hint = .1.as_ref().map_or(String::new(), |near| format!(", '{near}' is the nearest")))]
    NoSuchCell(String, Option<String>),
    #[error("no cell matches {0}; 'prime-cts plan' lists them")]
    NoMatch(String),
    #[error("--skip leaves no cell; 'prime-cts plan' lists them")]
    AllSkipped,
    #[error("XML cannot hold the report: {0}")]
    Xml(String),
}

fn faults() -> String {
    device::mock::Fault::ALL.iter().map(|fault| fault.word()).collect::<Vec<_>>().join(", ")
}

impl Trouble {
    fn exit(&self) -> Exit {
        match self {
            Self::Journal(JournalError::Write { .. }) | Self::Folder { .. } | Self::Xml(_) => Exit::OwnFault,
            _ => Exit::BadInput,
        }
    }
}

/// Does what the command line says.
pub fn run(arguments: Arguments) -> Exit {
    let done = match arguments.command {
        Command::List(machine) => list(&machine),
        Command::Plan(wanted) => show_plan(&wanted),
        Command::Run(run) => run_cells(&run),
        Command::Report(report) => show_report(&report),
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

fn sources(machine: &Machine) -> Sources {
    let tracefs = machine.mock.is_none().then(|| machine.tracefs.clone());
    Sources { kernel_log: machine.kernel_log.clone(), tracefs, ..Sources::default() }
}

/// The cases, and the cells that are wanted of them.
fn cells(wanted: &Plan, endpoints: &[Rc<device::Endpoint>]) -> Result<Vec<Cell>, Trouble> {
    let cases = match &wanted.cases {
        Some(folder) => catalogue::from_folder(folder)?,
        None => catalogue::embedded()?,
    };
    let cases: Vec<_> = cases.into_iter().map(Rc::new).collect();
    let all = plan(&cases, endpoints);
    for id in &wanted.exact {
        if !all.iter().any(|cell| cell.id == *id) {
            return Err(Trouble::NoSuchCell(id.clone(), nearest(id, &all)));
        }
    }
    let some = !all.is_empty();
    let all_skipped = all.iter().any(|cell| wants(wanted, &cell.id));
    let kept: Vec<Cell> = all.into_iter().filter(|cell| takes(wanted, &cell.id)).collect();
    if some && kept.is_empty() && all_skipped {
        return Err(Trouble::AllSkipped);
    }
    if some && kept.is_empty() {
        return Err(Trouble::NoMatch(
            wanted.filter.iter().map(|text| format!("'{text}'")).collect::<Vec<_>>().join(" or "),
        ));
    }
    Ok(kept)
}

fn takes(wanted: &Plan, id: &str) -> bool {
    wants(wanted, id) && !wanted.skip.iter().any(|text| matches(text, id))
}

/// Whether an id is wanted, before --skip.
fn wants(wanted: &Plan, id: &str) -> bool {
    let all = wanted.filter.is_empty() && wanted.exact.is_empty();
    all || wanted.exact.iter().any(|exact| exact == id) || wanted.filter.iter().any(|text| matches(text, id))
}

fn matches(text: &str, id: &str) -> bool {
    if text.contains('*') { Glob::new(text.to_owned()).matches(id) } else { id.contains(text) }
}

/// The planned cell that shares the longest beginning with an id.
fn nearest(id: &str, cells: &[Cell]) -> Option<String> {
    let shared = |other: &str| id.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    cells.iter().map(|cell| &cell.id).max_by_key(|other| shared(other)).filter(|other| shared(other) > 3).cloned()
}

fn show_plan(wanted: &Plan) -> Result<Exit, Trouble> {
    let endpoints = endpoints(&wanted.machine)?;
    if endpoints.is_empty() {
        eprintln!("{}", summary::NO_DEVICES);
    }
    for cell in cells(wanted, &endpoints)? {
        match cell.blocked() {
            Some(why) => println!("{}  blocked: {why}", cell.id),
            None => println!("{}", cell.id),
        }
    }
    Ok(if endpoints.is_empty() { Exit::NothingVerified } else { Exit::Success })
}

fn run_cells(run: &Run) -> Result<Exit, Trouble> {
    let started = Instant::now();
    let board = run.board.as_deref().map(read_board).transpose()?;
    let endpoints = endpoints(&run.plan.machine)?;
    let cells = cells(&run.plan, &endpoints)?;
    let whole = run.plan.filter.is_empty() && run.plan.exact.is_empty() && run.plan.skip.is_empty();
    let found_ms = started.elapsed().as_millis() as u64;
    let setting = Setting { board, endpoints, sources: sources(&run.plan.machine), whole, found_ms };
    let folder = &run.output;
    std::fs::create_dir_all(folder).map_err(|source| Trouble::Folder { path: folder.clone(), source })?;
    let path = folder.join("run.jsonl");
    let mut shown = Shown::new(run.progress);
    let done = board::run(&setting, &cells, &mut Journal::create(&path)?, &mut shown);
    shown.finish();
    done?;
    let recorded = Recorded::read(&path)?;
    write(&folder.join("junit.xml"), &junit::text(&recorded).map_err(|error| Trouble::Xml(error.to_string()))?)?;
    write(&folder.join("run.ktap"), &ktap::text(&recorded))?;
    print!("{}", summary::text(&recorded));
    Ok(report::exit(&recorded))
}

fn read_board(path: &Path) -> Result<Board, Trouble> {
    let text = std::fs::read_to_string(path).map_err(|source| Trouble::Unreadable { path: path.to_owned(), source })?;
    Board::parse(path, &text).map_err(Trouble::Board)
}

fn write(path: &Path, text: &str) -> Result<(), JournalError> {
    std::fs::write(path, text).map_err(|source| JournalError::Write { path: path.to_owned(), source })
}

fn show_report(wanted: &Report) -> Result<Exit, Trouble> {
    let path = if wanted.journal.is_dir() { wanted.journal.join("run.jsonl") } else { wanted.journal.clone() };
    let recorded = Recorded::read(&path)?;
    if let Some(text) = &wanted.cell {
        let told: Vec<_> = recorded.cells.iter().filter(|cell| cell.id.contains(text.as_str())).collect();
        if told.is_empty() {
            return Err(Trouble::NoSuchCell(text.clone(), None));
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
