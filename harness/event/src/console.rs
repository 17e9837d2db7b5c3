//! A journal on a console, for boards without a disk that outlives them: each event is a line with a checksum, among
//! whatever the kernel and others write there.

use std::collections::BTreeMap;
use std::io::Write;

use kernel_log::Splat;
use spec::case::Case;
use spec::verdict::{Outcome, Verdict};

use crate::blame::Drivers;
use crate::crash::{crash, words_of_cell};
use crate::finding::Oracle;
use crate::stream::{CellEnd, End, Event, Missing};

mod broken;
#[cfg(test)]
mod cut_off;
mod short;

/// The beginning of a line. The CRC-32 of the rest, as 8 hexadecimal digits, and the event as JSON follow.
const MARK: &str = "#prime-cts ";

/// Events on their lines. What the catalogue knows of a cell is left out, and so is the middle of long reports of the kernel:
/// a serial line takes 11 bytes a millisecond.
pub fn lines(event: &Event) -> String {
    let short = short::of(event);
    let json = serde_json::to_string(&short).expect("events are plain data");
    format!("{MARK}{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
}

/// Writes events, each with one `write(2)` and on a line of its own.
///
/// # Errors
/// Those of the console.
pub fn write(out: &mut impl Write, events: &[Event]) -> std::io::Result<()> {
    events.iter().try_for_each(|event| out.write_all(format!("\n{}", lines(event)).as_bytes()))
}

/// The run that a console's log records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConsoleRun {
    /// The events, with one for each thing that must have been there and is not.
    pub events: Vec<Event>,
    /// Lines that begin as one of ours and are damaged.
    pub damaged: usize,
}

/// Reads a console's log. Of several runs in it the last one counts, with what it says of itself after restarts.
pub fn read(log: &[u8], cases: &[Case]) -> ConsoleRun {
    let mut reader = Reader {
        cases: cases.iter().map(|case| (case.id(), case)).collect(),
        told: ConsoleRun::default(),
        open: None,
        torn: false,
        begun: None,
        restarted: false,
        words: String::new(),
        last: None,
    };
    let text = String::from_utf8_lossy(log);
    let mut lines: &[&str] = &text.lines().collect::<Vec<_>>();
    while let Some((line, behind)) = lines.split_first() {
        lines = behind;
        match (line.split_once(MARK), marked(line)) {
            (_, Some(event)) => reader.take(event),
            (None, _) if !may_be_ours(line) => reader.words.extend([*line, "\n"]),
            (ours, _) => match broken::mended(line, behind, &marked) {
                Some((event, taken)) => {
                    lines = &behind[taken..];
                    reader.take(event);
                }
                None if ours.is_some() => reader.damaged(),
                None => reader.words.extend([*line, "\n"]),
            },
        }
    }
    reader.went_down();
    let mut told = reader.told;
    told.events.extend(uncounted(&told.events));
    told
}

struct Reader<'a> {
    cases: BTreeMap<String, &'a Case>,
    told: ConsoleRun,
    /// The cell that is running.
    open: Option<String>,
    /// True if a damaged line follows the start of that cell: only its end can be there.
    torn: bool,
    /// The place of a `run` event that either begins another run or resumes the one before.
    begun: Option<usize>,
    /// True if the run was resumed after a restart, with a journal of its own.
    restarted: bool,
    /// The output of others since the last cell began.
    words: String,
    /// The kernel's reports in the cell in which the machine went down.
    last: Option<Splat>,
}

