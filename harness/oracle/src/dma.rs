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

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::NotAvailable;
use crate::kernel_config::KernelConfig;
use layout::{Layout, Layouts};
use probe::Probe;
use state::State;

/// Watches the contract, in a trace instance of its own: what is lost there, no other oracle misses. Dropped, it removes
/// the instance and its probes.
#[derive(Debug)]
pub struct Contract {
    chunk: Vec<u8>,
    /// The beginning of the names of our events, and the blank before it.
    prefix: String,
    pending: Vec<u8>,
    // Closed before the instance is removed.
    pipe: File,
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
        let pipe = probe.open()?;
        let stated = stated_layout();
        let layouts = Layouts::new(probe.is_64_bit(), stated.as_ref().ok().copied());
        let state = State::new(layouts, probe.syncs_are_always_calls());
        let prefix = format!(" {}", probe.prefix());
        Ok(Self { chunk: vec![0; 64 * 1024], prefix, pending: Vec::new(), pipe, probe, state, stated, lost: 0 })
    }

    /// Reads what the probes have seen until now.
    pub fn read(&mut self) {
        loop {
            match self.pipe.read(&mut self.chunk) {
                Ok(count) if count > 0 => self.feed(count),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }

    fn feed(&mut self, count: usize) {
        self.pending.extend_from_slice(&self.chunk[..count]);
        let complete = self.pending.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let text: Vec<u8> = self.pending.drain(..complete).collect();
        for line in String::from_utf8_lossy(&text).lines() {
            match call::parse(line, &self.prefix) {
                Some(call::Line::Lost(count)) => {
                    self.lost += count;
                    self.state.forget();
                }
                Some(call::Line::Call(pid, call)) => self.state.take_in(pid, &call),
                None => {}
            }
        }
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
