//! The results of a run's cells so far.

use super::breaker::Breaker;
use super::common::Common;
use super::deadly::Deadly;
use diagnose::matrix::Matrix;
use event::{CellEnd, End, Event, MapDmaBuf, Then, Trouble, TroubleKind};

/// The results of the cells so far.
#[derive(Debug, Clone, Default)]
pub struct SoFar {
    /// The number of cells.
    pub number: usize,
    /// Their totals.
    pub end: End,
    /// The implementations that they went through.
    pub reached: Vec<MapDmaBuf>,
    /// What has brought the machine down.
    pub deadly: Deadly,
    /// What hangs.
    pub breaker: Breaker,
    /// What became of the machine.
    pub troubles: Vec<Trouble>,
    /// Who took part in which failures.
    pub matrix: Matrix,
    /// The last cell that was broken, and what it had in common with others: trouble is reported by its id, right after
    /// it.
    last: Option<(String, Vec<Common>)>,
}

impl SoFar {
    /// Nothing but what is said to have brought the machine down.
    pub fn with(deadly: Deadly) -> Self {
        Self { deadly, ..Self::default() }
    }

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
        self.breaker.learn(ended);
        self.matrix.add(ended);
        if ended.verdict.broken() {
            self.last = Some((ended.id.clone(), Common::of_end(ended)));
        }
    }

    /// Takes in what else a run that is resumed has recorded: cells that damaged the kernel, or
    /// that hang in it, are as those that brought it down.
    pub fn replay(&mut self, event: &Event) {
        if let Event::Trouble(trouble) = event {
            self.troubles.push(trouble.clone());
        }
        match event {
            Event::Trouble(trouble) if trouble.then == Then::Restart && trouble.what != TroubleKind::Shrinks => {
                self.last.iter().filter(|(id, _)| trouble.cells.contains(id)).for_each(|(_, common)| {
                    self.deadly.add(common.clone());
                });
            }
            Event::Resumed(_) => self.breaker.restarted(),
            _ => {}
        }
    }
}
