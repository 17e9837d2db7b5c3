//! The DMA contract of dma-buf: what an exporter and an importer owe each other and that no byte shows, as far as probes
//! in the kernel see it. The rules, with where the kernel says so, are in [`DMA.md`](../../DMA.md).
//!
//! A probe each sits on the calls of the dma-buf core, and on those of the DMA API that exporters and importers make
//! within them. `state` follows each attachment; `table` reads the sg_table that it was given.

mod breach;
mod call;
mod layout;
mod probe;
mod state;
mod table;
mod window;

pub use breach::{Breach, Rule, Side};

use std::path::Path;

use crate::NotAvailable;
use crate::kernel_config::KernelConfig;
use crate::provenance::lines::Lines;
use layout::{Layout, Layouts};
use probe::Probe;
use state::State;

/// Watches the contract, in a trace instance of its own: what is lost there, no other oracle misses. Dropped, it removes
/// the instance and its probes.
#[derive(Debug)]
pub struct Contract {
    /// The beginning of the names of our events, and the blank before it.
    prefix: String,
    // Closed before the instance is removed.
    lines: Lines,
    probe: Probe,
    state: State,
    stated: Result<Layout, String>,
    lost: u64,
}

impl Contract {
    /// Places the probes, below a mounted tracefs.
    ///
    /// # Errors
    /// Without root, tracefs, CONFIG_KPROBE_EVENTS, or a kernel that does not let dma_buf_map_attachment be probed.
    pub fn start(tracefs: &Path) -> Result<Self, NotAvailable> {
        let probe = Probe::place(tracefs)?;
        let lines = Lines::of(probe.open()?, 64 * 1024);
        let stated = stated_layout();
        let layouts = Layouts::new(probe.is_64_bit(), stated.as_ref().ok().copied());
        let state = State::new(layouts, probe.syncs_are_always_calls());
        let prefix = format!(" {}", probe.prefix());
        Ok(Self { prefix, lines, probe, state, stated, lost: 0 })
    }

    /// Reads what the probes have seen until now.
    pub fn read(&mut self) {
        let Self { lines, prefix, state, lost, .. } = self;
        lines.read(|line| match call::parse(line, prefix) {
            Some(call::Line::Lost(count)) => {
                *lost += count;
                state.forget();
            }
            Some(call::Line::Call(pid, call)) => state.take_in(pid, &call),
            None => {}
        });
    }

    /// Returns what the thread `pid` was seen to break, and forgets what it holds: each cell begins from nothing.
    pub fn take_of(&mut self, pid: i32) -> Vec<Breach> {
        self.state.take_of(pid)
    }

    /// Forgets everything but how this kernel's tables are laid out.
    pub fn forget(&mut self) {
        self.state.forget();
    }

    /// Returns the number of calls that were overwritten before they could be read.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Returns whether it is known how this kernel's tables are laid out before any was seen.
    ///
    /// # Errors
    /// Where the kernel's configuration cannot be read, with what would help.
    pub fn layout(&self) -> Result<(), String> {
        self.stated.as_ref().map(drop).map_err(Clone::clone)
    }

    /// Returns the rules that this kernel lets be observed, in words.
    pub fn rules(&self) -> Vec<Rule> {
        self.probe.rules()
    }
}

/// The layout of the sg_tables by the kernel's configuration, where that can be read.
fn stated_layout() -> Result<Layout, String> {
    let (release, _) = uapi::process::kernel().map_err(|errno| format!("uname: {errno}"))?;
    let config = KernelConfig::read(Path::new("/"), &release).map_err(|missing| missing.to_string())?;
    Layout::stated(&config).ok_or_else(|| "the layout of sg_tables on 32-bit x86 is not stated".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tracefs_it_says_how_to_get_one() {
        let empty = tempfile::tempdir().unwrap();
        let refused = Contract::start(empty.path()).unwrap_err();
        assert!(refused.to_string().contains("mount -t tracefs"), "{refused}");
    }
}
