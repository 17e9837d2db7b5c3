//! What a board file makes of a verdict, and what a run says of its board.

use std::path::Path;

use event::{Finding, Oracle, OracleState};
use spec::board::{Board, Expect};
use spec::verdict::{Outcome, Verdict};

/// Compares a verdict with the board file. Without one, only what is broken is unexpected.
pub fn outcome<'a>(
    expect: Option<&'a Expect>,
    id: &str,
    verdict: Verdict,
    findings: &[Finding],
) -> (Outcome, Option<&'a str>) {
    match expect {
        Some(expect) => {
            // An import may be refused without ending the cell.
            let refused = findings.iter().any(|finding| finding.oracle == Oracle::Refusal);
            let worst = findings.iter().filter(|finding| finding.verdict == verdict);
            let seen: Vec<&str> = worst.map(|finding| finding.seen.as_str()).collect();
            expect.outcome(id, verdict, refused, &seen)
        }
        None if verdict.broken() => (Outcome::Regression, None),
        None => (Outcome::Expected, None),
    }
}

/// What runs, on what.
pub fn about(board: Option<&Board>, cells: usize, oracles: Vec<OracleState>, plan_ms: u64) -> event::Run {
    let (kernel, architecture) = uapi::process::kernel().unwrap_or_default();
    event::Run {
        version: event::VERSION,
        program: env!("CARGO_PKG_VERSION").into(),
        board: board.map(|board| board.name.clone()),
        kernel,
        architecture,
        cmdline: std::fs::read_to_string("/proc/cmdline").unwrap_or_default().trim().into(),
        taint: kernel_log::taint(Path::new("/proc")),
        oracles,
        cells,
        plan_ms,
        part: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_board_file_only_what_is_broken_is_unexpected() {
        assert_eq!(outcome(None, "a.b.c", Verdict::Refused, &[]).0, Outcome::Expected);
        assert_eq!(outcome(None, "a.b.c", Verdict::Crash, &[]).0, Outcome::Regression);
    }
}
