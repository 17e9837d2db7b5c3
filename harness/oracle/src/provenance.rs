//! Which `map_dma_buf` a buffer was exported with: traced with a probe on `dma_buf_export` where the kernel and the
//! rights of this process allow it, else inferred from the exporter's name.

mod events;
mod inferred;
pub(crate) mod line;
mod probe;
pub(crate) mod sharing;

pub use inferred::from_fdinfo;
pub use line::Touch;
pub use sharing::Shared;

use serde::{Deserialize, Serialize};

use crate::NotAvailable;
use crate::trace::instance::Instance;
use events::Events;
use probe::{Probe, What};

/// The source of the knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Seen by a probe on `dma_buf_export`.
    Traced,
    /// Concluded from the exporter's name, or the driver's.
    Inferred,
}

/// One buffer that was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// The exporter's name (`exp_name` of `struct dma_buf_export_info`), as in fdinfo.
    pub exp_name: String,
    /// The function that maps the buffer for devices; absent where it cannot be known. amdgpu and xe put other
    /// functions in place after the export: see [`Exported::of_driver`].
    pub map_dma_buf: Option<String>,
    /// The module that holds the function; absent for a function of the kernel itself, and where it is not known.
    pub module: Option<String>,
    /// In bytes.
    pub size: Option<u64>,
    /// The thread that exported it, where it was seen: for a process with one thread, the process.
    pub pid: Option<i32>,
    /// The source of the function's name.
    pub evidence: Evidence,
}

/// A probe on `dma_buf_export`, and those beside it, in the instance of a [`Trace`](crate::trace::Trace).
#[derive(Debug)]
pub struct Tracer {
    probe: Probe,
    events: Events,
    sees_tables: bool,
}

impl Tracer {
    /// Places the probes; those that show who holds which sg_table only where nothing else does.
    pub(crate) fn place(instance: &mut Instance, tables: bool) -> Result<Self, NotAvailable> {
        let probe = Probe::place(instance, tables)?;
        let events = Events::new(probe.event(), probe.watched());
        let seen = |wanted: What| probe.watched().iter().any(|watched| watched.what == wanted);
        let sees_tables = !tables || seen(What::Map) && seen(What::Mapped) && seen(What::Unmap);
        Ok(Self { probe, events, sees_tables })
    }

    /// Takes in a line of the trace.
    pub(crate) fn line(&mut self, line: &str) {
        self.events.line(line);
    }

    /// Takes in what another probe has seen of a table.
    pub(crate) fn table(&mut self, call: sharing::Call) {
        self.events.table(call);
    }

    /// Forgets what was read.
    pub fn forget(&mut self) {
        self.events.take(|_| true);
        self.events.take_touches();
        self.events.take_shared();
        self.events.take_frames();
    }

    /// Returns what the thread `pid` exported since it was last asked. What others exported is kept until they are asked for.
    pub fn take(&mut self, pid: i32) -> Vec<Exported> {
        self.events.take(|exported| exported.pid == Some(pid))
    }

    /// What [`Tracer::take_touches`], [`Tracer::take_shared`] and [`Tracer::take_frames`] return, of the thread `pid` alone.
    /// What others did, and hold, is kept.
    pub fn take_of(&mut self, pid: i32) -> (Vec<Touch>, Vec<Shared>, Vec<u64>) {
        self.events.take_of(pid)
    }

    /// Calls, by any thread, of functions that only an importer calls and that touch the struct pages behind an sg_table.
    pub fn take_touches(&mut self) -> Vec<Touch> {
        self.events.take_touches()
    }

    /// The functions whose calls are seen; the kernel has not all of them, or does not let them be probed.
    pub fn touching_functions(&self) -> Vec<&'static str> {
        let function = |watched: &probe::Watched| match watched.what {
            What::Touch(function) => Some(function),
            _ => None,
        };
        self.probe.watched().iter().filter_map(function).collect()
    }

    /// The sg_tables that any thread mapped while another device held them. Who holds what is forgotten: each question
    /// begins again.
    pub fn take_shared(&mut self) -> Vec<Shared> {
        self.events.take_shared()
    }

    /// The first page frame of each call by which a thread mapped some (`remap_pfn_range`), after the thread.
    pub fn take_frames(&mut self) -> Vec<(i32, u64)> {
        self.events.take_frames()
    }

    /// Returns whether this kernel lets everything be probed that is needed to see who holds which sg_table.
    pub fn sees_tables(&self) -> bool {
        self.sees_tables
    }

    /// Returns how the function is read from the kernel's structures, for the report of a run.
    pub fn form(&self) -> String {
        match self.events.layout() {
            Some(layout) => format!("{}, {layout}", self.probe.form()),
            None => self.probe.form().to_string(),
        }
    }
}
