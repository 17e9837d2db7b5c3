//! The results' folder of a board, and results that came over the console.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use event::journal::{Events, Head, Recorded};

use crate::cache::digest;
use crate::command;
use crate::error::{Error, Result};
use crate::machine::console::{PROGRESS, plain};

/// Where a board's results are, `target/boards/NAME`.
#[derive(Debug, Clone)]
pub struct Results {
    folder: PathBuf,
}

/// Results on their way over the console.
#[derive(Debug, Default)]
pub struct SentResults {
    digest: String,
    text: String,
    complete: bool,
}

impl Results {
    /// The folder of a board, made if necessary.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(root: &Path, board: &str) -> Result<Self> {
        let folder = root.join("target/boards").join(board);
        fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        Ok(Self { folder })
    }

    /// Removes what an earlier run left, so that nothing stale is taken for a result.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clear(&self) -> Result<()> {
        for entry in fs::read_dir(&self.folder).map_err(Error::file("read", &self.folder))?.flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(Error::file("remove", &path))?;
        }
        Ok(())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where all of the console goes.
    pub fn console(&self) -> PathBuf {
        self.folder.join("console.log")
    }

    /// The program's exit code; absent when the board did not come so far.
    pub fn exit(&self) -> Option<u8> {
        fs::read_to_string(self.folder.join("exit")).ok()?.trim().parse().ok()
    }

    /// Forgets the exit code of the boot before.
    pub fn forget_exit(&self) {
        // There is none before the first boot.
        let _ = fs::remove_file(self.folder.join("exit"));
    }

    /// Tells the board what to do when a cell has harmed it: the file that the script of a run reads.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn after_damage(&self, word: &str) -> Result<()> {
        let path = self.folder.join("after-damage");
        fs::write(&path, word).map_err(Error::file("write", &path))
    }

    /// The events of the journal other than its cells, as far as it is here.
    pub fn head(&self) -> Option<Head> {
        let mut head = None;
        let events = Events::open(&self.folder.join("run.jsonl")).ok()?;
        events.map_while(|event| event.ok()).for_each(|event| drop(Head::take(&mut head, event)));
        head
    }

    /// The summary of what the journal has, with its exit code; nothing without a journal.
    pub fn so_far(&self) -> Option<(String, event::exit::Exit)> {
        let recorded = Recorded::read(&self.folder.join("run.jsonl")).ok()?;
        Some((report::summary::text(&recorded), event::exit::Exit::of(&recorded)))
    }

    /// Returns what the program printed, without its progress lines.
    pub fn summary(&self) -> String {
        let text = fs::read(self.folder.join("summary.txt")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let words = text.lines().filter(|line| !line.starts_with(PROGRESS));
        words.map(|line| format!("{line}\n")).collect()
    }

    /// Returns what the program printed on the console, errors included: for a run that ended before it had a summary.
    pub fn said(&self) -> String {
        let text = fs::read(self.console()).unwrap_or_default();
        let lines = text.split(|&byte| byte == b'\n').map(plain);
        let program = lines.skip_while(|line| line != "board: run").skip(1);
        let words = program.take_while(|line| !line.starts_with("board: "));
        words.filter(|line| !line.starts_with(PROGRESS)).map(|line| format!("{line}\n")).collect()
    }

    /// Unpacks results that came over the console.
    ///
    /// # Errors
    /// When they are not what the board sent.
    pub fn unpack(&self, archive: &SentResults) -> Result<()> {
        let content = archive.content().map_err(|what| Error::Died {
            what: format!("sent its results over the console, but {what}"),
            tail: String::new(),
            console: self.console(),
        })?;
        let purpose = "unpack the results that came over the console";
        let mut tar = Command::new("tar");
        tar.arg("-xz").arg("-C").arg(&self.folder).stdin(Stdio::piped());
        let mut child = tar.spawn().map_err(|source| command::missing(&tar, purpose, "tar", source))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A tar that ends early says why itself, below.
            let _ = stdin.write_all(&content);
        }
        let status = child.wait().map_err(Error::file("read", &self.folder))?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Command { program: "tar".into(), purpose: purpose.into(), status, output: String::new() })
    }
}

impl SentResults {
    /// Starts from the beginning.
    pub fn begin(&mut self, digest: String) {
        *self = Self { digest, ..Self::default() };
    }

    /// Takes a line.
    pub fn line(&mut self, line: &str) {
        self.text.push_str(line.trim());
    }

    /// Marks it complete.
    pub fn end(&mut self) {
        self.complete = true;
    }

