//! What ends a cell before its last step.

use event::{Blame, Finding, Oracle};
use spec::verdict::Verdict;

/// A finding that ends the cell.
pub struct Stop(pub Box<Finding>);

impl Stop {
    pub fn new(
        oracle: Oracle,
        verdict: Verdict,
        blame: Blame,
        seen: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self(Box::new(Finding::new(oracle, verdict, blame, seen, expected)))
    }

    pub fn fail(oracle: Oracle, blame: Blame, seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self(Box::new(Finding::fail(oracle, blame, seen, expected)))
    }

    /// A refusal that is documented. Whether this device may refuse, the board file says; without one, any may.
    pub fn refused(seen: impl Into<String>) -> Self {
        let expected = "success, or a refusal that the board file expects";
        Self::new(Oracle::Refusal, Verdict::Refused, Blame::Nobody, seen, expected)
    }

    pub fn blocked(oracle: Oracle, seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self(Box::new(Finding::blocked(oracle, seen, expected)))
    }

    pub fn not_observable(oracle: Oracle, seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self(Box::new(Finding::not_observable(oracle, seen, expected)))
    }

    pub fn suite(seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self(Box::new(Finding::suite(seen, expected)))
    }
}
