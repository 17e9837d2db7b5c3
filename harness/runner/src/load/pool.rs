//! Where the buffers of a stream come from: all exporters in turn, each buffer for some frames and then a new one.

use std::collections::BTreeMap;
use std::rc::Rc;

use device::{Device, Endpoint};
use uapi::memory::Mapping;

use super::memory::Memory;
use super::plan::Pair;
use super::rounds::RoundError;
use super::worker_report::{Meaning, WorkerReport, meaning};

/// The number of times that a buffer goes through a queue.
const FRAMES: u32 = 12;

/// An importer that has more exporters than these releases a queue of one owner after each frame: to another importer
/// that queue may be all there is.
const FEW: usize = 6;

/// A buffer of a stream.
pub struct LentBuffer {
    /// The buffer.
    pub memory: Memory,
    /// The CPU's mapping of it, where there is one.
    pub mapping: Option<Mapping>,
    /// The number of its pair.
    pub pair: usize,
    /// Its exporter's key.
    pub exporter: String,
    frames: u32,
}

/// The exporters of one queue.
pub struct Pool {
    /// In bytes.
    needed: u64,
    sources: Vec<Source>,
    next: usize,
    filled: Option<fn(u64) -> u64>,
}

struct Source {
    pair: usize,
    exporter: Rc<Endpoint>,
    /// The shift in which its queue streams, where it has one owner.
    owned: Option<u32>,
    device: Option<Rc<dyn Device>>,
    free: Vec<LentBuffer>,
    used: bool,
    /// It refused for good.
    over: bool,
}

impl Pool {
    /// Creates the pool of the exporters whose buffers an importer takes, for frames of this many bytes. What is to be read is filled when it
    /// is made.
    pub fn new(
        importer: &Endpoint,
        needed: u64,
        pairs: &[Pair],
        owned: &BTreeMap<String, u32>,
        filled: Option<fn(u64) -> u64>,
    ) -> Self {
        let of_importer = pairs.iter().enumerate().filter(|(_, pair)| pair.importer.key == importer.key);
        let sources = of_importer.map(|(pair, Pair { exporter, .. })| Source {
            pair,
            exporter: exporter.clone(),
            owned: owned.get(&exporter.key).copied(),
            device: None,
            free: Vec::new(),
            used: false,
            over: false,
        });
        Self { needed, sources: sources.collect(), next: 0, filled }
    }

    /// Returns the number of exporters that have provided a buffer.
    pub fn used(&self) -> u64 {
        self.sources.iter().filter(|source| source.used).count() as u64
    }

    /// A buffer of the next exporter that has one.
    ///
    /// # Errors
    /// The fault of an exporter.
    pub fn take(&mut self, report: &mut WorkerReport<'_>) -> Result<Option<LentBuffer>, String> {
        let shift = report.clock().shift() % 2;
        let count = self.sources.len();
        for source in self.sources.iter_mut().filter(|source| source.owned == Some(shift)) {
            // Its queue streams now, and is to have no buffers of its own.
            (source.device, source.free) = (None, Vec::new());
        }
        for _ in 0..count {
            let source = &mut self.sources[self.next];
            self.next = (self.next + 1) % count;
            if source.over || source.owned == Some(shift) {
                continue;
            }
            if let Some(lent) = source.free.pop() {
                return Ok(Some(lent));
            }
            match source.make(self.needed, self.filled) {
                Ok(lent) => {
                    report.add("buffers", 1);
                    return Ok(Some(lent));
                }
                Err(RoundError::Refused(kind, refusal)) => match meaning(kind, &refusal) {
                    Meaning::Busy => report.add("busy", 1),
                    Meaning::Short => report.add("refused", 1),
                    Meaning::Wrong => return Err(format!("{}: {refusal}", source.exporter.key)),
                },
                Err(RoundError::Broken(_, seen)) => return Err(format!("{}: {seen}", source.exporter.key)),
            }
        }
        Ok(None)
    }

    /// Takes back a buffer. One that has been used often enough is closed.
    pub fn give(&mut self, mut lent: LentBuffer) {
        lent.frames += 1;
        let many = self.sources.iter().filter(|source| !source.over).count() > FEW;
        let source = self.sources.iter_mut().find(|source| source.pair == lent.pair && !source.over);
        match source.filter(|_| lent.frames < FRAMES) {
            Some(source) if source.device.is_some() && !(many && source.owned.is_some()) => source.free.insert(0, lent),
            _ => drop(lent),
        }
    }

    /// Closes every buffer and every device.
    pub fn clear(&mut self) {
        for source in &mut self.sources {
            (source.device, source.free) = (None, Vec::new());
        }
    }

    /// Uses the exporter of a pair no more: the importer has refused it.
    pub fn leave(&mut self, pair: usize) {
        for source in self.sources.iter_mut().filter(|source| source.pair == pair) {
            (source.over, source.device, source.free) = (true, None, Vec::new());
        }
    }
}

impl Source {
    fn make(&mut self, needed: u64, filled: Option<fn(u64) -> u64>) -> Result<LentBuffer, RoundError> {
        let refused = |refusal| RoundError::Refused(self.exporter.kind, refusal);
        let device = match &self.device {
            Some(device) => device.clone(),
            None => super::rounds::open(&self.exporter)?,
        };
        let memory = Memory::new(&device, &self.exporter, needed, self.pair).map_err(refused)?;
        let mapping = memory.map().map_err(refused)?;
        if let (Some(word), Some(mapping)) = (filled, &mapping) {
            memory.write(|| mapping.write_words(word)).map_err(refused)?;
        }
        (self.device, self.used) = (Some(device), true);
        Ok(LentBuffer { memory, mapping, pair: self.pair, exporter: self.exporter.key.clone(), frames: 0 })
    }
}
