//! What a board's console says, line by line.

use std::collections::VecDeque;

/// Something that happened on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The kernel has started our init.
    Up,
    /// The modules are loaded and `prime-cts` starts.
    Run,
    /// Something is wrong that does not stop the run.
    Warning(String),
    /// The number of cells that are done, and of all.
    Progress(u64, u64),
    /// The program lives.
    Alive,
    /// The program has asked for a restart and written what it has; it may hang at its end on a machine that is damaged.
    Restart,
    /// The results follow as text, with this digest.
    ArchiveBegin(String),
    /// A line of them.
    ArchiveLine(String),
    /// They are complete.
    ArchiveEnd,
    /// The program has ended with this code, and the results are on the host.
    Done(i32),
    /// The kernel has given up.
    Panic(String),
}

/// Cuts a console into lines and understands them.
#[derive(Debug, Default)]
pub struct Console {
    partial: Vec<u8>,
    last: VecDeque<String>,
    in_archive: bool,
}

/// The number of lines that are quoted when a board dies.
const QUOTED: usize = 20;

impl Console {
    /// Takes what the console wrote and gives what it means.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.partial.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.partial.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            events.extend(self.line(&plain(&line)));
        }
        events
    }

    /// The last lines, indented, with the unfinished one.
    pub fn tail(&self) -> String {
        let lines = self.last.iter().cloned().chain([plain(&self.partial)]);
        crate::error::tail(&lines.collect::<Vec<_>>().join("\n"), QUOTED)
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if self.in_archive && !line.starts_with("board: ") && panic(line).is_none() {
            return Some(Event::ArchiveLine(line.to_owned()));
        }
        // Hundreds of lines of progress would hide what came before the end.
        if !line.trim().is_empty() && !line.starts_with(PROGRESS) {
            self.last.push_back(line.to_owned());
            if self.last.len() > QUOTED {
                self.last.pop_front();
            }
        }
        let event = understand(line);
        match event {
            Some(Event::ArchiveBegin(_)) => self.in_archive = true,
            Some(Event::ArchiveEnd) => self.in_archive = false,
            _ => {}
        }
        event
    }
}

/// The prefix of a progress line of `prime-cts`.
pub const PROGRESS: &str = "prime-cts: progress ";
const PANIC: &str = "Kernel panic - not syncing";

fn understand(line: &str) -> Option<Event> {
    if let Some(why) = panic(line) {
        return Some(Event::Panic(why.to_owned()));
    }
    if let Some(rest) = line.strip_prefix(PROGRESS) {
        match rest.trim() {
            "alive" => return Some(Event::Alive),
            "restart" => return Some(Event::Restart),
            _ => {}
        }
        let (at, of) = rest.split_once(' ')?;
        return Some(Event::Progress(at.trim().parse().ok()?, of.trim().parse().ok()?));
    }
    let (word, rest) = line.strip_prefix("board: ").map(|rest| rest.split_once(' ').unwrap_or((rest, "")))?;
    match word {
        "up" => Some(Event::Up),
        "run" => Some(Event::Run),
        "warning" => Some(Event::Warning(rest.to_owned())),
        "done" => Some(Event::Done(rest.parse().ok()?)),
        "archive" if rest == "end" => Some(Event::ArchiveEnd),
        "archive" => Some(Event::ArchiveBegin(rest.strip_prefix("begin ")?.to_owned())),
        _ => None,
    }
}

/// Returns the kernel's last words when it gives up, after its time stamp or after what a program had begun to write. A report
/// that quotes it, indented, is none.
fn panic(line: &str) -> Option<&str> {
    let at = line.find(PANIC)?;
    let before = &line[..at];
    (before.is_empty() || before.contains(']') || before.starts_with("---[")).then(|| line[at..].trim())
}

/// A line without what only a terminal understands: the firmware clears the screen and moves about.
pub fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut plain = String::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' if rest.next_if_eq(&'[').is_some() => {
                // The sequence ends with its first letter.
                rest.by_ref().find(|character| ('@'..='~').contains(character));
            }
            '\u{1b}' => drop(rest.next()),
            '\t' => plain.push(' '),
            character if character.is_control() => {}
            character => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Vec<Event> {
        Console::default().feed(text.as_bytes())
    }

    #[test]
    fn a_run_is_followed_from_start_to_end() {
        let text = "\u{1b}c\u{1b}[?7l\u{1b}[2Jboard: up\r\nboard: warning no such module\r\nboard: run\r\n\
            prime-cts: progress 3 10\r\nsome words\r\nboard: done 1\r\n";
        let expected =
            [Event::Up, Event::Warning("no such module".into()), Event::Run, Event::Progress(3, 10), Event::Done(1)];
        assert_eq!(events(text), expected);
    }

    #[test]
    fn a_sign_of_life_is_no_progress() {
        let said = "prime-cts: progress alive\nprime-cts: progress restart\n";
        assert_eq!(events(said), [Event::Alive, Event::Restart]);
    }

    #[test]
    fn lines_may_come_in_pieces() {
        let mut console = Console::default();
        assert_eq!(console.feed(b"boar"), []);
        assert_eq!(console.feed(b"d: up"), []);
        assert_eq!(console.feed(b"\r\nboard: do"), [Event::Up]);
        assert_eq!(console.feed(b"ne 0\n"), [Event::Done(0)]);
    }

    #[test]
    fn a_panic_is_seen_wherever_it_stands() {
        let text = "[    2.1] ---[ end Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\n";
        assert!(matches!(&events(text)[..], [Event::Panic(why)] if why.contains("kill init")));
        assert!(matches!(&events("prime-cts: prog[    2.1] Kernel panic - not syncing: x\n")[..], [Event::Panic(_)]));
        assert!(matches!(&events("Kernel panic - not syncing: x\n")[..], [Event::Panic(_)]));
        assert_eq!(events("    Kernel panic - not syncing: quoted by a report\n"), []);
        let within = "board: archive begin ff\nAAAA\n[ 1] Kernel panic - not syncing: x\n";
        assert!(matches!(events(within).last(), Some(Event::Panic(_))));
    }

    #[test]
    fn torn_lines_mean_nothing() {
        assert_eq!(
            events("prime-cts: progress 3\nprime-cts: progress x 10\nboard: done\nboard: done x\nsay board: up\n"),
            []
        );
    }

    #[test]
    fn an_archive_is_kept_out_of_the_quoted_lines() {
        let mut console = Console::default();
        let all = console.feed(b"before\nboard: archive begin ff\nAAAA\nboard: archive end\nafter\n");
        assert_eq!(all, [Event::ArchiveBegin("ff".into()), Event::ArchiveLine("AAAA".into()), Event::ArchiveEnd]);
        assert!(!console.tail().contains("AAAA") && console.tail().contains("after"));
    }

    #[test]
    fn progress_does_not_hide_what_was_said() {
        let mut console = Console::default();
        console.feed(b"some words\n");
        (0..50).for_each(|number| drop(console.feed(format!("prime-cts: progress {number} 50\n").as_bytes())));
        assert_eq!(console.tail(), "    | some words\n");
    }

    #[test]
    fn the_last_twenty_lines_are_quoted() {
        let mut console = Console::default();
        (0..50).for_each(|number| drop(console.feed(format!("line {number}\n").as_bytes())));
        console.feed(b"unfinished");
        let tail = console.tail();
        assert_eq!(tail.lines().count(), 20);
        assert!(tail.contains("line 49") && tail.contains("unfinished") && !tail.contains("line 30\n"), "{tail}");
    }
}
