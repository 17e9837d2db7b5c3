//! What writes the steps of a cell: the program so far, and what its names stand for.

use std::collections::BTreeSet;

use spec::step::{ErrnoName, Side};

use super::devices::Opened;
use super::names::{Names, Value};
use super::source::{Source, quoted};
use super::unsupported::Unsupported;

/// The state that the steps of a cell work with.
pub struct Emitter<'a> {
    pub source: Source,
    pub names: Names,
    pub exporter: Option<Opened<'a>>,
    pub importer: Option<Opened<'a>>,
    pub size: u64,
    /// True if a queue has buffers for calls that are wrong.
    pub made: bool,
    /// The number of buffers that were allocated.
    pub allocated: u32,
    /// The snapshots whose dma-buf must be gone later.
    pub gone: BTreeSet<String>,
}

/// `(int[]){ EINVAL, 0 }`.
pub fn list(errnos: &[ErrnoName]) -> String {
    format!("(int[]){{ {}, 0 }}", errnos.join(", "))
}

impl<'a> Emitter<'a> {
    pub(super) fn side(&self, side: Side) -> Result<Opened<'a>, Unsupported> {
        let opened = if side == Side::Exporter { self.exporter } else { self.importer };
        opened.filter(|_| side != Side::SecondImporter).ok_or_else(|| Unsupported::Step("a second importer".into()))
    }

    /// An answer that must be one of these errnos, or must be none.
    pub fn demanded(&mut self, call: &str, must_refuse: &[ErrnoName], what: &str) {
        if must_refuse.is_empty() {
            self.source.need("expect");
            self.source.line(format!("expect({call} != -1, {});", quoted(what)));
        } else {
            self.source.need("refused");
            self.source.line(format!("refused({call}, {}, {});", list(must_refuse), quoted(what)));
        }
    }

    pub(super) fn expect(&mut self, condition: &str, what: &str) {
        self.source.need("expect");
        self.source.line(format!("expect({condition}, {});", quoted(what)));
    }

    pub(super) fn file_size(&self, name: &str) -> u64 {
        if let Some(Value::File(size)) = self.names.get(name) { *size } else { self.size }
    }
}
