//! Counts before and after, as lines of C.

use std::collections::BTreeSet;

use spec::step::{Balance, Fork, Repeat, Snapshot, Step};

use super::emitter::Emitter;
use super::names::{Value, variable};

/// The snapshots of which a step asks whether their dma-buf is gone.
pub fn gone(steps: &[Step]) -> BTreeSet<String> {
    let of = |step: &Step| match step {
        Step::Balance(Balance { since, gone: true, .. }) => BTreeSet::from([since.clone()]),
        Step::Fork(Fork { steps }) | Step::Repeat(Repeat { steps, .. }) => gone(steps),
        _ => BTreeSet::new(),
    };
    steps.iter().flat_map(of).collect()
}

impl Emitter<'_> {
    /// What is counted is what a later step asks for.
    pub(super) fn snapshot(&mut self, step: &Snapshot) {
        self.names.assign("long", &step.r#as, Value::Snapshot);
        let this = variable(&step.r#as);
        let file = step.file.as_deref().map(variable);
        match file {
            Some(file) if self.gone.contains(&step.r#as) => {
                self.source.need("inode");
                self.source.line(format!("unsigned long {this}_inode = inode({file});"));
                // Else it could be missing from the list later because it never was in it.
                self.source.need("listed");
                self.source.line(format!("if (!listed({this}_inode))"));
                self.source.line("\terrx(2, \"the kernel does not list the dma-buf\");");
            }
            file => {
                self.source.need("open_files");
                self.source.line(format!("long {this}_files = open_files();"));
                if let Some(file) = file {
                    self.source.need("references");
                    self.source.line(format!("long {this}_references = references({file});"));
                }
            }
        }
    }

    pub(super) fn balance(&mut self, step: &Balance) {
        let before = variable(&step.since);
        if step.gone {
            self.source.need("settles");
            self.source.need("listed");
            self.expect(&format!("SETTLES(!listed({before}_inode))"), "the dma-buf is gone");
            return;
        }
        if step.file.is_some() {
            self.source
                .line("/* Files and references are counted; the cell counts attached devices and mappings, too. */");
        }
        self.expect(&format!("open_files() == {before}_files"), "as many open files as before");
        if let Some(file) = &step.file {
            self.source.need("settles");
            let now = format!("SETTLES(references({}) == {before}_references)", variable(file));
            self.expect(&now, "as many references to the dma-buf as before");
        }
    }
}
