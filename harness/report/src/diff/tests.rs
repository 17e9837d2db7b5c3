use spec::verdict::Outcome;

use super::*;
use event::exit::Exit;
use event::journal::Recorded;
use event::sample;
use event::{Blame, EndpointFound};
use event::{MapDmaBuf, OracleState};
use spec::verdict::Verdict;

/// A run of these cells, on two endpoints.
fn run(cells: &[(&str, Verdict)]) -> Recorded {
    let mut run = sample::recorded();
    run.cells = cells.iter().map(|(id, verdict)| sample::cell(id, *verdict, Outcome::Expected)).collect();
    run
}

fn ids(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.id.as_str()).collect()
}

fn one(before: Verdict, after: Verdict) -> Diff {
    between(&run(&[("a.b.drm-a", before)]), &run(&[("a.b.drm-a", after)]))
}

#[test]
fn runs_that_tell_the_same_differ_in_nothing() {
    let run = sample::recorded();
    let diff = between(&run, &run);
    assert_eq!((diff.is_same(), diff.common, diff.verified, diff.exit()), (true, 5, 2, Exit::Success));
    assert!(text(&diff).ends_with("5 cells in both, 2 of them verified\nnothing has changed\n"), "{}", text(&diff));
}

#[test]
fn each_change_of_verdict_is_of_one_sort() {
    use Verdict::{Blocked, Crash, Error, Fail, NotObservable, Pass, Refused, Timeout};
    for (before, after, sort) in [
        (Pass, Fail, "broken"),
        (Refused, Crash, "broken"),
        (NotObservable, Timeout, "broken"),
        (Fail, Crash, "broken"),
        (Blocked, Error, "broken"),
        (Fail, Pass, "fixed"),
        (Crash, Pass, "fixed"),
        (Pass, Refused, "refused"),
        (Fail, Refused, "refused"),
        (Blocked, Refused, "refused"),
        (Refused, Pass, "other"),
        (Pass, NotObservable, "other"),
        (Pass, Blocked, "other"),
        (Crash, Fail, "other"),
        (Fail, NotObservable, "other"),
    ] {
        let diff = one(before, after);
        let sorts =
            [("broken", &diff.broken), ("fixed", &diff.fixed), ("refused", &diff.refused), ("other", &diff.other)];
        let found: Vec<&str> = sorts.iter().filter(|(_, list)| !list.is_empty()).map(|(name, _)| *name).collect();
        assert_eq!(found, [sort], "{before} -> {after}");
        let bad = matches!(sort, "broken" | "refused");
        assert_eq!(diff.exit() == Exit::Regression, bad, "{before} -> {after}");
    }
}

#[test]
fn a_new_failure_is_told_with_what_was_seen() {
    let text = text(&one(Verdict::Pass, Verdict::Fail));
    assert!(text.contains("\nnew failures (1)\n  a.b  pass -> fail: drm-a\n      byte 8192: saw the bytes"), "{text}");
}

#[test]
fn each_side_says_where_it_was() {
    let (before, mut after) = (run(&[]), run(&[]));
    (after.run.kernel, after.run.board) = ("7.3.4".into(), None);
    (after.end, after.open) = (None, vec!["fd.size.drm-a".into()]);
    let diff = between(&before, &after);
    let text = text(&diff);
    assert!(
        text.starts_with("before  b, Linux 6.12 x86_64, 0 cells\nafter   no board file, Linux 7.3.4 x86_64, 0"),
        "{text}"
    );
    assert!(text.contains("0 cells, cut short in fd.size.drm-a\n"), "{text}");
    assert_eq!(diff.exit(), Exit::Incomplete);
}

#[test]
fn cells_of_one_run_alone_are_kept_apart() {
    let before = run(&[("a.b.drm-a", Verdict::Pass), ("a.old.drm-a", Verdict::Pass), ("a.b.drm-gone", Verdict::Pass)]);
    let mut after = run(&[("a.b.drm-a", Verdict::Pass), ("a.new.drm-a", Verdict::Fail)]);
    let mut gone = before.clone();
    gone.endpoints.push(EndpointFound { key: "drm-gone".into(), ..EndpointFound::default() });
    let diff = between(&gone, &after);
    assert_eq!((diff.common, diff.only_after.as_slice()), (1, ["a.new.drm-a".to_owned()].as_slice()));
    assert_eq!(diff.only_before, ["a.b.drm-gone", "a.old.drm-a"]);
    assert_eq!(diff.broken, [], "a case that is new is not a new failure");
    let said = text(&diff);
    assert!(said.contains("\nonly before (2 cells)\n  1 cell with an endpoint that the other run has not\n"), "{said}");
    assert!(said.contains("  by case: a.old (1)\n") && said.contains("  by case: a.new (1)\n"), "{said}");
    after.cells.clear();
    assert_eq!(between(&before, &after).exit(), Exit::NothingVerified, "nothing was compared");
}

