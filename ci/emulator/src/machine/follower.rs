//! What a running board has said so far, and what that makes of its end.

use std::time::{Duration, Instant};

use crate::error::{Error, Result, tail};
use crate::machine::console::{Console, Event};
use crate::machine::qemu::End;
use crate::report::Report;
use crate::results::folder::{Results, SentResults};
use crate::results::room::Kept;

/// A kernel that has not started init by then never will: under emulation it takes seconds.
const BOOT: Duration = Duration::from_secs(120);
/// A machine whose program has ended switches itself off at once.
const POWER_OFF: Duration = Duration::from_secs(15);

/// A program that gives signs of life every 5 s (`harness/cli/src/heartbeat.rs`), and then none for so long, is on a machine
/// that hangs. Its watchdog, if it has one, bites before.
const SILENCE: Duration = Duration::from_secs(30);

/// The exit codes of a shell whose program is not there, or is not for this machine.
const NOT_STARTED: [u8; 2] = [126, 127];

/// A shell's exit code for a program that was killed is this and the signal.
const KILLED: u8 = 128;

/// Follows a board's console: what it has said so far.
#[derive(Debug)]
pub struct ConsoleFollower<'a> {
    report: &'a Report,
    results: &'a Results,
    console: Console,
    archive: SentResults,
    start: Instant,
    end: Instant,
    up: bool,
    /// When `prime-cts` was started.
    pub run: Option<Instant>,
    done: Option<Instant>,
    panic: Option<String>,
    progress: Option<(u64, u64)>,
    /// When it gave the last sign of life.
    alive: Option<Instant>,
    /// True if it has asked for a restart.
    restart: bool,
    kept: Option<Kept>,
    /// How many cells it has finished that its journal does not have.
    lost: Option<u64>,
}

impl<'a> ConsoleFollower<'a> {
    /// Nothing yet of a board that starts now and is given up at `end`.
    pub fn new(report: &'a Report, results: &'a Results, start: Instant, end: Instant) -> Self {
        let (console, archive) = (Console::default(), SentResults::default());
        Self {
            report,
            results,
            console,
            archive,
            start,
            end,
            up: false,
            run: None,
            done: None,
            panic: None,
            progress: None,
            alive: None,
            restart: false,
            kept: None,
            lost: None,
        }
    }

    /// The same, held against the journal that the board's run writes: its progress is in cells.
    pub fn with_journal(self) -> Self {
        Self { kept: Some(Kept::of(self.results)), ..self }
    }

    /// When it is to be given up, if nothing more is heard.
    pub fn deadline(&self) -> Instant {
        match self.done {
            Some(done) => done + POWER_OFF,
            None if self.up => self.alive.map_or(self.end, |alive| self.end.min(alive + SILENCE)),
            None => self.end.min(self.start + BOOT),
        }
    }

    /// Takes what the console wrote.
    pub fn hear(&mut self, bytes: &[u8]) -> Option<Instant> {
        for event in self.console.feed(bytes) {
            match event {
                Event::Up => self.up = true,
                Event::Run => {
                    self.up = true;
                    self.run = Some(Instant::now());
                    self.report.step("running prime-cts");
                }
                // What it wrote before, QEMU may still have: killed at once it would lose it.
                Event::Restart => {
                    self.restart = true;
                    if self.results.head().is_none_or(|head| head.wants_restart) {
                        return None;
                    }
                    self.done.get_or_insert_with(Instant::now);
                }
                Event::Alive => {
                    self.alive = Some(Instant::now());
                    let finished = self.progress.map_or(0, |(at, _)| at);
                    self.lost = self.kept.as_mut().and_then(|kept| kept.lost(finished));
                    if self.lost.is_some() {
                        return None;
                    }
                }
                Event::Warning(what) => self.report.warning(&what),
                Event::Progress(at, of) => {
                    self.progress = Some((at, of));
                    self.alive = self.alive.map(|_| Instant::now());
                    self.report.progress(at, of);
                }
                Event::ArchiveBegin(digest) => self.archive.begin(digest),
                Event::ArchiveLine(line) => self.archive.line(&line),
                Event::ArchiveEnd => self.archive.end(),
                Event::Done(_) => self.done = Some(Instant::now()),
                // QEMU ends by itself after it, once the kernel has said its last words.
                Event::Panic(why) => {
                    self.panic.get_or_insert(why);
                    self.done.get_or_insert_with(Instant::now);
                }
            }
        }
        Some(self.deadline())
    }

    /// Returns whether the kernel gave up.
    pub fn panicked(&self) -> bool {
        self.panic.is_some()
    }

    /// Returns whether the machine hangs: its program gave signs of life, and gives none any more.
    pub fn is_silent(&self) -> bool {
        self.done.is_none() && self.alive.is_some_and(|alive| alive.elapsed() >= SILENCE)
    }

    /// Returns whether a signal ended the program itself, none of its cells: what it ran on is as good as down.
    fn lost_program(&self) -> bool {
        self.panic.is_none() && self.results.exit().is_some_and(|code| code > KILLED)
    }

