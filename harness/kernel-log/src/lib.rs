//! The kernel's log as text: its records, and the reports of trouble in them.
//!
//! Parses what `/dev/kmsg`, a console or a crash dump shows. Only [`taint`] reads a file, `/proc/sys/kernel/tainted`.

mod console;
mod dump;
mod finder;
mod kind;
mod lines;
mod record;
mod report;
mod splat;
mod symptom;
mod taint;
mod title;
mod trace;

pub use console::records_of_console;
pub use dump::dumps;
pub use finder::splats;
pub use kind::SplatKind;
pub use record::{Caller, Record};
pub use splat::Splat;
pub use symptom::iommu::faulting_device;
pub use taint::{TAINT_DAMAGE, TAINT_TROUBLE, TaintFile, taint, taint_names};
