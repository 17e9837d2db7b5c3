//! The kernel's log as text: its records, and the reports of trouble in them.
//!
//! Parses what `/dev/kmsg`, a console or a crash dump shows. Only [`taint`] reads a file, `/proc/sys/kernel/tainted`.

mod console;
mod dump;
mod record;
mod splat;
mod symptom;
mod taint;

pub use console::records_of_console;
pub use dump::dumps;
pub use record::Record;
pub use splat::{Splat, splats};
pub use symptom::SplatKind;
pub use taint::{TAINT_DAMAGE, TAINT_TROUBLE, TaintFile, taint, taint_names};
