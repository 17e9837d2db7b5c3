//! Which `map_dma_buf` a buffer was exported with: traced with a probe on `dma_buf_export` where the kernel and the
//! rights of this process allow it, else inferred from the exporter's name.

mod events;
mod inferred;
pub(crate) mod line;
pub(crate) mod lines;
pub(crate) mod place;
mod probe;
mod sharing;

pub use inferred::from_fdinfo;
pub use line::Touch;
pub use sharing::Shared;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::NotAvailable;
use events::Events;
use lines::Lines;
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

/// A probe on `dma_buf_export`, in a trace instance of its own, so that no one else's tracing is disturbed. Dropped, it
/// removes both; what a crashed run left, the next one removes.
#[derive(Debug)]
pub struct Tracer {
    // Closed before the instance is removed, which is busy as long as it is open.
    lines: Lines,
    probe: Probe,
    events: Events,
}

impl Tracer {
    /// Places the probe, below a mounted tracefs (`/sys/kernel/tracing`).
    ///
    /// Reference: `Documentation/trace/kprobetrace.rst`, and "Instances" in `Documentation/trace/ftrace.rst`.
    ///
    /// # Errors
    /// Without root, tracefs, CONFIG_KPROBE_EVENTS, or under lockdown.
    pub fn start(tracefs: &Path) -> Result<Self, NotAvailable> {
        let probe = Probe::place(tracefs)?;
        let lines = Lines::of(probe.open()?, 16 * 1024);
        let events = Events::new(probe.event(), probe.watched());
        Ok(Self { lines, probe, events })
    }

    /// Reads what the probes have seen until now. The others return what was read.
    pub fn read(&mut self) {
        let events = &mut self.events;
        self.lines.read(|line| events.line(line));
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
        let seen = |wanted: What| self.probe.watched().iter().any(|watched| watched.what == wanted);
        seen(What::Map) && seen(What::Mapped) && seen(What::Unmap)
    }

    /// Returns the number of exports that were overwritten before they could be read, so far.
    pub fn lost(&self) -> u64 {
        self.events.lost()
    }

    /// Returns how the function is read from the kernel's structures, for the report of a run.
    pub fn form(&self) -> String {
        match self.events.layout() {
            Some(layout) => format!("{}, {layout}", self.probe.form()),
            None => self.probe.form().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tracefs_it_says_how_to_get_one() {
        let empty = tempfile::tempdir().unwrap();
        let refused = Tracer::start(empty.path()).unwrap_err();
        assert!(refused.to_string().contains("mount -t tracefs"), "{refused}");
    }
}
