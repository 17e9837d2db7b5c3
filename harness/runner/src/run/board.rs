//! What a board file and the known faults make of a verdict, and what a run says of its board.

use std::path::Path;

use event::known::KnownFaults;
use event::{Finding, Oracle, OracleState};
use spec::board::{Board, Expect};
use spec::verdict::{Outcome, Verdict};

/// A verdict compared with what is known of the board and of its kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The outcome.
    pub outcome: Outcome,
    /// The reason why it, or something else, was expected.
    pub reason: Option<String>,
    /// The findings of `fixtures/findings` that explain the failure.
    pub known: Vec<String>,
}

/// Compares a verdict with the board file and the known faults of the kernel. Without a board file, only what is broken
/// and not known is unexpected.
///
/// Decided, in this order, by an entry of the board file's `cells`; a known fault that shows; one of the board file's
/// `known` that should have shown; its `pairs`.
pub fn outcome(
    expect: Option<&Expect>,
    known: &KnownFaults,
    id: &str,
    verdict: Verdict,
    findings: &[Finding],
) -> Judged {
    let judged =
        |outcome, reason: Option<&str>| Judged { outcome, reason: reason.map(str::to_owned), known: Vec::new() };
    let worst = findings.iter().filter(|finding| finding.verdict == verdict);
    let seen: Vec<&str> = worst.map(|finding| finding.seen.as_str()).collect();
    if let Some((outcome, reason)) = expect.and_then(|expect| expect.by_cells(id, verdict, &seen)) {
        return judged(outcome, reason);
    }
    if let Some(explained) = verdict.broken().then(|| known.explain(id, findings)).flatten() {
        let outcome = if explained.sometimes { Outcome::Flake } else { Outcome::Expected };
        return Judged { outcome, reason: Some(explained.reason), known: explained.names };
    }
    let Some(expect) = expect else {
        return judged(if verdict.broken() { Outcome::Regression } else { Outcome::Expected }, None);
    };
    // An import may be refused without ending the cell.
    let refused = findings.iter().any(|finding| finding.oracle == Oracle::Refusal);
    let (outcome, reason) = expect.by_pairs(id, verdict, refused, &seen);
    if let Some(fault) = known.not_shown(&expect.known, id) {
        // Another pair of the cell's endpoints may have ended it before the fault could show.
        let by_pair = fault.of_pairs && outcome == Outcome::Expected && reason.is_some();
        match verdict {
            _ if by_pair => {}
            Verdict::Pass if fault.sometimes => return judged(Outcome::Flake, Some(&fault.reason)),
            Verdict::Pass => return judged(Outcome::UnexpectedPass, Some(&fault.reason)),
            _ => return judged(Outcome::Regression, Some(&fault.reason)),
        }
    }
    judged(outcome, reason)
}

