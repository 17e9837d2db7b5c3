//! Reading a journal line by line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::error::JournalError;
use crate::stream::Event;

/// The first bytes of a gzip file (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The events of a journal, one after the other; a cut-off last line is left out. No more than one of them is held.
pub struct Events<'a> {
    path: PathBuf,
    text: Box<dyn BufRead + 'a>,
    line: Vec<u8>,
    number: usize,
    /// The bytes of the lines that were read and have an end.
    whole: u64,
    /// True if a line that has no end was read.
    torn: bool,
    whole_lines: bool,
    compressed: bool,
    ended: bool,
}

impl Events<'static> {
    /// Reads the events of a file, compressed or not.
    ///
    /// # Errors
    /// [`JournalError::Read`].
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let fail = |source| JournalError::Read { path: path.to_owned(), source };
        let mut file = BufReader::new(File::open(path).map_err(fail)?);
        let compressed = file.fill_buf().map_err(fail)?.starts_with(&GZIP);
        if compressed {
            let text = BufReader::new(flate2::bufread::MultiGzDecoder::new(file));
            return Ok(Events { compressed, ..Events::of(path, text) });
        }
        Ok(Events::of(path, file))
    }
}

impl<'a> Events<'a> {
    /// Reads the events of a text; the path appears in errors.
    pub fn of(path: &Path, text: impl BufRead + 'a) -> Self {
        let (line, path, text) = (Vec::new(), path.to_owned(), Box::new(text));
        let (whole_lines, compressed, ended) = (false, false, false);
        Self { path, text, line, number: 0, whole: 0, torn: false, whole_lines, compressed, ended }
    }

    /// Without the last line where it has no end, though it may be an event.
    pub fn of_whole_lines(self) -> Self {
        Self { whole_lines: true, ..self }
    }

    /// Returns whether the file is compressed.
    pub fn compressed(&self) -> bool {
        self.compressed
    }

    /// Returns the number of bytes of the whole lines that were read until now.
    pub fn whole(&self) -> u64 {
        self.whole
    }

    /// Returns whether a line that has no end was read.
    pub fn torn(&self) -> bool {
        self.torn
    }

    fn event(&mut self) -> Result<Option<Event>, JournalError> {
        self.line.clear();
        let read = self.text.read_until(b'\n', &mut self.line);
        if read.map_err(|source| JournalError::Read { path: self.path.clone(), source })? == 0 {
            return Ok(None);
        }
        self.number += 1;
        // Looked at first: what else a newer program has written need not be known here.
        if let Some(version) = newer(&self.line) {
            return Err(JournalError::Version { path: self.path.clone(), version });
        }
        let whole = self.line.ends_with(b"\n");
        self.torn |= !whole;
        if whole {
            self.whole += self.line.len() as u64;
        } else if self.whole_lines {
            return Ok(None);
        }
        match serde_json::from_slice(&self.line) {
            Err(_) if !whole => Ok(None),
            Err(source) => Err(JournalError::Line { path: self.path.clone(), line: self.number, source }),
            Ok(event) => Ok(Some(event)),
        }
    }
}

impl Iterator for Events<'_> {
    type Item = Result<Event, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let event = self.event().transpose();
        self.ended = !matches!(event, Some(Ok(_)));
        event
    }
}

/// The version of a `run` event, if it is newer than this program.
fn newer(line: &[u8]) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Head {
        event: String,
        version: u32,
    }
    let head: Head = serde_json::from_slice(line).ok()?;
    (head.event == "run" && head.version > crate::VERSION).then_some(head.version)
}
