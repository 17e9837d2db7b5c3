//! What the cells of a run have shown so far.

use super::deadly::Deadly;
use event::{CellEnd, End, MapDmaBuf};

/// What the cells have shown so far.
#[derive(Debug, Clone, Default)]
pub struct SoFar {
    /// How many cells.
    pub number: usize,
    /// Their totals.
    pub end: End,
    /// What they went through.
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
