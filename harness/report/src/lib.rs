//! Reports: pure functions of one journal or several.

pub mod bless;
pub mod causes;
pub mod coverage;
pub mod diff;
pub mod failure;
pub mod gathered;
pub mod grid;
pub mod html;
pub mod junit;
pub mod kcidb;
pub mod ktap;
pub mod lava;
pub mod lists;
pub mod load;
pub mod paint;
pub mod standing;
pub mod summary;
pub mod whose;
pub mod words;

use std::io;

use event::CellEnd;
use event::journal::{Head, Recorded};

/// A report that is written as the cells are read, so that they are not held in memory.
pub trait CellByCell: Sized {
    /// Writes the next cell.
    ///
    /// # Errors
    /// Of the writer.
    fn cell(&mut self, cell: &CellEnd) -> io::Result<()>;

    /// Writes what follows the last cell.
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

/// Returns what is written, as text.
fn in_memory(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("memory takes every byte");
    String::from_utf8(bytes).expect("reports are text")
}