#[test]
fn an_endpoint_that_is_gone_or_blocked_is_a_regression_and_a_new_one_is_none() {
    let before = sample::recorded();
    let mut gone = before.clone();
    gone.endpoints.pop();
    let diff = between(&before, &gone);
    assert_eq!((diff.vanished[0].key.as_str(), diff.exit()), ("drm-b", Exit::Regression));
    let diff = between(&gone, &before);
    assert_eq!((diff.appeared[0].key.as_str(), diff.vanished.len(), diff.exit()), ("drm-b", 0, Exit::Success));
    let mut blocked = before.clone();
    blocked.endpoints[1].blocked = Some("no permission".into());
    let diff = between(&before, &blocked);
    assert_eq!((diff.vanished[0].blocked.as_deref(), diff.exit()), (Some("no permission"), Exit::Regression));
    assert!(text(&diff).contains("\nendpoints gone (1)\n  drm-b  blocked: no permission\n"), "{}", text(&diff));
    assert!(text(&between(&blocked, &before)).contains("  drm-b  blocked before: no permission\n"));
}

#[test]
fn only_what_was_observed_can_be_lost_or_gained() {
    let before = sample::recorded();
    let mut after = before.clone();
    let found = |symbol: &str, observed| MapDmaBuf { symbol: Some(symbol.into()), exp_name: "x".into(), observed };
    after
        .cells
        .iter_mut()
        .for_each(|cell| cell.map_dma_buf = vec![found("new_map", true), found("guessed_map", false)]);
    after.run.oracles = vec![OracleState { oracle: "map_dma_buf".into(), missing: Some("not root".into()) }];
    let diff = between(&before, &after);
    assert_eq!(
        (diff.lost.as_slice(), diff.gained.as_slice()),
        (["drm_gem_map_dma_buf".to_owned()].as_slice(), ["new_map".to_owned()].as_slice())
    );
    let text = text(&diff);
    assert!(text.contains("map_dma_buf lost  drm_gem_map_dma_buf (nothing was observed: not root)\n"), "{text}");
    assert!(text.contains("map_dma_buf gained  new_map\n"), "{text}");
}

#[test]
fn hundreds_of_changes_are_told_in_a_few_lines() {
    let make = |verdict| {
        let cells = (0..40).flat_map(|case| (0..20).map(move |device| format!("a.c{case}.drm-x.drm-{device}")));
        let ids: Vec<String> = cells.collect();
        run(&ids.iter().map(|id| (id.as_str(), verdict)).collect::<Vec<_>>())
    };
    let diff = between(&make(Verdict::Refused), &make(Verdict::Pass));
    assert_eq!(diff.other.len(), 800);
    let text = text(&diff);
    assert!(text.contains("  refused -> pass  drm-x to drm-0, ") && text.contains(", and 14 more\n"), "{text}");
    assert!(text.contains("      in a.c0, a.c1, a.c10, a.c11, a.c12, a.c13, and 34 more\n"), "{text}");
    assert!(text.lines().count() < 12 && text.lines().all(|line| line.len() <= 100), "{text}");
    let empty = run(&[]);
    assert!(super::text(&between(&empty, &make(Verdict::Pass))).contains("  by area: a (800)\n"));
}

#[test]
fn the_json_form_has_its_version_and_every_id() {
    let diff = one(Verdict::Pass, Verdict::Crash);
    assert_eq!(ids(&diff.broken), ["a.b.drm-a"]);
    let json = serde_json::to_value(&diff).unwrap();
    assert_eq!((&json["version"], &json["broken"][0]["before"]), (&1.into(), &"pass".into()));
    assert_eq!((&json["broken"][0]["after"], &json["after"]["kernel"]), (&"crash".into(), &"6.12".into()));
}

#[test]
fn causes_are_new_grown_and_gone() {
    // One importer fails, with these exporters.
    let run = |exporters: &[&str]| {
        let mut run = sample::recorded();
        let keys = ["drm-a", "drm-b", "drm-c", "drm-e"];
        let cell = |importer: &str, exporter: &str| {
            let id = format!("leaks.import.{exporter}.{importer}");
            let (verdict, outcome) = match importer == "drm-b" && exporters.contains(&exporter) {
                true => (Verdict::Fail, Outcome::Regression),
                false => (Verdict::Pass, Outcome::Expected),
            };
            let mut cell = sample::cell(&id, verdict, outcome);
            cell.findings.iter_mut().for_each(|finding| finding.blame = Blame::Undecided);
            cell
        };
        run.cells = keys.iter().flat_map(|one| keys.map(|other| cell(one, other))).collect();
        run
    };
    let of = |before: &[&str], after: &[&str]| -> Vec<(&'static str, usize, usize)> {
        let diff = between(&run(before), &run(after));
        assert_eq!(text(&diff).contains("causes ("), !diff.causes.is_empty(), "{}", text(&diff));
        diff.causes.iter().map(|change| (change.how.word(), change.before, change.after)).collect()
    };
    let (some, more) = (["drm-a", "drm-b", "drm-c"], ["drm-a", "drm-b", "drm-c", "drm-e"]);
    assert_eq!(of(&[], &some), [("new", 0, 3)]);
    assert_eq!(of(&some, &[]), [("gone", 3, 0)]);
    assert_eq!(of(&some, &more), [("grown", 3, 4)]);
    assert_eq!(of(&more, &some), [("shrunk", 4, 3)]);
    assert_eq!(of(&some, &some), []);
}
