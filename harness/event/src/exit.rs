//! The exit codes of `prime-cts`.

use std::process::ExitCode;

use spec::verdict::Verdict;

use crate::journal::{Head, Recorded};
use crate::stream::CellEnd;

/// The exit codes of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every outcome was expected, and at least one cell was verified. A failure that is a known fault of the kernel is
    /// expected.
    Success = 0,
    /// A regression, an unexpected pass, or something expected of the board that is missing.
    Regression = 1,
    /// The command line or a file that it names cannot be used.
    BadInput = 2,
    /// No cell was verified: no devices, or all of them blocked.
    NothingVerified = 3,
    /// The suite's own fault: a cell ended in `error`, or results could not be written.
    OwnFault = 4,
    /// A journal without an end: the run was cut short.
    Incomplete = 5,
    /// The run ended early and asks for a restart of the machine: cells have harmed it. `--resume` runs the others then.
    RestartWanted = 6,
}

impl Exit {
    /// Every code with its meaning, for `--help` and the documentation.
    pub const TABLE: &'static [(Exit, &'static str)] = &[
        (Exit::Success, "every outcome as expected (known faults are), and at least one cell verified"),
        (Exit::Regression, "a regression, an unexpected pass, or something expected that is missing"),
        (Exit::BadInput, "the command line or a file that it names cannot be used"),
        (Exit::NothingVerified, "no cell was verified: no devices, or all of them blocked"),
        (Exit::OwnFault, "the suite's own fault: a cell in error, or results that could not be written"),
        (Exit::Incomplete, "the journal has no end: the run was cut short"),
        (Exit::RestartWanted, "a cell has harmed the machine: restart it and run again with --resume"),
    ];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// The cells of a run as far as its exit code depends on them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All cells.
    pub cells: usize,
    /// The cells that checked their rule.
    pub verified: usize,
    /// The cells that show a known fault.
    pub known: usize,
    /// The cells that make the run fail.
    pub unwanted: usize,
    /// The cells in which the suite itself is at fault.
    pub errors: usize,
}

impl Tally {
    /// Counts a cell.
    pub fn add(&mut self, cell: &CellEnd) {
        self.cells += 1;
        self.verified += usize::from(cell.verdict.verified());
        self.known += usize::from(!cell.known.is_empty());
        self.unwanted += usize::from(cell.outcome.unwanted());
        self.errors += usize::from(cell.verdict == Verdict::Error);
    }

    /// Returns the exit code of a run of these cells.
    pub fn exit(&self, head: &Head) -> Exit {
        let harmed = head.unwanted().next().is_some();
        if head.wants_restart {
            Exit::RestartWanted
        } else if head.end.is_none() {
            Exit::Incomplete
        } else if self.errors > 0 {
            Exit::OwnFault
        } else if self.unwanted > 0 || harmed || !head.missing.is_empty() {
            Exit::Regression
        } else if self.verified == 0 {
            Exit::NothingVerified
        } else {
            Exit::Success
        }
    }
}

impl Exit {
    /// Returns the exit code of a run, from its journal.
    pub fn of(recorded: &Recorded) -> Self {
        let mut tally = Tally::default();
        recorded.cells.iter().for_each(|cell| tally.add(cell));
        tally.exit(recorded)
    }
}

#[cfg(test)]
mod tests {
    use spec::verdict::Outcome;

    use super::*;
    use crate::sample;
    use crate::stream::Event;
    use crate::trouble::{Then, Trouble, TroubleKind};

    #[test]
    fn a_known_fault_is_counted_and_does_not_fail_the_run() {
        let mut recorded = sample::recorded();
        recorded.cells.retain(|cell| cell.outcome != Outcome::Regression);
        let known = recorded.cells.iter_mut().find(|cell| cell.verdict == Verdict::Fail).unwrap();
        known.known = vec!["wrong-page".into()];
        let mut tally = Tally::default();
        recorded.cells.iter().for_each(|cell| tally.add(cell));
        assert_eq!((tally.known, tally.exit(&recorded)), (1, Exit::Success));
    }

    #[test]
    fn each_exit_code_is_reached() {
        let mut recorded = sample::recorded();
        assert_eq!(Exit::of(&recorded), Exit::Regression);
        recorded.cells.retain(|cell| cell.outcome != Outcome::Regression);
        assert_eq!(Exit::of(&recorded), Exit::Success);
        let mut stale = recorded.clone();
        stale.cells[0].outcome = Outcome::UnexpectedPass;
        assert_eq!(Exit::of(&stale), Exit::Regression);
        let mut faulty = recorded.clone();
        faulty.cells[0].verdict = Verdict::Error;
        assert_eq!(Exit::of(&faulty), Exit::OwnFault);
        recorded.cells.retain(|cell| !cell.verdict.verified());
        assert_eq!(Exit::of(&recorded), Exit::NothingVerified);
        recorded.end = None;
        assert_eq!(Exit::of(&recorded), Exit::Incomplete);
    }

    #[test]
    fn a_machine_that_shrinks_fails_the_run_and_one_that_is_to_be_restarted_is_asked_for() {
        let mut recorded = sample::recorded();
        recorded.cells.retain(|cell| cell.outcome != Outcome::Regression);
        let trouble = |what, then| Trouble { what, seen: "s".into(), cells: vec![], then, lines: vec![] };
        recorded.troubles = vec![trouble(TroubleKind::Damage, Then::GoOn)];
        assert_eq!(Exit::of(&recorded), Exit::Success, "the cell that did it says so itself");
        recorded.troubles = vec![trouble(TroubleKind::Late, Then::GoOn)];
        assert_eq!(Exit::of(&recorded), Exit::Regression);
        recorded.troubles = vec![trouble(TroubleKind::Shrinks, Then::GoOn)];
        assert_eq!(Exit::of(&recorded), Exit::Regression);
        let asks = [Event::Run(recorded.run.clone()), Event::Trouble(trouble(TroubleKind::Damage, Then::Restart))];
        assert_eq!(Recorded::of(asks).map(|asks| Exit::of(&asks)), Some(Exit::RestartWanted));
    }
}
