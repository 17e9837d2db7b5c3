//! `prime-cts case`: single cases.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use crate::explain;
use clap::Subcommand;
use event::exit::Exit;
use runner::run::session::RunOptions;
use spec::case::segment;
use spec::{nearest, schema, template};

use super::run::Conduct;
use super::run::{run_cells, sharded};
use crate::choice::{cases, chosen};
use crate::error::CommandError;
use crate::machine::look;
use crate::options::{Choice, Machine};

/// The commands for cases.
#[derive(Debug, Subcommand)]
pub enum Case {
    /// Report every fault of case files, each with its place and its remedy.
    Check {
        /// The case files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Write a new case that is valid as it stands, with comments on what to fill in.
    New {
        /// AREA/NAME; the file is DIR/AREA/NAME.yaml.
        name: String,
        /// The folder of all cases.
        #[arg(long, value_name = "DIR", default_value = "cases")]
        output: PathBuf,
    },
    /// Explain a case: its rule, reason and steps, the devices of this machine that it applies to, and why not the others.
    Explain {
        #[command(flatten)]
        machine: Machine,
        /// `area.name`, or the id of a cell.
        id: String,
        /// Use the cases of this folder in place of the built-in ones.
        #[arg(long, value_name = "DIR")]
        cases: Option<PathBuf>,
    },
    /// Run the cells of case files, which need not be built in.
    Run {
        /// The case files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        machine: Machine,
        #[command(flatten)]
        choice: Box<Choice>,
        #[command(flatten)]
        conduct: Box<Conduct>,
    },
}

/// Does what the command line says.
pub fn run(wanted: &Case) -> Result<Exit, CommandError> {
    match wanted {
        Case::Check { files } => Ok(check(files)),
        Case::New { name, output } => new(name, output),
        Case::Explain { machine, id, cases } => explain(machine, id, cases.as_deref()),
        Case::Run { files, machine, choice, conduct } => run_files(files, machine, choice, conduct),
    }
}

fn check(files: &[PathBuf]) -> Exit {
    let (mut faults, mut faulty) = (0, 0);
    for path in files {
        match catalogue::read(path) {
            Ok(Ok(case)) => {
                let steps = case.steps.len();
                println!(
                    "{}: {}, {steps} step{}, no fault",
                    path.display(),
                    case.id(),
                    if steps == 1 { "" } else { "s" }
                );
            }
            Ok(Err(found)) => {
                found.iter().for_each(|fault| eprintln!("{fault}\n"));
                faults += found.len();
                faulty += 1;
            }
            Err(unreadable) => {
                eprintln!("prime-cts: {unreadable}\n");
                faults += 1;
                faulty += 1;
            }
        }
    }
    if faults == 0 {
        return Exit::Success;
    }
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    eprintln!("prime-cts: {} in {faulty} of {}", plural(faults, "fault"), plural(files.len(), "file"));
    Exit::BadInput
}

fn new(name: &str, output: &Path) -> Result<Exit, CommandError> {
    let parts = name.split_once('/').filter(|(area, case)| segment(area) && segment(case));
    let (area, case) = parts.ok_or_else(|| CommandError::BadName(name.to_owned()))?;
    let folder = output.join(area);
    std::fs::create_dir_all(&folder).map_err(|source| CommandError::Folder { path: folder.clone(), source })?;
    let path = folder.join(format!("{case}.yaml"));
    write_new(&path, &template::text(area, case))?;
    // The first line of the case names it.
    let beside = output.join("schema.json");
    if !beside.exists() {
        write_new(&beside, schema::COMMITTED)?;
    }
    println!("{}", path.display());
    Ok(Exit::Success)
}

/// Writes a file that does not exist yet.
fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    let file = std::fs::File::options().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| CommandError::Unwritten { path: path.to_owned(), source })
}

fn explain(machine: &Machine, id: &str, folder: Option<&Path>) -> Result<Exit, CommandError> {
    let cases = cases(folder)?;
    let wanted = spec::case::case_of(id);
    let Some(case) = cases.iter().find(|case| case.id() == wanted) else {
        let ids: Vec<String> = cases.iter().map(|case| case.id()).collect();
        let near = nearest::nearest(&wanted, ids.iter().map(String::as_str)).map(str::to_owned);
        return Err(CommandError::NoSuchCase(wanted, near));
    };
    let endpoints = look(machine)?.endpoints;
    print!("{}", explain::text(&Rc::new(case.clone()), id, &endpoints));
    Ok(Exit::Success)
}

fn run_files(files: &[PathBuf], machine: &Machine, choice: &Choice, conduct: &Conduct) -> Result<Exit, CommandError> {
    let started = Instant::now();
    let cases = catalogue::from_files(files)?;
    let inventory = look(machine)?;
    let cells = chosen(&[], choice).cells(cases, &inventory.endpoints)?;
    let (cells, part) = sharded(cells, choice, false)?;
    let plan_ms = started.elapsed().as_millis() as u64;
    run_cells(RunOptions { plan_ms, part, ..RunOptions::default() }, machine, inventory, cells, conduct)
}
