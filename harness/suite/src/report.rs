//! Reports: pure functions of one journal or several.

pub mod coverage;
pub mod diff;
pub mod failure;
pub mod gathered;
pub mod grid;
pub mod html;
pub mod junit;
pub mod kcidb;
pub mod ktap;
pub mod lines;
pub mod load;
pub mod paint;
pub mod summary;
pub mod whose;
pub mod words;

use std::io;

use document::verdict::Outcome;

use crate::event::CellEnd;
use crate::exit::Exit;
use crate::journal::{Head, Recorded};
use gathered::Gathered;

/// A report that is written as the cells are read, so that they are not held in memory.
pub trait CellByCell: Sized {
    /// Writes the next cell.
    ///
    /// # Errors
    /// Of the writer.
    fn cell(&mut self, cell: &CellEnd) -> io::Result<()>;

    /// Writes what comes behind the last.
    ///
    /// # Errors
    /// Of the writer.
    fn end(self, head: &Head) -> io::Result<()>;

    /// Writes the cells of a run that is in memory, and the end.
    ///
    /// # Errors
    /// Of the writer.
    fn whole(mut self, recorded: &Recorded) -> io::Result<()> {
        recorded.cells.iter().try_for_each(|cell| self.cell(cell))?;
        self.end(recorded)
    }
}

/// What is written, as text.
fn in_memory(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("memory takes every byte");
    String::from_utf8(bytes).expect("reports are text")
}

/// How a run ends, from its journal alone.
pub fn exit(recorded: &Recorded) -> Exit {
    Gathered::of(recorded).exit(recorded)
}

/// Whether an outcome makes a run red.
pub fn unwanted(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Regression | Outcome::UnexpectedPass | Outcome::Missing)
}

#[cfg(test)]
pub(crate) mod sample {
    //! A journal with one of everything, for the tests of the reports.

    use document::verdict::{Outcome, Verdict};

    use crate::event::{Blame, CellEnd, CellStart, End, EndpointFound, Event, Finding, MapDmaBuf, Run};
    use crate::journal::Recorded;

    pub fn cell(id: &str, verdict: Verdict, outcome: Outcome) -> CellEnd {
        let mut parts = id.split('.').map(str::to_owned);
        let case = format!("{}.{}", parts.next().unwrap(), parts.next().unwrap());
        let findings = (verdict != Verdict::Pass).then(|| Finding {
            oracle: "content".into(),
            verdict,
            step: Some("6 check".into()),
            expected: "the pattern of seed 1 <from> byte 8192".into(),
            seen: "byte 8192: saw the bytes of offset 0".into(),
            blame: Blame::Exporter,
            lines: vec!["a line & more".into()],
        });
        CellEnd {
            id: id.into(),
            case,
            rule: "A mapping shows the buffer.".into(),
            reference: "drivers/dma-buf/dma-buf.c".into(),
            exporter: parts.next(),
            importer: parts.next(),
            second_importer: parts.next(),
            verdict,
            outcome,
            reason: (verdict == Verdict::Fail && outcome == Outcome::Expected).then(|| "known since 5.0".into()),
            ms: 12,
            findings: findings.into_iter().collect(),
            map_dma_buf: vec![MapDmaBuf {
                symbol: Some("drm_gem_map_dma_buf".into()),
                exp_name: "drm".into(),
                observed: true,
            }],
            device_access: vec![],
            damaged_by: None,
            figures: Default::default(),
        }
    }

    fn endpoint(key: &str) -> EndpointFound {
        EndpointFound {
            key: key.into(),
            kind: "drm".into(),
            driver: "d".into(),
            node: "/dev/x".into(),
            topology: String::new(),
            exports: true,
            imports: true,
            smallest: 1,
            blocked: None,
            map_dma_buf: None,
        }
    }

    pub fn events() -> Vec<Event> {
        let run = Run {
            version: 1,
            program: "0.1.0".into(),
            board: Some("b".into()),
            kernel: "6.12".into(),
            architecture: "x86_64".into(),
            cmdline: String::new(),
            taint: Some(0),
            oracles: vec![],
            cells: 5,
            plan_ms: 3,
            part: None,
        };
        let cells = [
            cell("mapping.whole.drm-a", Verdict::Pass, Outcome::Expected),
            cell("mapping.at-offset.drm-a", Verdict::Fail, Outcome::Expected),
            cell("leaks.import.drm-a.drm-b", Verdict::Refused, Outcome::Expected),
            cell("leaks.import.drm-b.drm-a", Verdict::Crash, Outcome::Regression),
            cell("pages.pin.drm-b", Verdict::NotObservable, Outcome::Expected),
        ];
        let mut events = vec![Event::Run(run), Event::Endpoint(endpoint("drm-a")), Event::Endpoint(endpoint("drm-b"))];
        for cell in cells {
            events.push(Event::CellStart(CellStart { id: cell.id.clone() }));
            events.push(Event::Cell(cell));
        }
        events.push(Event::End(End { cells_ms: 60, ..End::default() }));
        events
    }

    pub fn recorded() -> Recorded {
        Recorded::of(events()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use document::verdict::Verdict;

    #[test]
    fn each_exit_code_is_reached() {
        let mut recorded = sample::recorded();
        assert_eq!(exit(&recorded), Exit::Regression);
        recorded.cells.retain(|cell| cell.outcome != Outcome::Regression);
        assert_eq!(exit(&recorded), Exit::Success);
        let mut stale = recorded.clone();
        stale.cells[0].outcome = Outcome::UnexpectedPass;
        assert_eq!(exit(&stale), Exit::Regression);
        let mut faulty = recorded.clone();
        faulty.cells[0].verdict = Verdict::Error;
        assert_eq!(exit(&faulty), Exit::OwnFault);
        recorded.cells.retain(|cell| !cell.verdict.verified());
        assert_eq!(exit(&recorded), Exit::NothingVerified);
        recorded.end = None;
        assert_eq!(exit(&recorded), Exit::Incomplete);
    }
}
