//! The causes of a run, at its end, and the few cells that decide between several.

use diagnose::Facts;
use event::cause::{Cause, Sure};
use event::journal::JournalError;
use event::{CellStart, Event};

use super::Session;

/// The most cells that are run to decide.
const CELLS: usize = 24;

impl Session<'_> {
    /// What the run's failures come from. Where the run was resumed, those before it count as well.
    pub(super) fn causes(&self) -> Vec<Cause> {
        let kernel = uapi::process::kernel().map(|(release, _)| release).unwrap_or_default();
        let facts = Facts { endpoints: &self.inventory.found, kernel: &kernel, troubles: &self.so_far.troubles };
        let registry = catalogue::registry::embedded().ok();
        diagnose::causes(&facts, &self.so_far.matrix, registry.as_ref())
    }

    /// Runs cells that were not chosen and that tell suspects apart, if that was asked for.
    ///
    /// # Errors
    /// A journal that cannot be written.
    pub(super) fn decide(&mut self) -> Result<(), JournalError> {
        let Some(all) = &self.options.decide else { return Ok(()) };
        let open = self.causes().into_iter().filter(|cause| cause.sure == Sure::Open && cause.known.is_empty());
        let wanted: Vec<String> = open.flat_map(|cause| cause.decide).take(CELLS).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        for cell in all.iter().filter(|cell| wanted.contains(&cell.id)) {
            self.pending.push(Event::CellStart(CellStart { id: cell.id.clone() }));
            self.write()?;
            self.progress.begins(&cell.id);
            let known = crate::run::Runner::not_run(&cell);
            let result = known.unwrap_or_else(|| self.inventory.runner.run(&cell));
            self.ended(result.event(&cell, self.expect(), &self.options.known));
        }
        Ok(())
    }
}
