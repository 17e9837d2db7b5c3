//! Reports of trouble in the kernel's log: from the line that announces it to the line that ends it.

use serde::{Deserialize, Serialize};

use crate::kind::SplatKind;

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
