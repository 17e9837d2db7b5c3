//! `run.jsonl`: written so that it survives a crash, read so that a cut-off one still tells what it can.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use document::verdict::{Outcome, Verdict};
use nix::sys::statfs::FsType;

use crate::event::{CellEnd, End, EndpointFound, Event, Missing, Run};

/// A journal that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A full disk, a read-only file system, a folder that is not there.
    #[error("cannot write {path}: {source}; free some space or choose another folder with --output")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No such file, or no permission.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line in the middle that is no event; the last line may be cut off.
    #[error("{path}:{line}: not an event of prime-cts: {source}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// A file without a `run` event.
    #[error("{path} is no journal of prime-cts: it has no 'run' event")]
    NoRun {
        /// Which file.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error("{path} has version {version} of the event stream, this program reads up to {}", crate::event::VERSION)]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

/// What a file of gzip begins with (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// `V9FS_MAGIC` of `include/uapi/linux/magic.h`.
const V9FS_MAGIC: i64 = 0x0102_1997;

/// The writing side. What is written is on the disk before the next cell begins.
pub struct Journal {
    file: File,
    path: PathBuf,
    sync: bool,
    /// Where the events are written, too, as a console keeps them.
    console: Option<File>,
    /// Where they are written as they are in the file.
    output: Option<File>,
}

impl Journal {
    /// Starts a new journal.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let file = File::create(path).map_err(|source| JournalError::Write { path: path.to_owned(), source })?;
        Ok(Self::of(file, path))
    }

    /// Goes on with a journal that was cut short, behind its last whole line. Nothing when there is none yet, or none
    /// that had come to its first line.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn resume(path: &Path) -> Result<Option<(Self, Recorded)>, JournalError> {
        let write = |source| JournalError::Write { path: path.to_owned(), source };
        let text = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|source| JournalError::Read { path: path.to_owned(), source })?,
        };
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        if whole == 0 {
            return Ok(None);
        }
        let recorded = Recorded::parse(path, &text[..whole])?;
        let file = OpenOptions::new().append(true).open(path).map_err(write)?;
        file.set_len(whole as u64).map_err(write)?;
        Ok(Some((Self::of(file, path), recorded)))
    }

    fn of(file: File, path: &Path) -> Self {
        let kind = nix::sys::statfs::fstatfs(&file).map(|about| about.filesystem_type());
        // What a 9p share of an emulated board has taken is with the host: only a disk of our own needs telling.
        let sync = !kind.is_ok_and(|kind| kind == FsType(V9FS_MAGIC as _));
        Self { file, path: path.to_owned(), sync, console: None, output: None }
    }

    /// The same journal, also written to a console.
    pub fn on_console(self, console: File) -> Self {
        Self { console: Some(console), ..self }
    }

    /// The same journal, also written to a program that reads along.
    pub fn on_output(self, output: File) -> Self {
        Self { output: Some(output), ..self }
    }

    /// Appends events in one `write(2)`: on a share or a disk each costs a round trip.
    ///
    /// # Errors
    /// A full disk.
    pub fn write(&mut self, events: &[Event]) -> Result<(), JournalError> {
        if let Some(console) = &mut self.console {
            // A console that nobody reads takes nothing away from the file.
            let _ = crate::console::write(console, events);
        }
        let mut lines = Vec::new();
        for event in events {
            serde_json::to_writer(&mut lines, event).expect("events are plain data");
            lines.push(b'\n');
        }
        if let Some(output) = &mut self.output {
            let _ = output.write_all(&lines);
        }
        let written = self.file.write_all(&lines).and_then(|()| match events.last() {
            // Before a cell that may take the machine down, and with it what came before.
            Some(Event::CellStart(_) | Event::End(_)) if self.sync => self.file.sync_data(),
            _ => Ok(()),
        });
        // A pipe or a character device has nothing to sync.
        let written = written.or_else(|error| if error.raw_os_error() == Some(22) { Ok(()) } else { Err(error) });
        written.map_err(|source| JournalError::Write { path: self.path.clone(), source })
    }
}

/// A journal as it was read: everything that a report needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// What ran, on what.
    pub run: Run,
    /// What was found.
    pub endpoints: Vec<EndpointFound>,
    /// The cells that ended, in their order.
    pub cells: Vec<CellEnd>,
    /// The cells that were open when the run was cut short: one, unless several ran at the same time.
    pub open: Vec<String>,
    /// How often the machine was started again and the run went on.
    pub restarts: usize,
    /// What was not there.
    pub missing: Vec<Missing>,
    /// The totals; nothing when the run was cut short.
    pub end: Option<End>,
}