impl Reader<'_> {
    fn damaged(&mut self) {
        self.told.damaged += 1;
        self.torn = self.open.is_some();
    }

    /// The machine went down here. A cell whose end it did not come to tell whole had ended: it has no part in that, and is
    /// as if it had not been begun.
    fn went_down(&mut self) {
        if let Some(ended) = self.open.take_if(|_| std::mem::take(&mut self.torn)) {
            self.told.events.retain(|event| !matches!(event, Event::CellStart(start) if start.id == ended));
        }
    }

    fn take(&mut self, mut event: Event) {
        if !matches!(event, Event::Run(_) | Event::Endpoint(_) | Event::Resumed(_)) {
            self.torn = false;
        }
        match &mut event {
            Event::Run(_) => self.begun = Some(self.told.events.len()),
            // Not on a console: there one cell runs at a time.
            Event::Endpoint(_) | Event::Again(_) => {}
            Event::Resumed(_) => {
                self.went_down();
                if let Some(begun) = self.begun.take().filter(|begun| *begun > 0) {
                    self.told.events.truncate(begun);
                    self.restarted = true;
                }
                // What the next boot says is not what the machine ended with.
                let words = std::mem::take(&mut self.words);
                self.last = words_of_cell(words.split("Linux version ").next().unwrap_or_default());
            }
            Event::CellStart(_)
            | Event::Cell(_)
            | Event::Trouble(_)
            | Event::Missing(_)
            | Event::Cause(_)
            | Event::End(_) => self.forget_the_run_before(),
        }
        match &mut event {
            Event::CellStart(start) => {
                let before = self.open.replace(start.id.clone());
                // After a restart the cell that was open is begun again or told of as crashed.
                self.told.events.extend(before.filter(|before| *before != start.id).map(lost));
                self.words.clear();
            }
            Event::Cell(cell) => {
                if let Some(case) = self.cases.get(&cell.case) {
                    (cell.rule, cell.reference) = (case.rule.clone(), case.reference.clone());
                }
                if cell.findings.iter().any(|found| found.oracle == Oracle::Machine && found.lines.is_empty()) {
                    self.tell_the_end(cell);
                }
                self.told.events.extend(self.open.take().filter(|open| *open != cell.id).map(lost));
            }
            Event::End(end) => {
                self.told.events.extend(self.open.take().map(lost));
                if self.restarted {
                    let cells = self.told.events.iter();
                    let cells = cells.filter_map(|event| if let Event::Cell(cell) = event { Some(cell) } else { None });
                    let missing = self.told.events.iter().filter(|event| matches!(event, Event::Missing(_))).count();
                    *end = End { taint: end.taint, ..End::of(cells, missing) };
                }
            }
            _ => {}
        }
        self.told.events.push(event);
    }

    fn forget_the_run_before(&mut self) {
        if let Some(begun) = self.begun.take().filter(|begun| *begun > 0) {
            self.told.events.drain(..begun);
            (self.open, self.restarted) = (None, false);
        }
    }

    /// The board has rebooted and does not know what it said before; this log does.
    fn tell_the_end(&self, cell: &mut CellEnd) {
        let driver = |key: &Option<String>| {
            self.told.events.iter().find_map(|event| match event {
                Event::Endpoint(found) if Some(&found.key) == key.as_ref() => Some(found.party()),
                _ => None,
            })
        };
        let importers = [&cell.importer, &cell.second_importer].into_iter().filter_map(driver).collect();
        let drivers = Drivers::of(driver(&cell.exporter), importers);
        let told =
            cell.findings.iter_mut().filter(|found| found.oracle == Oracle::Machine && found.verdict == Verdict::Crash);
        told.for_each(|found| *found = crash(self.last.as_ref(), &drivers));
    }
}

fn lost(id: String) -> Event {
    Event::Missing(Missing { what: "cell".into(), name: id, outcome: Outcome::Missing })
}

/// Returns whether what a line has before the kernel's own words may be the beginning of one of ours.
fn may_be_ours(line: &str) -> bool {
    line.split_once('[').is_some_and(|(before, _)| (1..MARK.len()).any(|length| before.ends_with(&MARK[..length])))
}

/// The event on one of our lines.
fn marked(line: &str) -> Option<Event> {
    event(line.split_once(MARK)?.1)
}

fn event(line: &str) -> Option<Event> {
    let (sum, json) = line.trim_end_matches('\r').split_once(' ')?;
    let whole = u32::from_str_radix(sum, 16) == Ok(crc32fast::hash(json.as_bytes()));
    whole.then(|| serde_json::from_str(json).ok()).flatten()
}

