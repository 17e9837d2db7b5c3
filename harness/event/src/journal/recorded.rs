//! A whole journal in memory.

use std::ops::{Deref, DerefMut};
use std::path::Path;

use super::error::JournalError;
use super::events::Events;
use crate::stream::{CellEnd, End, EndpointFound, Event, Missing, Run};
use crate::trouble::{Then, Trouble};

/// The events of a journal other than the cells that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The run: what ran, on what.
    pub run: Run,
    /// The endpoints that were found.
    pub endpoints: Vec<EndpointFound>,
    /// The cells that were open when the run was cut short: one, unless several ran at the same time.
    pub open: Vec<String>,
    /// What had become of the machine during the run.
    pub troubles: Vec<Trouble>,
    /// True if the run has ended for a restart of the machine, and was not resumed.
    pub wants_restart: bool,
    /// The number of restarts of the machine after which the run was resumed.
    pub restarts: usize,
    /// The things that were missing.
    pub missing: Vec<Missing>,
    /// The totals; nothing when the run was cut short.
    pub end: Option<End>,
}

impl Head {
    /// Creates the head of a run that has just begun.
    pub fn begun(run: Run) -> Self {
        let (endpoints, open, troubles, missing) = Default::default();
        Self { run, endpoints, open, troubles, wants_restart: false, restarts: 0, missing, end: None }
    }

    /// Takes in the next event of a journal, and returns the cell that ended with it. What stands before the `run`
    /// event is passed over.
    pub fn take(head: &mut Option<Self>, event: Event) -> Option<CellEnd> {
        match (head, event) {
            (head @ None, Event::Run(run)) => *head = Some(Self::begun(run)),
            (None, _) => {}
            (Some(head), event) => return head.add(event),
        }
        None
    }

    /// The troubles for which the run has failed, whatever its cells say.
    pub fn unwanted(&self) -> impl Iterator<Item = &Trouble> {
        self.troubles.iter().filter(|trouble| trouble.what.unwanted())
    }

    fn add(&mut self, event: Event) -> Option<CellEnd> {
        match event {
            // A report makes its own: it may know more than the program that ran.
            Event::Run(_) | Event::Cause(_) => {}
            Event::Endpoint(endpoint) => self.endpoints.push(endpoint),
            Event::CellStart(start) => self.open.push(start.id),
            Event::Cell(cell) => {
                self.open.retain(|open| *open != cell.id);
                return Some(cell);
            }
            Event::Again(again) => self.open.retain(|open| !again.cells.contains(open)),
            Event::Trouble(trouble) => {
                self.wants_restart |= trouble.then == Then::Restart;
                self.troubles.push(trouble);
            }
            Event::Resumed(resumed) => {
                self.restarts += 1;
                self.wants_restart = false;
                // Each of these is begun again; a single one is reported as crashed.
                self.open.retain(|open| !resumed.suspects.contains(open));
            }
            Event::Missing(missing) => self.missing.push(missing),
            Event::End(end) => self.end = Some(end),
        }
        None
    }
}

/// A journal as it was read: everything that a report needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The events other than its cells.
    pub head: Head,
    /// The cells that ended, in their order.
    pub cells: Vec<CellEnd>,
}

impl Deref for Recorded {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

impl DerefMut for Recorded {
    fn deref_mut(&mut self) -> &mut Head {
        &mut self.head
    }
}

impl Recorded {
    /// Reads a journal, compressed or not, a cut-off last line left out.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        Self::gathered(path, Events::open(path)?)
    }

    /// Reads the text of a journal. It may be cut off anywhere, within a character too.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, JournalError> {
        Self::gathered(path, Events::of(path, text))
    }

    fn gathered(path: &Path, events: Events<'_>) -> Result<Self, JournalError> {
        let (mut head, mut cells) = (None, Vec::new());
        for event in events {
            cells.extend(Head::take(&mut head, event?));
        }
        let head = head.ok_or_else(|| JournalError::NoRun { path: path.to_owned() })?;
        Ok(Self { head, cells })
    }

    /// Creates the head of a run that has just begun.
    pub fn begun(run: Run) -> Self {
        Self { head: Head::begun(run), cells: Vec::new() }
    }

    /// Gathers events; nothing without a `run` event.
    pub fn of(events: impl IntoIterator<Item = Event>) -> Option<Self> {
        let mut head = None;
        let cells = events.into_iter().filter_map(|event| Head::take(&mut head, event)).collect();
        Some(Self { head: head?, cells })
    }
}
