//! The writing side: what is written is on the disk before the next cell begins.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use nix::sys::statfs::FsType;

use super::error::JournalError;
use super::events::Events;
use crate::stream::Event;

/// `V9FS_MAGIC` of `include/uapi/linux/magic.h`.
const V9FS_MAGIC: i64 = 0x0102_1997;

/// The writing side. What is written is on the disk before the next cell begins.
pub struct Journal {
    file: File,
    /// What appends to the file in place of this process.
    through: Option<File>,
    path: PathBuf,
    /// True if it was resumed behind a line that had no end.
    torn: bool,
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

    /// Resumes a journal that was cut short, after its last whole line; `told` gets its events. Nothing when
    /// there is none yet, or none that had come to its first line.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn resume(path: &Path, mut told: impl FnMut(Event)) -> Result<Option<Self>, JournalError> {
        let write = |source| JournalError::Write { path: path.to_owned(), source };
        if !path.try_exists().map_err(|source| JournalError::Read { path: path.to_owned(), source })? {
            return Ok(None);
        }
        let mut events = Events::open(path)?.of_whole_lines();
        if events.compressed() {
            return Err(JournalError::Compressed { path: path.to_owned() });
        }
        let mut begun = false;
        for event in &mut events {
            let event = event?;
            begun |= matches!(event, Event::Run(_));
            told(event);
        }
        if events.whole() == 0 {
            return Ok(None);
        }
        if !begun {
            return Err(JournalError::NoRun { path: path.to_owned() });
        }
        let file = OpenOptions::new().append(true).open(path).map_err(write)?;
        file.set_len(events.whole()).map_err(write)?;
        Ok(Some(Self { torn: events.torn(), ..Self::of(file, path) }))
    }

    fn of(file: File, path: &Path) -> Self {
        let kind = nix::sys::statfs::fstatfs(&file).map(|about| about.filesystem_type());
        // What a 9p share of an emulated board has taken is with the host: only a disk of our own needs telling.
        let sync = !kind.is_ok_and(|kind| kind == FsType(V9FS_MAGIC as _));
        Self { file, through: None, path: path.to_owned(), torn: false, sync, console: None, output: None }
    }

    /// Returns whether it was resumed behind a line that had no end, which is gone. A line is written when cells have ended: those
    /// that were open had, and the machine went down, or the disk was full, behind them.
    pub fn was_torn(&self) -> bool {
        self.torn
    }

    /// The same journal, appended to its file by whoever is behind a device: a host by a port, faster than over a share.
    pub fn through(self, device: File) -> Self {
        Self { through: Some(device), ..self }
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
            // A console that no one reads takes nothing away from the file.
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
        let written = match &mut self.through {
            Some(device) => device.write_all(&lines),
            None => self.file.write_all(&lines).and_then(|()| match events.last() {
                // Before a cell that may take the machine down, and with it what came before.
                Some(Event::CellStart(_) | Event::End(_)) if self.sync => self.file.sync_data(),
                _ => Ok(()),
            }),
        };
        // A pipe or a character device has nothing to sync: EINVAL.
        let written =
            written.or_else(|error| if error.kind() == std::io::ErrorKind::InvalidInput { Ok(()) } else { Err(error) });
        written.map_err(|source| JournalError::Write { path: self.path.clone(), source })
    }
}
