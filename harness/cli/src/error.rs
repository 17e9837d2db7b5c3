//! Everything that can end a command early, with the exit code that it leads to.

use std::path::PathBuf;

use catalogue::CatalogueError;
use catalogue::findings::FindingsError;
use event::exit::Exit;
use event::journal::JournalError;
use runner::run::resume::ResumeError;
use runner::run::session::RunError;
use runner::watchdog::WatchdogError;

use crate::choice::ChoiceError;

/// Everything that can end a command early.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error(transparent)]
    Findings(#[from] FindingsError),
    #[error(
        "the board file's 'known' names '{0}', which is not a finding{hint}; 'prime-cts list findings' names them",
        hint = .1.as_ref().map_or(String::new(), |near| format!(" (did you mean '{near}'?)"))
    )]
    NoSuchFinding(String, Option<String>),
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
    #[error("no cell of the run contains '{0}' in its id")]
    NotInRun(String),
    #[error(transparent)]
    Bless(#[from] report::bless::BlessError),
    #[error(transparent)]
    Lists(#[from] report::lists::ListError),
    #[error(transparent)]
    Shards(#[from] event::merge::NoShards),
    #[error(transparent)]
    Mutant(#[from] runner::mutants::MutantError),
    #[error(transparent)]
    Load(#[from] runner::load::LoadError),
    #[error("{id}: {why}")]
    Unsupported { id: String, why: repro::Unsupported },
    #[error("{0} cells match; --output DIR takes their programs, and a whole id is one cell")]
    ManyCells(usize),
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    #[error("no exporter's key contains '{0}'; 'prime-cts list' names them")]
    NoExporter(String),
    #[error("no case is called '{0}'{hint}", hint = .1.as_ref().map_or(String::new(), |near| format!("; did you mean '{near}'?")))]
    NoSuchCase(String, Option<String>),
    #[error("'{0}' is not AREA/NAME: a-z, 0-9, '-' and '_' are allowed on both sides of one '/'")]
    BadName(String),
    #[error("cannot write {path}: {source}")]
    Unwritten { path: PathBuf, source: std::io::Error },
    #[error("cannot write to the standard output: {source}")]
    Output { source: std::io::Error },
}

impl From<RunError> for CommandError {
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

impl CommandError {
    /// The exit code that it leads to.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Load(_) | Self::Journal(JournalError::Write { .. }) | Self::Folder { .. } | Self::Registry(_) => {
                Exit::OwnFault
            }
            _ => Exit::BadInput,
        }
    }
}