    /// Returns whether one was begun.
    pub fn is_begun(&self) -> bool {
        !self.digest.is_empty()
    }

    fn content(&self) -> std::result::Result<Vec<u8>, String> {
        if !self.complete {
            return Err("they end in the middle".to_owned());
        }
        let content = STANDARD.decode(&self.text).map_err(|error| format!("they are damaged: {error}"))?;
        match digest(&content) {
            found if found == self.digest => Ok(content),
            found => Err(format!("they are damaged: their SHA-256 is {found}, the board sent {}", self.digest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::Event;

    fn sent(content: &[u8]) -> SentResults {
        let mut archive = SentResults::default();
        archive.begin(digest(content));
        let text = STANDARD.encode(content);
        text.as_bytes().chunks(8).for_each(|line| archive.line(&String::from_utf8_lossy(line)));
        archive.end();
        archive
    }

    #[test]
    fn results_come_over_the_console_whole() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::open(folder.path(), "b").unwrap();
        let board = tempfile::tempdir().unwrap();
        fs::write(board.path().join("exit"), "3\n").unwrap();
        let tar = Command::new("tar").arg("-C").arg(board.path()).args(["-cz", "."]).output().unwrap().stdout;
        results.unpack(&sent(&tar)).unwrap();
        assert_eq!(results.exit(), Some(3));
    }

    #[test]
    fn a_corrupted_byte_is_caught() {
        let mut archive = sent(b"some results");
        let other = if archive.text.starts_with('A') { "B" } else { "A" };
        archive.text.replace_range(0..1, other);
        let error = archive.content().unwrap_err();
        assert!(error.contains("SHA-256"), "{error}");
        archive.text.replace_range(0..1, "?");
        assert!(archive.content().unwrap_err().contains("damaged"));
    }

    #[test]
    fn a_torn_archive_is_caught() {
        let mut archive = sent(b"some results");
        archive.complete = false;
        assert!(archive.content().unwrap_err().contains("middle"));
    }

    #[test]
    fn the_open_cells_are_those_that_began_in_a_whole_line_and_did_not_end() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::open(folder.path(), "b").unwrap();
        assert!(results.head().is_none() && results.so_far().is_none());
        let line = |event: &Event| serde_json::to_string(event).unwrap() + "\n";
        let journal = |text: &str| fs::write(results.folder().join("run.jsonl"), text).unwrap();
        let events = event::sample::events();
        let run = events.iter().find(|event| matches!(event, Event::Run(_))).map(line).unwrap();
        let start = run + &events.iter().find(|event| matches!(event, Event::CellStart(_))).map(line).unwrap();
        let cell = events.iter().find(|event| matches!(event, Event::Cell(_))).map(line).unwrap();
        journal(&format!("{start}{}", &cell[..cell.len() / 2]));
        let open = || results.head().unwrap().open;
        assert_eq!(open(), ["mapping.whole.drm-a"]);
        let (summary, exit) = results.so_far().unwrap();
        assert!(summary.contains("open     mapping.whole.drm-a was running"));
        assert_eq!(exit, event::exit::Exit::Incomplete);
        // Another one that runs at the same time is still open.
        let other = line(&Event::CellStart(event::CellStart { id: "a.b.c".into() }));
        journal(&(start.clone() + &other + &cell));
        assert_eq!(open(), ["a.b.c"]);
        journal(&(start + &cell));
        assert!(open().is_empty());
    }

    #[test]
    fn stale_results_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::open(folder.path(), "b").unwrap();
        fs::write(results.folder().join("exit"), "0").unwrap();
        fs::create_dir(results.folder().join("cells")).unwrap();
        results.clear().unwrap();
        assert_eq!(results.exit(), None);
        assert_eq!(fs::read_dir(results.folder()).unwrap().count(), 0);
    }

    #[test]
    fn the_summary_is_without_progress() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::open(folder.path(), "b").unwrap();
        fs::write(results.folder().join("summary.txt"), "prime-cts: progress 1 2\n2 cells\n").unwrap();
        assert_eq!(results.summary(), "2 cells\n");
    }

    #[test]
    fn what_the_program_said_is_between_the_boards_own_words() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::open(folder.path(), "b").unwrap();
        let console = "board: up\r\nboard: run\r\nprime-cts: progress 1 2\r\nprime-cts: no\r\n\tcell\r\nboard: done 2\r\n[ 9] off\r\n";
        fs::write(results.console(), console).unwrap();
        assert_eq!(results.said(), "prime-cts: no\n cell\n");
    }
}
