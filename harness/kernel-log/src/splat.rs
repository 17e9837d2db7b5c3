//! Reports of trouble in the kernel's log: from the line that announces it to the line that ends it.

use serde::{Deserialize, Serialize};

use crate::kind::SplatKind;
use crate::record::Record;
use crate::{finder, lines};

/// One report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splat {
    /// The kind of trouble.
    pub kind: SplatKind,
    /// The line that says most, with the function and the message that other lines have.
    pub title: String,
    /// All lines, as far as they belong to it.
    pub lines: Vec<String>,
}

/// The lines of a flood that are kept of all its reports.
const FLOOD_LINES: usize = 40;

impl Splat {
    /// Takes in another report of the same flood.
    pub(crate) fn take_flood(&mut self, other: Self) {
        let room = FLOOD_LINES.saturating_sub(self.lines.len());
        self.lines.extend(other.lines.into_iter().take(room));
    }
}

/// The reports in these records, in the order in which they begin, of the kernel alone: what programs write into the log is
/// left out. Give it all records of a time at once, so that no report is cut in two.
pub fn splats(records: &[Record]) -> Vec<Splat> {
    finder::find(&lines::of_kernel(records)).splats
}
