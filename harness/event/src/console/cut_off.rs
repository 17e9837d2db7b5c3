//! Logs that end in the middle of a line: the machine went down when a cell had ended and the next one had not begun.

use super::{ConsoleRun, MARK, lines, read};
use crate::exit::Exit;
use crate::journal::Recorded;
use crate::sample;
use crate::stream::{CellEnd, CellStart, Event, Resumed};

fn told(log: &str) -> (ConsoleRun, Recorded) {
    let told = read(log.as_bytes(), &[]);
    (told.clone(), Recorded::of(told.events).unwrap())
}

/// How often a cell was begun.
fn begun(told: &ConsoleRun, id: &str) -> usize {
    told.events.iter().filter(|event| matches!(event, Event::CellStart(start) if start.id == id)).count()
}

/// What was said before a cell ended, the line that says so, and which cell it is.
fn ends() -> impl Iterator<Item = (String, String, CellEnd)> {
    let events = sample::events();
    let before = move |number: usize| events[..number].iter().map(lines).collect::<String>();
    sample::events().into_iter().enumerate().filter_map(move |(number, event)| {
        let Event::Cell(cell) = &event else { return None };
        Some((before(number), lines(&event), cell.clone()))
    })
}

#[test]
fn a_cell_whose_end_is_cut_off_had_ended_and_is_not_the_guilty_one() {
    assert!(ends().count() > 2);
    for (before, line, cell) in ends() {
        let so_far = told(&before).1;
        assert_eq!(so_far.open, [&*cell.id], "until something is said of its end it may be");
        for cut in MARK.len()..line.trim_end().len() {
            let log = before.clone() + &line[..cut];
            let (read, rebuilt) = told(&log);
            assert_eq!((&rebuilt.open, begun(&read, &cell.id)), (&vec![], 0), "{log}");
            assert_eq!((Exit::of(&rebuilt), rebuilt.cells.len()), (Exit::Incomplete, so_far.cells.len()));
        }
    }
}

#[test]
fn it_is_run_again_behind_the_restart() {
    for (before, line, cell) in ends() {
        let resumed = Event::Resumed(Resumed { open: None, suspects: vec![], oracles: vec![], taint: Some(0) });
        let again =
            [resumed, Event::CellStart(CellStart { id: cell.id.clone() })].iter().map(lines).collect::<String>();
        for cut in MARK.len()..line.trim_end().len() {
            let log = format!("{before}{}[    0.000000] Linux version 6.12\r\n{again}{line}", &line[..cut]);
            let (read, rebuilt) = told(&log);
            assert_eq!((begun(&read, &cell.id), rebuilt.missing.len()), (1, 0), "{log}");
            assert_eq!(rebuilt.cells.last().map(|last| (&last.id, last.verdict)), Some((&cell.id, cell.verdict)));
        }
    }
}

#[test]
fn a_line_that_is_damaged_while_the_run_goes_on_is_missed_as_ever() {
    let (before, line, cell) = ends().next().unwrap();
    let next = lines(&Event::CellStart(CellStart { id: "pages.pin.drm-c".into() }));
    let (read, rebuilt) = told(&format!("{before}{}\n{next}", &line[..line.len() / 2]));
    assert_eq!((read.damaged, rebuilt.missing[0].name.as_str()), (1, cell.id.as_str()));
}