    /// The program's exit code, or why there is none. `words` are QEMU's own.
    ///
    /// # Errors
    /// When the board came to another end than the program's.
    pub fn verdict(&mut self, end: End, words: &str, timeout: Duration) -> Result<u8> {
        if end == End::Interrupted {
            return Err(Error::Interrupted { results: self.results.folder().to_owned() });
        }
        if end == End::Off && self.results.exit().is_some() {
            let finished = self.progress.map_or(0, |(at, _)| at);
            self.lost = self.kept.as_mut().and_then(|kept| kept.lacks(finished));
        }
        if let Some(lost) = self.lost {
            let journal = self.results.folder().join("run.jsonl");
            let what = format!("{lost} cells that the board has finished did not get into {}", journal.display());
            self.results.tear_journal()?;
            return Err(self.results.unwritten(what));
        }
        if self.archive.is_begun() {
            self.results.unpack(&self.archive)?;
        }
        let exit = self.results.exit();
        if self.restart {
            return Ok(event::exit::Exit::RestartWanted as u8);
        }
        if let (Some(code), None) = (exit, &self.panic)
            && !NOT_STARTED.contains(&code)
            && code <= KILLED
        {
            return Ok(code);
        }
        let at = self.progress.map_or(String::new(), |(at, of)| format!(" after cell {at} of {of}"));
        let what = match &self.panic {
            Some(why) => format!("died{at}: {why}"),
            None if self.lost_program() => {
                let signal = exit.unwrap_or_default() - KILLED;
                format!("lost prime-cts{at}: signal {signal} ended it, as memory that was overwritten does")
            }
            None if exit.is_some() => "could not start prime-cts".to_owned(),
            None if end == End::Late && self.is_silent() => {
                format!("hangs{at}: nothing was heard of it for {} s", SILENCE.as_secs())
            }
            None if end == End::Late && self.up => {
                format!("was not done within the {} s of --timeout{at}", timeout.as_secs())
            }
            None if end == End::Late => {
                format!("did not start init within {} s", timeout.min(BOOT).as_secs())
            }
            None if self.up => format!("was switched off before prime-cts had ended{at}"),
            None => "was switched off before its kernel had started init".to_owned(),
        };
        let tail = [tail(words, 20), self.console.tail()].concat();
        Err(Error::Died { what, tail, console: self.results.console() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(said: &str, exit: Option<&str>, end: End) -> Result<u8> {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::open(folder.path(), "b").unwrap();
        if let Some(exit) = exit {
            std::fs::write(results.folder().join("exit"), exit).unwrap();
        }
        let report = Report::new();
        let timeout = Duration::from_secs(60);
        let mut heard = ConsoleFollower::new(&report, &results, Instant::now(), Instant::now() + timeout);
        heard.hear(said.as_bytes());
        heard.verdict(end, "", timeout)
    }

    fn why(said: &str, exit: Option<&str>, how: End) -> String {
        end(said, exit, how).unwrap_err().to_string()
    }

    #[test]
    fn the_programs_exit_code_is_ours() {
        assert_eq!(end("board: up\nboard: run\nboard: done 3\n", Some("3\n"), End::Off).unwrap(), 3);
    }

    #[test]
    fn a_program_that_asks_for_a_restart_is_not_waited_for() {
        let said = "board: up\nboard: run\nprime-cts: progress restart\n";
        assert_eq!(end(said, None, End::Enough).unwrap(), 6);
    }

    #[test]
    fn a_panic_outweighs_an_exit_code() {
        let said = "board: up\nprime-cts: progress 4 9\nKernel panic - not syncing: Oops\n";
        let why = why(said, Some("0"), End::Off);
        assert!(why.contains("died after cell 4 of 9: Kernel panic - not syncing: Oops"), "{why}");
    }

    #[test]
    fn each_way_to_die_has_its_own_words() {
        assert!(why("booting\n", None, End::Off).contains("before its kernel had started init"));
        assert!(why("booting\n", None, End::Late).contains("did not start init within 60 s"));
        assert!(why("board: up\n", None, End::Late).contains("was not done within the 60 s"));
        assert!(why("board: up\n", None, End::Off).contains("before prime-cts had ended"));
        assert!(why("board: up\nno such file\n", Some("127"), End::Off).contains("could not start prime-cts"));
        assert!(why("board: up\nboard: done 139\n", Some("139"), End::Off).contains("lost prime-cts: signal 11"));
        assert!(matches!(end("board: up\n", None, End::Interrupted), Err(Error::Interrupted { .. })));
    }

    #[test]
    fn a_board_that_has_given_signs_of_life_is_given_up_soon_after_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::open(folder.path(), "b").unwrap();
        let (report, start) = (Report::new(), Instant::now());
        let mut heard = ConsoleFollower::new(&report, &results, start, start + Duration::from_secs(600));
        heard.hear(b"board: up\nboard: run\nprime-cts: progress 1 2\n");
        assert_eq!(heard.deadline(), start + Duration::from_secs(600), "this program gives none");
        let soon = heard.hear(b"prime-cts: progress alive\n").unwrap();
        assert!(soon <= Instant::now() + SILENCE && !heard.is_silent());
        heard.alive = Instant::now().checked_sub(SILENCE);
        assert!(heard.is_silent());
        let why = heard.verdict(End::Late, "", Duration::from_secs(600)).unwrap_err().to_string();
        assert!(why.contains("hangs after cell 1 of 2: nothing was heard of it for 30 s"), "{why}");
    }

    #[test]
    fn the_deadline_is_the_boots_until_the_board_is_up() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::open(folder.path(), "b").unwrap();
        let (report, start, timeout) = (Report::new(), Instant::now(), Duration::from_secs(600));
        let mut heard = ConsoleFollower::new(&report, &results, start, start + timeout);
        assert_eq!(heard.deadline(), start + BOOT);
        assert_eq!(heard.hear(b"Booting from ROM...board: up\n"), Some(start + BOOT));
        assert_eq!(heard.hear(b"board: run\n"), Some(start + timeout));
        assert!(heard.hear(b"board: done 0\n").unwrap() <= Instant::now() + POWER_OFF);
    }
}
