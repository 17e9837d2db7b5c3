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
use crate::provenance::sharing;
use crate::trace::instance::Instance;
use layout::{Layout, Layouts};
use probe::Probe;
use state::State;

/// Watches the contract, by probes in the instance of a [`Trace`](crate::trace::Trace).
#[derive(Debug)]
pub struct Contract {
    /// The beginning of the names of our events, and the blank before it.
    prefix: String,
    probe: Probe,
    state: State,
    stated: Result<Layout, String>,
}

/// What became of a line of the trace.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is of a probe of the contract, and shows this of who holds which sg_table.
    Ours(Option<sharing::Call>),
    /// It is for others, too.
    NotOurs,
}

impl Contract {
    /// Places the probes.
    pub(crate) fn place(instance: &mut Instance) -> Result<Self, NotAvailable> {
        let probe = Probe::place(instance)?;
        let stated = stated_layout();
        let layouts = Layouts::new(probe.is_64_bit(), stated.as_ref().ok().copied());
        let state = State::new(layouts, probe.syncs_are_always_calls());
        let prefix = format!(" {}", probe.prefix());
        Ok(Self { prefix, probe, state, stated })
    }

    /// Takes in a line of the trace.
    pub(crate) fn line(&mut self, line: &str) -> Taken {
        match call::parse(line, &self.prefix) {
            Some(call::Line::Call(pid, call)) => {
                self.state.take_in(pid, &call);
                Taken::Ours(call.of_table(pid))
            }
            Some(call::Line::Lost) => {
                self.state.forget();
                Taken::NotOurs
            }
            None => Taken::NotOurs,
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
