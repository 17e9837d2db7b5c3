//! The reports that a run leaves next to its journal, and its exit code.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use event::exit::Exit;
use event::journal::{Events, Head, JournalError};
use report::gathered::Gathered;
use report::junit::Junit;
use report::ktap::Ktap;
use report::paint::Paint;
use report::{CellByCell, summary};

/// A run whose reports are written.
pub struct RunReports {
    head: Head,
    gathered: Gathered,
}

impl RunReports {
    /// Writes the reports of the journal in a folder. It is read twice and never held as a whole: for the totals, and for
    /// the cells.
    pub fn to(folder: &Path) -> Result<Self, JournalError> {
        let path = folder.join("run.jsonl");
        let (mut head, mut gathered) = (None, Gathered::default());
        for event in Events::open(&path)? {
            Head::take(&mut head, event?).iter().for_each(|cell| gathered.add(cell));
        }
        let head = head.ok_or_else(|| JournalError::NoRun { path: path.clone() })?;
        let (as_junit, as_ktap) = (folder.join("junit.xml"), folder.join("run.ktap"));
        let mut junit =
            Junit::begin(file(&as_junit)?, &head, &gathered).map_err(|error| unwritten(&as_junit, error))?;
        let mut ktap =
            Ktap::begin(file(&as_ktap)?, &head, gathered.tally.cells).map_err(|error| unwritten(&as_ktap, error))?;
        let mut again = None;
        for event in Events::open(&path)? {
            if let Some(cell) = Head::take(&mut again, event?) {
                junit.cell(&cell).map_err(|error| unwritten(&as_junit, error))?;
                ktap.cell(&cell).map_err(|error| unwritten(&as_ktap, error))?;
            }
        }
        junit.end(&head).map_err(|error| unwritten(&as_junit, error))?;
        ktap.end(&head).map_err(|error| unwritten(&as_ktap, error))?;
        Ok(Self { head, gathered })
    }

    /// Marks the run as this program's own: its peak memory is reported, that for the reports included.
    pub fn of_this_program(mut self) -> Self {
        if let Some(end) = &mut self.head.end {
            end.peak_kib = uapi::process::peak_memory().or(end.peak_kib);
        }
        self
    }

    /// The exit code of the run.
    pub fn text(&self, paint: Paint) -> String {
        summary::painted(&self.head, &self.gathered, paint)
    }

    /// The summary of the run.
    pub fn exit(&self) -> Exit {
        self.gathered.exit(&self.head)
    }
}

fn file(path: &Path) -> Result<BufWriter<File>, JournalError> {
    File::create(path).map(BufWriter::new).map_err(|error| unwritten(path, error))
}

fn unwritten(path: &Path, source: std::io::Error) -> JournalError {
    JournalError::Write { path: path.to_owned(), source }
}