impl Recorded {
    /// Reads a journal, compressed or not, a cut-off last line left out.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        Self::lines(path, open(path)?, |_| {})
    }

    /// As [`Recorded::read`], with no more of each cell than the reports of a run tell: of one that passed as expected
    /// neither its rule nor what was seen. A run of many cells is not held in memory as a whole.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn read_for_reports(path: &Path) -> Result<Self, JournalError> {
        let told = |cell: &CellEnd| cell.verdict != Verdict::Pass || cell.outcome != Outcome::Expected;
        Self::lines(path, open(path)?, |cell| {
            if !told(cell) && cell.figures.is_empty() {
                (cell.rule, cell.reference, cell.findings) = Default::default();
            }
        })
    }

    /// Reads the text of a journal. It may be cut off anywhere, within a character too.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, JournalError> {
        Self::lines(path, text, |_| {})
    }

    /// Reads line by line; `change` is shown each cell that has ended.
    fn lines(path: &Path, mut text: impl BufRead, change: impl Fn(&mut CellEnd)) -> Result<Self, JournalError> {
        let fail = |source| JournalError::Read { path: path.to_owned(), source };
        let mut recorded: Option<Self> = None;
        let mut line = Vec::new();
        let mut number = 0;
        while text.read_until(b'\n', &mut line).map_err(fail)? > 0 {
            number += 1;
            // Looked at first: what else a newer program has written need not be known here.
            if let Some(version) = newer(&line) {
                return Err(JournalError::Version { path: path.to_owned(), version });
            }
            let event = match serde_json::from_slice::<Event>(&line) {
                Err(_) if !line.ends_with(b"\n") => break,
                event => event.map_err(|source| JournalError::Line { path: path.to_owned(), line: number, source })?,
            };
            match (&mut recorded, event) {
                (None, Event::Run(run)) => recorded = Some(Self::begun(run)),
                (None, _) => {}
                (Some(recorded), Event::Cell(mut cell)) => {
                    change(&mut cell);
                    recorded.add(Event::Cell(cell));
                }
                (Some(recorded), event) => recorded.add(event),
            }
            line.clear();
        }
        recorded.ok_or_else(|| JournalError::NoRun { path: path.to_owned() })
    }

    /// A run of which nothing is known but what it runs.
    pub fn begun(run: Run) -> Self {
        let (endpoints, cells, missing) = Default::default();
        Self { run, endpoints, cells, open: Vec::new(), restarts: 0, missing, end: None }
    }

    /// Gathers events; nothing without a `run` event.
    pub fn of(events: impl IntoIterator<Item = Event>) -> Option<Self> {
        let mut events = events.into_iter();
        let run = events.find_map(|event| if let Event::Run(run) = event { Some(run) } else { None })?;
        let mut recorded = Self::begun(run);
        events.for_each(|event| recorded.add(event));
        Some(recorded)
    }

    fn add(&mut self, event: Event) {
        match event {
            Event::Run(_) => {}
            Event::Endpoint(endpoint) => self.endpoints.push(endpoint),
            Event::CellStart(start) => self.open.push(start.id),
            Event::Cell(cell) => {
                self.open.retain(|open| *open != cell.id);
                self.cells.push(cell);
            }
            Event::Again(again) => self.open.retain(|open| !again.cells.contains(open)),
            Event::Resumed(resumed) => {
                self.restarts += 1;
                // Each of these is begun again; one alone is told of as crashed.
                self.open.retain(|open| !resumed.suspects.contains(open));
            }
            Event::Missing(missing) => self.missing.push(missing),
            Event::End(end) => self.end = Some(end),
        }
    }
}

/// The text of a journal, compressed or not.
fn open(path: &Path) -> Result<Box<dyn BufRead>, JournalError> {
    let fail = |source| JournalError::Read { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(fail)?);
    if file.fill_buf().map_err(fail)?.starts_with(&GZIP) {
        return Ok(Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file))));
    }
    Ok(Box::new(file))
}

/// The version of a `run` event, if it is newer than this program.
fn newer(line: &[u8]) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Head {
        event: String,
        version: u32,
    }
    let head: Head = serde_json::from_slice(line).ok()?;
    (head.event == "run" && head.version > crate::event::VERSION).then_some(head.version)
}
