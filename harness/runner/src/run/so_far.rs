//! The results of a run's cells so far.

use super::deadly::Deadly;
use event::{CellEnd, End, MapDmaBuf};

/// The results of the cells so far.
#[derive(Debug, Clone, Default)]
pub struct SoFar {
    /// The number of cells.
    pub number: usize,
    /// Their totals.
    pub end: End,
    /// The implementations that they went through.
    pub reached: Vec<MapDmaBuf>,
    /// The pairs that have brought the machine down.
    pub deadly: Deadly,
}

impl SoFar {
    /// Takes in a cell that has ended.
    pub fn learn(&mut self, ended: &CellEnd) {
        self.number += 1;
        self.end.count(ended);
        for through in &ended.map_dma_buf {
            // A run of many cells goes through few.
            if !self.reached.contains(through) {
                self.reached.push(through.clone());
            }
        }
        self.deadly.learn(ended);
    }
}