/// Returns cells of which no line is left, if the run came to its end.
fn uncounted(events: &[Event]) -> Option<Event> {
    let planned = events.iter().find_map(|event| if let Event::Run(run) = event { Some(run.cells) } else { None })?;
    events.iter().find(|event| matches!(event, Event::End(_)))?;
    let cell = |event: &&Event| match event {
        Event::Cell(_) => true,
        Event::Missing(missing) => missing.what == "cell",
        _ => false,
    };
    let told = events.iter().filter(cell).count();
    let name = format!("of {} lost lines", planned.checked_sub(told).filter(|&left| left > 0)?);
    Some(Event::Missing(Missing { what: "cells".into(), name, outcome: Outcome::Missing }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exit::Exit;
    use crate::journal::Recorded;
    use crate::sample;

    fn cases() -> Vec<Case> {
        catalogue::embedded()
    }

    /// A run as it is on a console, a kernel writing between.
    fn log() -> String {
        let noise = |number: usize| format!("[    {number}.000000] random: crng init done\r\n");
        let events = sample::events();
        events.iter().enumerate().map(|(number, event)| noise(number) + "\n" + &lines(event)).collect()
    }

    fn recorded(log: &str) -> (Recorded, usize) {
        let told = read(log.as_bytes(), &cases());
        (Recorded::of(told.events).unwrap(), told.damaged)
    }

    #[test]
    fn a_run_is_rebuilt_from_the_console() {
        let (rebuilt, damaged) = recorded(&log());
        let journal = sample::recorded();
        assert_eq!(damaged, 0);
        let told = |recorded: &Recorded| -> Vec<_> {
            recorded
                .cells
                .iter()
                .map(|cell| (cell.id.clone(), cell.verdict, cell.outcome, cell.findings.clone()))
                .collect()
        };
        assert_eq!((told(&rebuilt), &rebuilt.open, &rebuilt.end), (told(&journal), &journal.open, &journal.end));
        assert_eq!(rebuilt.endpoints, journal.endpoints);
        let whole = rebuilt.cells.iter().find(|cell| cell.case == "mapping.whole").unwrap();
        assert!(!whole.rule.is_empty() && !whole.reference.is_empty(), "the catalogue knows the rule");
    }

    #[test]
    fn a_line_that_the_kernel_wrote_into_is_missed() {
        let log = log();
        let at = log.find("\"event\":\"cell\"").unwrap();
        let spoilt = format!("{}[    7.1] oops{}", &log[..at + 9], &log[at + 9..]);
        let (rebuilt, damaged) = recorded(&spoilt);
        assert_eq!(damaged, 1);
        assert!(rebuilt.missing.iter().any(|missing| missing.what.starts_with("cell")), "{:?}", rebuilt.missing);
        assert_eq!(Exit::of(&rebuilt), Exit::Regression);
    }

    #[test]
    fn a_line_that_goes_on_behind_the_kernel_s_is_whole() {
        let (whole, log) = (read(log().as_bytes(), &cases()), log());
        let lines: Vec<&str> = log.split_inclusive('\n').collect();
        for (number, at) in lines.iter().enumerate().filter(|(_, line)| line.contains(MARK)).zip(1..) {
            let (number, line) = number;
            let (head, tail) = line.split_at(at * 7 % line.len().saturating_sub(1) + 1);
            let broken = format!("{head}[    7.123456] noise\r\n{tail}");
            let log = [&lines[..number], &[&broken], &lines[number + 1..]].concat().concat();
            let told = read(log.as_bytes(), &cases());
            assert_eq!((told.damaged, &told.events), (0, &whole.events), "{broken}");
        }
    }

    #[test]
    fn a_console_that_ends_in_a_cell_names_it() {
        let log = log();
        let start = lines(&Event::CellStart(crate::CellStart { id: "leaks.export.drm-a".into() }));
        let cut = log[..log.find("\"event\":\"end\"").unwrap()].rsplit_once('\n').unwrap().0.to_owned();
        let (rebuilt, _) = recorded(&format!("{cut}\n{start}Kernel panic - not syncing: sysrq"));
        assert_eq!(rebuilt.open, ["leaks.export.drm-a"]);
        assert_eq!(Exit::of(&rebuilt), Exit::Incomplete);
    }

    proptest! {
        #[test]
        fn no_finished_result_is_taken_for_another(at in 0usize..4000, byte in 0u8..128) {
            let mut bytes = log().into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            let told = read(&bytes, &[]);
            let journal = sample::recorded();
            for event in &told.events {
                if let Event::Cell(cell) = event {
                    let real = journal.cells.iter().find(|real| real.id == cell.id);
                    prop_assert!(real.is_some_and(|real| real.verdict == cell.verdict && real.ms == cell.ms));
                }
            }
        }
    }
}
