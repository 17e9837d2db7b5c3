//! The trace instance with the probes of several oracles, and the one pipe that they are read from: each look into a pipe takes
//! a good part of the time that a cell's own work does.

pub(crate) mod instance;
pub(crate) mod lines;

use std::path::Path;

use crate::NotAvailable;
use crate::dma::{Contract, Taken};
use crate::provenance::Tracer;
use instance::{Instance, MARK};
use lines::Lines;

/// The oracles that see what the kernel does by probes in it. Dropped, the probes and their instance go; what a crashed run
/// left, the next one removes.
#[derive(Debug)]
pub struct Trace {
    // Closed before the instance is removed, which is busy as long as it is open.
    lines: Lines,
    instance: Instance,
    tracer: Result<Tracer, NotAvailable>,
    contract: Result<Contract, NotAvailable>,
    lost: u64,
}

/// The size of each processor's buffer, in KiB: the events of a cell fit, and memory is taken for every processor.
const KIB: &str = "1536";

impl Trace {
    /// Places the probes, below a mounted tracefs (`/sys/kernel/tracing`).
    ///
    /// Reference: `Documentation/trace/kprobetrace.rst`, and "Instances" in `Documentation/trace/ftrace.rst`.
    ///
    /// # Errors
    /// Without root, tracefs, CONFIG_KPROBE_EVENTS, or under lockdown.
    pub fn start(tracefs: &Path) -> Result<Self, NotAvailable> {
        Self::with(tracefs, true)
    }

    /// The same without the probes of the DMA contract, for work whose speed counts and that is not judged by it.
    ///
    /// # Errors
    /// As [`Trace::start`].
    pub fn without_contract(tracefs: &Path) -> Result<Self, NotAvailable> {
        Self::with(tracefs, false)
    }

    fn with(tracefs: &Path, with_contract: bool) -> Result<Self, NotAvailable> {
        let mut instance = Instance::make(tracefs)?;
        let contract = match with_contract {
            true => Contract::place(&mut instance).or_else(|why| {
                // Without what it had placed before it was refused: no one would read that.
                instance = Instance::make(tracefs)?;
                Err(why)
            }),
            false => {
                Err(NotAvailable::because("the DMA contract is not asked for", tracefs, "run the cells one by one"))
            }
        };
        // The contract's probes show who holds which table.
        let tracer = Tracer::place(&mut instance, contract.is_err());
        let pipe = match (instance.open(KIB), &contract) {
            (Ok(pipe), _) => pipe,
            // It may be one of the contract's probes that cannot be switched on.
            (Err(why), Ok(_)) => {
                drop(instance);
                return Self::with(tracefs, false).map(|trace| Self { contract: Err(why), ..trace });
            }
            (Err(why), Err(_)) => return Err(why),
        };
        let lines = Lines::of(pipe, 64 * 1024);
        Ok(Self { lines, instance, tracer, contract, lost: 0 })
    }

    /// Forgets what was seen until now. It may be in the pipe still, and is forgotten when it is read: a mark tells it from what
    /// comes behind.
    pub fn begin(&mut self) {
        if self.instance.mark().is_err() {
            self.read();
        }
        self.forget();
    }

    fn forget(&mut self) {
        let Self { tracer, contract, lost, .. } = self;
        forget(tracer, contract, lost);
    }

    /// Reads what the probes have seen until now. The oracles return what was read.
    pub fn read(&mut self) {
        let Self { lines, tracer, contract, lost, .. } = self;
        lines.read(|line| {
            if line.ends_with(MARK) {
                return forget(tracer, contract, lost);
            }
            *lost += lines::lost(line);
            let taken = contract.as_mut().map_or(Taken::NotOurs, |contract| contract.line(line));
            match (taken, tracer.as_mut()) {
                (Taken::Ours(call), Ok(tracer)) => call.into_iter().for_each(|call| tracer.table(call)),
                (Taken::NotOurs, Ok(tracer)) => tracer.line(line),
                (_, Err(_)) => {}
            }
        });
    }

    /// The number of calls that were overwritten before they could be read, since it was last asked for or all was forgotten.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// What sees exports, struct pages that are touched, and tables that are shared, or why it does not.
    pub fn tracer(&self) -> &Result<Tracer, NotAvailable> {
        &self.tracer
    }

    /// The same, for what it has seen.
    pub fn tracer_mut(&mut self) -> Option<&mut Tracer> {
        self.tracer.as_mut().ok()
    }

    /// What sees the DMA contract, or why it does not.
    pub fn contract(&self) -> &Result<Contract, NotAvailable> {
        &self.contract
    }

    /// The same, for what it has seen.
    pub fn contract_mut(&mut self) -> Option<&mut Contract> {
        self.contract.as_mut().ok()
    }
}

fn forget(tracer: &mut Result<Tracer, NotAvailable>, contract: &mut Result<Contract, NotAvailable>, lost: &mut u64) {
    if let Ok(tracer) = tracer {
        tracer.forget();
    }
    if let Ok(contract) = contract {
        contract.forget();
    }
    *lost = 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tracefs_it_says_how_to_get_one() {
        let empty = tempfile::tempdir().unwrap();
        for refused in [Trace::start(empty.path()), Trace::without_contract(empty.path())] {
            let refused = refused.unwrap_err();
            assert!(refused.to_string().contains("mount -t tracefs"), "{refused}");
        }
    }
}
