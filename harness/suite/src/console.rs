//! A journal on a console, for boards without a disk that outlives them: each event is a line with a checksum, among
//! whatever the kernel and others write there.

use std::collections::BTreeMap;
use std::io::Write;

use document::case::Case;
use document::verdict::Outcome;

use crate::event::{Event, Missing};

/// What a line begins with. Then come the CRC-32 of the rest, as 8 hexadecimal digits, and the event as JSON.
const MARK: &str = "#prime-cts ";

/// Events on their lines. What the catalogue knows of a cell is left out: a serial line takes 11 bytes a millisecond.
pub fn lines(event: &Event) -> String {
    let short = match event {
        Event::Cell(cell) => {
            let mut cell = cell.clone();
            cell.rule.clear();
            cell.reference.clear();
            &Event::Cell(cell)
        }
        other => other,
    };
    let json = serde_json::to_string(short).expect("events are plain data");
    format!("{MARK}{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
}

/// Writes events, each with one `write(2)` and on a line of its own.
///
/// # Errors
/// Those of the console.
pub fn write(out: &mut impl Write, events: &[Event]) -> std::io::Result<()> {
    events.iter().try_for_each(|event| out.write_all(format!("\n{}", lines(event)).as_bytes()))
}

/// What a console's log tells of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// The events, with one for each thing that must have been there and is not.
    pub events: Vec<Event>,
    /// Lines that begin as one of ours and are damaged.
    pub damaged: usize,
}

/// Reads a console's log. Of several runs in it the last one counts, with what it says of itself after restarts.
pub fn read(log: &[u8], cases: &[Case]) -> Told {
    let mut told = Told::default();
    let by_id: BTreeMap<String, &Case> = cases.iter().map(|case| (case.id(), case)).collect();
    let mut open: Option<String> = None;
    let lost = |id: String| Event::Missing(Missing { what: "cell".into(), name: id, outcome: Outcome::Missing });
    for line in String::from_utf8_lossy(log).lines() {
        let Some((_, line)) = line.split_once(MARK) else { continue };
        let Some(mut event) = event(line) else {
            told.damaged += 1;
            continue;
        };
        match &mut event {
            Event::Run(_) => {
                told.events.clear();
                open = None;
            }
            Event::CellStart(start) => {
                let before = open.replace(start.id.clone());
                // After a restart the cell that was open is begun again or told of as crashed.
                told.events.extend(before.filter(|before| *before != start.id).map(lost));
            }
            Event::Cell(cell) => {
                if let Some(case) = by_id.get(&cell.case) {
                    (cell.rule, cell.reference) = (case.rule.clone(), case.reference.clone());
                }
                told.events.extend(open.take().filter(|open| *open != cell.id).map(lost));
            }
            Event::End(_) => told.events.extend(open.take().map(lost)),
            _ => {}
        }
        told.events.push(event);
    }
    told.events.extend(uncounted(&told.events));
    told
}

fn event(line: &str) -> Option<Event> {
    let (sum, json) = line.trim_end_matches('\r').split_once(' ')?;
    let whole = u32::from_str_radix(sum, 16) == Ok(crc32fast::hash(json.as_bytes()));
    whole.then(|| serde_json::from_str(json).ok()).flatten()
}

/// Cells of which no line is left, where the run came to its end.
fn uncounted(events: &[Event]) -> Option<Event> {
    let planned = events.iter().find_map(|event| if let Event::Run(run) = event { Some(run.cells) } else { None })?;
    events.iter().find(|event| matches!(event, Event::End(_)))?;
    let cell = |event: &&Event| match event {
        Event::Cell(_) => true,
        Event::Missing(missing) => missing.what == "cell",
        _ => false,
    };
    let told = events.iter().filter(cell).count();
    let name = format!("that {} lines told of", planned.checked_sub(told).filter(|&left| left > 0)?);
    Some(Event::Missing(Missing { what: "cells".into(), name, outcome: Outcome::Missing }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exit::Exit;
    use crate::journal::Recorded;
    use crate::report::{self, sample};

    fn cases() -> Vec<Case> {
        crate::catalogue::embedded().unwrap()
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
        assert_eq!((told(&rebuilt), rebuilt.open, rebuilt.end), (told(&journal), journal.open, journal.end));
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
        assert_eq!(report::exit(&rebuilt), Exit::Regression);
    }

    #[test]
    fn a_console_that_ends_in_a_cell_names_it() {
        let log = log();
        let start = lines(&Event::CellStart(crate::event::CellStart { id: "leaks.export.drm-a".into() }));
        let cut = log[..log.find("\"event\":\"end\"").unwrap()].rsplit_once('\n').unwrap().0.to_owned();
        let (rebuilt, _) = recorded(&format!("{cut}\n{start}Kernel panic - not syncing: sysrq"));
        assert_eq!(rebuilt.open.as_deref(), Some("leaks.export.drm-a"));
        assert_eq!(report::exit(&rebuilt), Exit::Incomplete);
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
