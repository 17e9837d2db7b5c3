//! `prime-cts report`.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use catalogue;
use clap::{Args, ValueEnum};
use event::Event;
use event::console;
use event::exit::Exit;
use event::journal::{Journal, JournalError, Recorded};
use report::gathered::Gathered;
use report::lava;
use report::paint::Paint;
use report::{self, failure, html, junit, kcidb, ktap, summary};

use super::written::RunReports;
use crate::choice::ChoiceError;
use crate::error::CommandError;
use crate::files::{journal_of, recorded, replace};

/// The form of a report.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Form {
    /// The summary that a run ends with.
    Text,
    /// JUnit XML.
    Junit,
    /// KTAP.
    Ktap,
    /// A report for kcidb, schema 5.3; with --build.
    Kcidb,
}

/// The arguments of `report`.
#[derive(Debug, Args)]
pub struct Report {
    /// The run: a run.jsonl, or the folder that has it.
    pub journal: PathBuf,
    /// Read the file as the console log of a run with --console, or as the log of a LAVA job.
    #[arg(long)]
    pub from_console: bool,
    /// Write run.jsonl, junit.xml and run.ktap to this folder, as a run does.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["cell", "format"])]
    pub output: Option<PathBuf>,
    /// Write report.html, one file for a browser, to the folder of the run, or to that of --output.
    #[arg(long, conflicts_with_all = ["cell", "format"])]
    pub html: bool,
    /// Compare with this earlier run in report.html: a run.jsonl, or the folder that has it.
    #[arg(long, value_name = "JOURNAL", requires = "html")]
    pub against: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    /// The kcidb id of the kernel build that was run.
    #[arg(long, value_name = "ORIGIN:ID", required_if_eq("format", "kcidb"))]
    pub build: Option<report::kcidb::Build>,
    /// Print every cell that matches this text in full.
    #[arg(long, value_name = "TEXT")]
    pub cell: Option<String>,
}

/// The run that a console's log records.
fn from_console(path: &Path) -> Result<Vec<Event>, CommandError> {
    let log = std::fs::read(path).map_err(|source| CommandError::Unreadable { path: path.to_owned(), source })?;
    let told = console::read(&lava::console(&log), &catalogue::embedded());
    if told.damaged > 0 {
        eprintln!("warning: {} lines of the journal on this console are damaged", told.damaged);
    }
    Ok(told.events)
}

/// Writes report.html to a folder and says where it is.
fn page(recorded: &Recorded, against: Option<&Path>, folder: &Path) -> Result<(), CommandError> {
    let registry = catalogue::registry::embedded().map_err(CommandError::Registry)?;
    let cases = catalogue::embedded();
    let against = against.map(crate::files::recorded).transpose()?;
    let beside = html::PageInputs { registry: &registry, cases: &cases, against: against.as_ref() };
    let path = folder.join("report.html");
    replace(&path, &html::text(recorded, &beside))?;
    println!("{}", path.display());
    Ok(())
}

fn same_file(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| std::fs::metadata(path).map(|about| (about.dev(), about.ino()));
    matches!((place(one), place(other)), (Ok(one), Ok(other)) if one == other)
}

/// Reports on a run.
pub fn run(wanted: &Report) -> Result<Exit, CommandError> {
    let no_run = || JournalError::NoRun { path: wanted.journal.clone() };
    let told = if wanted.from_console { Some(from_console(&wanted.journal)?) } else { None };
    let recorded = match &told {
        Some(events) => Recorded::of(events.iter().cloned()).ok_or_else(no_run)?,
        None => recorded(&wanted.journal)?,
    };
    if let Some(folder) = &wanted.output {
        std::fs::create_dir_all(folder).map_err(|source| CommandError::Folder { path: folder.clone(), source })?;
        let path = folder.join("run.jsonl");
        match told {
            Some(events) => Journal::create(&path)?.write(&events)?,
            // A copy onto itself would be empty.
            None if same_file(&journal_of(&wanted.journal), &path) => {}
            None => drop(
                std::fs::copy(journal_of(&wanted.journal), &path)
                    .map_err(|source| CommandError::Unwritten { path, source })?,
            ),
        }
        let written = RunReports::to(folder)?;
        print!("{}", written.text(Paint::of_output()));
        if wanted.html {
            page(&recorded, wanted.against.as_deref(), folder)?;
        }
        return Ok(written.exit());
    }
    if wanted.html {
        let journal = journal_of(&wanted.journal);
        page(&recorded, wanted.against.as_deref(), journal.parent().unwrap_or(Path::new("")))?;
        return Ok(Exit::of(&recorded));
    }
    if let Some(text) = &wanted.cell {
        let told: Vec<_> = recorded.cells.iter().filter(|cell| cell.id.contains(text.as_str())).collect();
        if told.is_empty() {
            return Err(ChoiceError::NoSuchCell(text.clone(), None).into());
        }
        for cell in told {
            println!("{}", failure::painted(cell, recorded.run.emulated(), Paint::of_output()));
        }
        return Ok(Exit::of(&recorded));
    }
    match wanted.format {
        Form::Text => print!("{}", summary::painted(&recorded, &Gathered::of(&recorded), Paint::of_output())),
        Form::Junit => print!("{}", junit::text(&recorded)),
        Form::Ktap => print!("{}", ktap::text(&recorded)),
        Form::Kcidb => wanted.build.iter().for_each(|build| print!("{}", kcidb::text(&recorded, build))),
    }
    Ok(Exit::of(&recorded))
}
