//! The causes of two runs side by side: what is new, what is gone, what has grown.

use event::cause::{Cause, Suspect};
use event::journal::Recorded;
use serde::Serialize;

use crate::gathered::Gathered;

/// A cause that one of two runs has and the other has not, or not in as many cells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CauseChange {
    /// What has become of it.
    pub how: How,
    /// The suspect.
    pub suspect: Suspect,
    /// The finding of the project that explains it, where one does.
    pub known: Vec<String>,
    /// The cells before.
    pub before: usize,
    /// The cells after.
    pub after: usize,
    /// The smallest cell that shows it, in the run that has it, or has more of it.
    pub smallest: String,
}

/// What has become of a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Only the later run has it.
    New,
    /// The later run has more cells of it.
    Grown,
    /// The later run has fewer.
    Shrunk,
    /// Only the earlier run has it.
    Gone,
}

impl How {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Grown => "grown",
            Self::Shrunk => "shrunk",
            Self::Gone => "gone",
        }
    }
}

/// Compares the causes of two runs; what is new is first.
pub(super) fn between(before: &Recorded, after: &Recorded) -> Vec<CauseChange> {
    let of = |run: &Recorded| Gathered::of(run).causes(run);
    let (was, is) = (of(before), of(after));
    let change = |how, cause: &Cause, before, after| CauseChange {
        how,
        suspect: cause.suspect.clone(),
        known: cause.known.clone(),
        before,
        after,
        smallest: cause.smallest.clone(),
    };
    let mut changes = Vec::new();
    for cause in &is {
        let now = cause.cells.len();
        match was.iter().find(|other| same(other, cause)).map(|other| other.cells.len()) {
            None => changes.push(change(How::New, cause, 0, now)),
            Some(before) if now > before => changes.push(change(How::Grown, cause, before, now)),
            Some(before) if now < before => changes.push(change(How::Shrunk, cause, before, now)),
            Some(_) => {}
        }
    }
    let gone = was.iter().filter(|cause| !is.iter().any(|other| same(other, cause)));
    changes.extend(gone.map(|cause| change(How::Gone, cause, cause.cells.len(), 0)));
    changes.sort_by_key(|change| change.how);
    changes
}

/// A known fault is itself by its name; another cause by its suspect: the same endpoints in the same role, or some of them.
fn same(one: &Cause, other: &Cause) -> bool {
    if !(one.known.is_empty() && other.known.is_empty()) {
        return one.known == other.known;
    }
    let within = |some: &Suspect, all: &Suspect| some.endpoints.iter().all(|key| all.endpoints.contains(key));
    let (first, second) = (&one.suspect, &other.suspect);
    first.role == second.role && one.rule == other.rule && (within(first, second) || within(second, first))
}
