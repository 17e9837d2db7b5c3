//! The place for the results: whether it still takes them, and what that makes of a run's end.
//!
//! What a board writes to its journal's port, QEMU appends to a file of the host's. Where it cannot, it drops the bytes, and the
//! board does not hear of it: only here can that be seen, and told to who resumes the run.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::results::folder::Results;

/// A place that does not take so much is full.
const ROOM: usize = 1 << 16;

/// The first bytes of an event that reports a cell's end.
const ENDED: &[u8] = b"{\"event\":\"cell\",";

/// Holds what a board says that it has finished against what its journal has.
#[derive(Debug)]
pub struct Kept {
    journal: PathBuf,
    /// The bytes of whole lines that were read.
    read: u64,
    cells: u64,
    /// The cells that were finished when the board was last heard to be alive.
    finished: u64,
}

impl Kept {
    /// Nothing yet of a run.
    pub fn of(results: &Results) -> Self {
        Self { journal: results.folder().join("run.jsonl"), read: 0, cells: 0, finished: 0 }
    }

    /// Takes the number of cells that the board has finished; called at each of its signs of life. Returns how many are lost:
    /// of those that were finished at the sign before, the journal has had seconds to get the end.
    pub fn lost(&mut self, finished: u64) -> Option<u64> {
        let due = std::mem::replace(&mut self.finished, finished);
        self.lacks(due)
    }

    /// How many of the cells that the board has finished the journal does not have; for a board that is switched off, too.
    pub fn lacks(&mut self, finished: u64) -> Option<u64> {
        // A journal that cannot be read has gained nothing.
        let _ = self.read_on();
        // One that comes over the console is empty until the end.
        (self.read > 0 && self.cells < finished).then(|| finished - self.cells)
    }

    fn read_on(&mut self) -> io::Result<()> {
        let mut file = File::open(&self.journal)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        for line in text.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            self.read += line.len() as u64;
            self.cells += u64::from(line.starts_with(ENDED));
        }
        Ok(())
    }
}

impl Results {
    /// Why nothing more can be written here; nothing if it can.
    pub fn no_room(&self) -> Option<io::Error> {
        let path = self.folder().join("room");
        let written = fs::write(&path, vec![0; ROOM]);
        // Of what could not be made there is nothing to remove.
        let _ = fs::remove_file(path);
        written.err()
    }

    /// Takes the end of the journal's last line away, as of one that was cut off. Where whole lines are lost the cell that began
    /// last looks like one in which the machine went down: a run that is resumed is to try it once more.
    ///
    /// # Errors
    /// A journal that cannot be written.
    pub fn tear_journal(&self) -> Result<()> {
        let path = self.folder().join("run.jsonl");
        let tear = || {
            let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last == *b"\n" { file.set_len(file.metadata()?.len() - 1) } else { Ok(()) }
        };
        tear().map_err(Error::file("write", &path))
    }

    /// The error of results that were lost.
    pub fn unwritten(&self, what: String) -> Error {
        Error::Unwritten { what, cause: self.no_room(), folder: self.folder().to_owned() }
    }

    /// The end of a run, or that there was no room for its results where that is how it came to it.
    ///
    /// # Errors
    /// As before, or [`Error::Unwritten`].
    pub fn or_no_room(&self, verdict: Result<u8>) -> Result<u8> {
        let what = match verdict {
            Err(Error::File { doing, path, source }) if is_full(&source) => {
                let (what, folder) = (format!("cannot {doing} {}", path.display()), self.folder().to_owned());
                return Err(Error::Unwritten { what, cause: Some(source), folder });
            }
            Err(Error::Died { ref what, .. }) if self.no_room().is_some() => format!("the board {what}"),
            Ok(_) if self.head().is_some_and(|head| head.end.is_none()) => match self.not_written() {
                Some(what) => what,
                None => return verdict,
            },
            verdict => return verdict,
        };
        Err(self.unwritten(what))
    }

    /// What prime-cts itself said that it could not write on the board.
    fn not_written(&self) -> Option<String> {
        let said = self.said();
        said.lines().rev().find(|line| line.starts_with("prime-cts: cannot write")).map(str::to_owned)
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_finished_before_the_last_sign_of_life_is_in_the_journal_or_lost() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::open(folder.path(), "b").unwrap();
        let journal = |text: &str| fs::write(results.folder().join("run.jsonl"), text).unwrap();
        let mut kept = Kept::of(&results);
        assert_eq!([kept.lost(3), kept.lost(9)], [None, None], "these results come over the console");
        let mut kept = Kept::of(&results);
        let cell = "{\"event\":\"cell\",\"id\":\"a\"}\n";
        let two = format!("{{\"event\":\"run\"}}\n{{\"event\":\"cell-start\"}}\n{}", cell.repeat(2));
        journal(&two);
        assert_eq!(kept.lost(3), None, "the third may be on its way");
        journal(&format!("{two}{}", &cell[..9]));
        assert_eq!(kept.lost(5), Some(1), "the third has no end of line");
        journal(&format!("{two}{}", cell.repeat(3)));
        assert_eq!([kept.lost(5), kept.lacks(7)], [None, Some(2)]);
    }

    #[test]
    fn the_last_line_before_what_is_lost_has_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::open(folder.path(), "b").unwrap();
        let path = results.folder().join("run.jsonl");
        let events: Vec<_> =
            event::sample::events().into_iter().filter(|event| !matches!(event, event::Event::End(_))).collect();
        let lines: Vec<String> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        for cut in [lines.join("\n") + "\n", lines.join("\n"), lines.join("\n") + "\n{\"ev"] {
            fs::write(&path, &cut).unwrap();
            results.tear_journal().unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), cut.strip_suffix('\n').unwrap_or(&cut));
            let journal = event::journal::Journal::resume(&path, drop).unwrap().unwrap();
            assert!(journal.was_torn(), "{cut}");
        }
        fs::remove_file(&path).unwrap();
        assert!(results.tear_journal().is_err());
    }

    #[test]
    fn a_place_that_takes_nothing_more_says_why_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::open(folder.path(), "b").unwrap();
        assert!(results.no_room().is_none());
        assert!(!results.folder().join("room").exists());
        assert_eq!(results.or_no_room(Ok(4)).unwrap(), 4);
        let (path, source) = (results.console(), io::ErrorKind::StorageFull.into());
        let error = results.or_no_room(Err(Error::File { doing: "write", path, source })).unwrap_err();
        assert_eq!(error.exit() as u8, 5);
        let said = error.to_string();
        let place = results.folder().display().to_string();
        assert!(said.starts_with(&format!("cannot write {place}/console.log (")), "{said}");
        assert!(
            said.ends_with(&format!("make room in {place}, and go on with the same command and --resume")),
            "{said}"
        );
    }
    #[test]
    fn what_the_board_could_not_write_is_said_by_its_program() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::open(folder.path(), "b").unwrap();
        let run = event::sample::events().into_iter().find(|event| matches!(event, event::Event::Run(_))).unwrap();
        fs::write(results.folder().join("run.jsonl"), serde_json::to_string(&run).unwrap() + "\n").unwrap();
        let words = "prime-cts: cannot write /results/run.jsonl: File too large (os error 27)";
        fs::write(results.console(), format!("board: run\n{words}\nboard: done 4\n")).unwrap();
        let error = results.or_no_room(Ok(4)).unwrap_err();
        assert!(error.to_string().starts_with(words), "{error}");
        fs::write(results.console(), "board: run\nboard: done 4\n").unwrap();
        assert_eq!(results.or_no_room(Ok(4)).unwrap(), 4);
    }
}