/// Returns the event of a run: what runs, on what.
pub fn about(board: Option<&Board>, cells: usize, oracles: Vec<OracleState>, plan_ms: u64) -> event::Run {
    let (kernel, architecture) = uapi::process::kernel().unwrap_or_default();
    event::Run {
        version: event::VERSION,
        program: env!("CARGO_PKG_VERSION").into(),
        board: board.map(|board| board.name.clone()),
        real: board.is_some_and(|board| board.emulate.is_none() && board.like.is_none()),
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
    use event::EndpointFound;
    use spec::finding::FindingPage;

    fn board(text: &str) -> Expect {
        let text = format!("name: b\ndescription: d\narchitecture: x86_64\nexpect:\n{text}");
        Board::parse(Path::new("b.yaml"), &text).unwrap().expect
    }

    const PAGE: &str = "---
title: A title
status: not-sent
faults:
  - cells: [mapping.whole.*]
    exporter: {drivers: [vgem]}
    kernels: {since: \"6.1\", until: \"6.12\"}
    verdict: [fail]
    seen: [page 0]
    cause: it counts from the wrong page
  - cells: [mapping.now-and-then.**]
    kernels: {since: \"6.1\", until: \"6.12\"}
    verdict: [fail]
    seen: [page 0]
    cause: it counts from the wrong page
    sometimes: true
---
# A title
";

    fn known_on(release: &str) -> KnownFaults {
        let page = FindingPage::parse(Path::new("wrong-page.md"), PAGE).unwrap();
        let endpoint = |driver: &str| EndpointFound {
            key: format!("drm-{driver}"),
            driver: driver.into(),
            ..EndpointFound::default()
        };
        KnownFaults::on(vec![page], None, release, &[endpoint("vgem"), endpoint("udl")])
    }

    fn judge(expect: Option<&Expect>, release: &str, id: &str, verdict: Verdict, seen: &str) -> Judged {
        let finding = Finding::new(Oracle::Content, verdict, event::Blame::Exporter, seen, "the pattern");
        let findings: Vec<Finding> = (verdict != Verdict::Pass).then_some(finding).into_iter().collect();
        outcome(expect, &known_on(release), id, verdict, &findings)
    }

    #[test]
    fn a_board_without_a_machine_to_emulate_is_real() {
        let real = |more: &str| {
            let text = format!("name: b\ndescription: d\narchitecture: x86_64\n{more}");
            let run = about(Some(&Board::parse(Path::new("b.yaml"), &text).unwrap()), 1, Vec::new(), 1);
            (run.real, run.emulated().is_some())
        };
        let emulate = "emulate:\n  kernel: {suite: s, release: \"6\"}\n  \
            qemu: {machine: q35, cpu: max, processors: 1, memory: 1, console: c}\n";
        assert_eq!(real(""), (true, false));
        assert_eq!((real(emulate), real("like: debian-amd64\n")), ((false, true), (false, true)));
        assert_eq!(about(None, 1, Vec::new(), 1).emulated(), None);
    }

    #[test]
    fn without_a_board_file_only_what_is_broken_and_not_known_is_unexpected() {
        let of = |release, id, verdict, seen| judge(None, release, id, verdict, seen).outcome;
        assert_eq!(of("6.12.1", "a.b.c", Verdict::Refused, ""), Outcome::Expected);
        assert_eq!(of("6.12.1", "a.b.c", Verdict::Crash, ""), Outcome::Regression);
        let known = judge(None, "6.12.1", "mapping.whole.drm-vgem", Verdict::Fail, "page 0");
        assert_eq!((known.outcome, known.known), (Outcome::Expected, vec!["wrong-page".to_owned()]));
        let id = "mapping.whole.drm-vgem";
        assert_eq!(
            of("6.12.1", "mapping.whole.drm-udl", Verdict::Fail, "page 0"),
            Outcome::Regression,
            "another driver"
        );
        assert_eq!(of("6.12.1", id, Verdict::Fail, "page 1"), Outcome::Regression, "another text");
        assert_eq!(of("7.3.4", id, Verdict::Fail, "page 0"), Outcome::Regression, "another kernel");
        assert_eq!(of("6.12.1", id, Verdict::Crash, "page 0"), Outcome::Regression, "another verdict");
        assert_eq!(of("6.12.1", id, Verdict::Pass, ""), Outcome::Expected, "a distribution may have fixed it");
    }

    #[test]
    fn a_board_file_need_not_repeat_a_known_fault() {
        let of = |expect: &Expect, verdict| judge(Some(expect), "6.12.1", "mapping.whole.drm-vgem", verdict, "page 0");
        let silent = board("  endpoints: []\n");
        assert_eq!(
            (of(&silent, Verdict::Fail).outcome, of(&silent, Verdict::Pass).outcome),
            (Outcome::Expected, Outcome::Expected)
        );
        let named = board("  known: [wrong-page]\n");
        assert_eq!(of(&named, Verdict::Fail).known, ["wrong-page"]);
        let pass = of(&named, Verdict::Pass);
        assert_eq!((pass.outcome, pass.known.len()), (Outcome::UnexpectedPass, 0));
        assert!(pass.reason.unwrap().contains("wrong-page"));
        assert_eq!(of(&named, Verdict::NotObservable).outcome, Outcome::Regression);
    }

    #[test]
    fn the_board_file_s_own_entry_wins() {
        let own =
            board("  known: [wrong-page]\n  cells:\n    - {ids: [mapping.whole.*], verdict: [pass], reason: own}\n");
        let of = |verdict| judge(Some(&own), "6.12.1", "mapping.whole.drm-vgem", verdict, "page 0");
        assert_eq!((of(Verdict::Pass).outcome, of(Verdict::Pass).reason.as_deref()), (Outcome::Expected, Some("own")));
        assert_eq!((of(Verdict::Fail).outcome, of(Verdict::Fail).known.len()), (Outcome::Regression, 0));
    }

    #[test]
    fn a_refusal_is_not_a_known_fault_whatever_the_pairs_say() {
        let pairs = "  known: [wrong-page]\n  pairs:\n    - {exporters: [\"*\"], importers: [drm-udl], reason: pair}\n";
        let pairs = board(pairs);
        let of = |case: &str, seen| {
            judge(Some(&pairs), "6.12.1", &format!("{case}.drm-vgem.drm-udl"), Verdict::Refused, seen)
        };
        assert_eq!(of("mapping.now-and-then", "EINVAL").outcome, Outcome::Regression);
        let by_pair = of("mapping.other", "EINVAL");
        assert_eq!((by_pair.outcome, by_pair.reason.as_deref()), (Outcome::Expected, Some("pair")));
        // A fault of every case in which two endpoints meet is like a pair.
        let page = PAGE.replace("mapping.now-and-then.**", "\"*.*.*.**\"");
        let page = FindingPage::parse(Path::new("wrong-page.md"), &page).unwrap();
        let known = KnownFaults::on(vec![page], None, "6.12.1", &[]);
        let refused = Finding::new(Oracle::Refusal, Verdict::Refused, event::Blame::Nobody, "EINVAL", "it imports");
        let judged = outcome(Some(&pairs), &known, "mapping.other.drm-vgem.drm-udl", Verdict::Refused, &[refused]);
        assert_eq!((judged.outcome, judged.reason.as_deref()), (Outcome::Expected, Some("pair")));
    }

    #[test]
    fn a_fault_that_shows_now_and_then_is_a_flake_on_a_board_that_names_it() {
        let named = board("  known: [wrong-page]\n");
        let of = |verdict, seen| judge(Some(&named), "6.12.1", "mapping.now-and-then.drm-udl", verdict, seen).outcome;
        assert_eq!((of(Verdict::Fail, "page 0"), of(Verdict::Pass, "")), (Outcome::Flake, Outcome::Flake));
        assert_eq!(of(Verdict::Fail, "page 1"), Outcome::Regression);
    }
}
