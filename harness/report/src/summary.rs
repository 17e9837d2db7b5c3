//! What a run ends with on a terminal: the grid, the unwanted in full, the known in short, the totals.

use std::collections::BTreeMap;
use std::fmt::Write;

use spec::case::Case;
use spec::finding::{FindingPage, PageKind, Status};
use spec::verdict::Verdict;

use super::gathered::Gathered;
use super::paint::Paint;
use super::{causes, failure, grid};
use event::journal::{Head, Recorded};
use event::{CellEnd, EndpointFound, Then, Trouble};
use spec::lines::counted;

/// The devices with what each can do.
pub fn endpoints(found: &[EndpointFound]) -> String {
    let width = found.iter().map(|endpoint| endpoint.key.len()).max().unwrap_or(0);
    let mut text = String::new();
    for endpoint in found {
        let does = match (endpoint.exports, endpoint.imports) {
            (true, true) => "exports, imports",
            (true, false) => "exports",
            (false, true) => "imports",
            (false, false) => "",
        };
        let through = endpoint.map_dma_buf.as_ref().map_or(String::new(), |found| {
            let how = if found.observed { "" } else { " (inferred)" };
            format!("{}{how}", found.symbol.as_deref().unwrap_or(&found.exp_name))
        });
        let blocked = endpoint.blocked.as_ref().map_or(String::new(), |why| format!("blocked: {why}"));
        let line = format!("{:width$}  {does:16}  {through}{blocked}", endpoint.key);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// The cases by area, each with its rule.
pub fn cases(cases: &[Case]) -> String {
    let mut areas: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    cases.iter().for_each(|case| areas.entry(&case.area).or_default().push(case));
    let width = cases.iter().map(|case| case.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (area, cases) in &areas {
        let _ = writeln!(text, "{area} ({})", cases.len());
        for case in cases {
            let _ = writeln!(text, "  {:width$}  {}", case.name, case.rule.trim());
        }
    }
    let _ = writeln!(text, "{} cases in {} areas", cases.len(), areas.len());
    text
}

/// The findings that explain failures, and those that no cell shows.
pub fn findings(pages: &[FindingPage]) -> String {
    let pages = || pages.iter().filter(|page| page.kind == PageKind::Fault);
    let width = pages().map(|page| page.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for page in pages() {
        let status = page.status.map_or("", Status::word);
        let kernels = page.kernels();
        let kernels = if kernels.is_empty() { String::new() } else { format!("; kernels {kernels}") };
        let _ = writeln!(text, "{:width$}  {}{kernels}; {status}", page.name, page.title);
    }
    let explain = pages().filter(|page| !page.faults.is_empty()).count();
    let _ = writeln!(text, "{}, {explain} of which explain failures", counted(pages().count(), "finding"));
    text
}

/// All of it.
pub fn text(recorded: &Recorded) -> String {
    painted(recorded, &Gathered::of(recorded), Paint::Plain)
}

/// All of it, with colours.
pub fn painted(head: &Head, gathered: &Gathered, paint: Paint) -> String {
    let board = head.run.emulated();
    let mut text = String::new();
    let load = super::load::text(&gathered.load);
    if !load.is_empty() {
        text += &load;
    } else if gathered.tally.cells > 0 {
        text += &grid::text(&gathered.standings, paint);
        text.push('\n');
    }
    let causes = gathered.causes(head);
    text += &causes::painted(&causes, board, paint);
    let by_cell = causes::ByCell::of(&causes);
    for cell in &gathered.in_full {
        text += &failure::with_cause(cell, board, paint, by_cell.cause(&cell.id));
        text.push('\n');
    }
    for (id, verdict, outcome) in gathered.titles.iter().take(TITLES) {
        text += &(failure::title(id, *verdict, *outcome, paint) + "\n");
    }
    if let Some(more) = gathered.titles.len().checked_sub(TITLES).filter(|more| *more > 0) {
        let _ = writeln!(text, "and {more} more");
    }
    if !gathered.titles.is_empty() {
        let _ = writeln!(text, "each in full: prime-cts report RESULTS --cell ID\n");
    }
    for (reason, count) in &gathered.held_back {
        let _ = writeln!(text, "blocked  {}, {reason}", counted(*count, "cell"));
    }
    for ((case, reason), who) in &gathered.known {
        let _ = writeln!(text, "known    {case}: {}\n         {}", who.join(", "), reason.trim());
    }
    text += &gathered.latent_faults();
    text += &unseen(&gathered.reasons());
    for missing in &head.missing {
        let _ = writeln!(text, "missing  the {} {} is expected, and it was not there", missing.what, missing.name);
    }
    for told in &head.troubles {
        text += &trouble(told);
    }
    let times = |count: usize| if count == 1 { "once".to_owned() } else { format!("{count} times") };
    if head.restarts > 0 {
        let _ = writeln!(text, "the machine went down and was started again {}", times(head.restarts));
    }
    for (by, count) in &gathered.damaged {
        let _ = writeln!(text, "damaged  the kernel, by {by}: {} ran after it", counted(*count, "cell"));
    }
    for open in &head.open {
        let _ = writeln!(text, "open     {open} was running when the run was cut short");
    }
    text += &gathered.implementations(head);
    text += &gathered.device_access();
    text += &causes::in_short(&causes);
    text += &gathered.undecided();
    text += &totals(head, gathered, paint);
    text
}

/// What has become of the machine, and what was done about it.
pub fn trouble(trouble: &Trouble) -> String {
    let then = match trouble.then {
        Then::Restart => "; it is to be restarted, and the run to be resumed with --resume",
        Then::GoOn => "",
        Then::Stop => "; the run ends here",
    };
    let after = if trouble.cells.is_empty() { String::new() } else { format!("after  {}", trouble.cells.join(", ")) };
    let mut text = format!("machine  {}{then}\n", trouble.seen);
    if !after.is_empty() {
        let _ = writeln!(text, "         {after}");
    }
    for line in trouble.lines.iter().take(LINES) {
        let _ = writeln!(text, "           {line}");
    }
    text
}

/// The most cells that are reported by their titles: causes say what they have in common.
const TITLES: usize = 24;

/// The most lines of the kernel's log with one trouble.
const LINES: usize = 24;

/// The most reasons that are reported.
const REASONS: usize = 6;

/// Lists why cells verified nothing, one line a reason.
fn unseen(reasons: &[((Verdict, &str), usize)]) -> String {
    let lines = reasons.iter().take(REASONS);
    let mut text: String =
        lines.map(|((verdict, why), count)| format!("{verdict}  {}: {why}\n", counted(*count, "cell"))).collect();
    if let Some(more) = reasons.get(REASONS..).filter(|more| !more.is_empty()) {
        let count: usize = more.iter().map(|(_, count)| count).sum();
        text += &format!("and {} for {} other reasons\n", counted(count, "cell"), more.len());
    }
    text
}

fn totals(head: &Head, gathered: &Gathered, paint: Paint) -> String {
    let one = |(verdict, count): &(Verdict, usize)| paint.verdict(*verdict, &format!("{count} {verdict}"));
    let by_verdict: Vec<String> = gathered.counts().iter().map(one).collect();
    let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1000.0);
    let mut text = format!("{} of {} cells: {}\n", gathered.tally.cells, head.run.cells, by_verdict.join(", "));
    text += &format!("{}\n", gathered.conclusion(head));
    if let Some(end) = &head.end {
        let cost = end.own_ms.map_or(String::new(), |own| {
            let each = own as f64 / gathered.tally.cells.max(1) as f64;
            format!(", {} of it outside their steps ({each:.1} ms a cell)", seconds(own))
        });
        let memory = end.peak_kib.map_or(String::new(), |peak| format!(", {:.1} MiB at most", peak as f64 / 1024.0));
        let plan = seconds(head.run.plan_ms);
        text += &format!("plan {plan}, cells {}{cost}{memory}\n", seconds(end.cells_ms));
    }
    text
}

/// The cells of each verdict that there is, from the best to the worst.
pub fn counts<'a>(cells: impl IntoIterator<Item = &'a CellEnd>) -> Vec<(Verdict, usize)> {
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    cells.into_iter().for_each(|cell| *counts.entry(cell.verdict).or_default() += 1);
    counts.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::sample;
    use spec::verdict::Outcome;

    #[test]
    fn the_unwanted_is_told_in_full_and_the_known_in_short() {
        let text = text(&sample::recorded());
        assert!(text.contains("crash  leaks.import.drm-b.drm-a (regression)"), "{text}");
        assert!(text.contains("known    mapping.at-offset: drm-a\n         known since 5.0"), "{text}");
        assert!(!text.contains("fail  mapping.at-offset"), "{text}");
        assert!(text.contains("5 of 5 cells: 1 pass, 1 refused, 1 not-observable, 1 fail, 1 crash"), "{text}");
        assert!(text.contains("2 verified, 1 not as expected"), "{text}");
    }

    #[test]
    fn known_faults_are_named_and_counted() {
        let mut recorded = sample::recorded();
        let reason = "known fault wrong-page (kernels since 6.1): it counts from the wrong page";
        let cell = recorded.cells.iter_mut().find(|cell| cell.verdict == Verdict::Fail).unwrap();
        (cell.known, cell.reason) = (vec!["wrong-page".into()], Some(reason.into()));
        let text = text(&recorded);
        assert!(text.contains(&format!("known    mapping.at-offset: drm-a\n         {reason}\n")), "{text}");
        assert!(text.contains("2 verified, 1 not as expected; 1 cell with a known fault of the kernel\n"), "{text}");
    }

    #[test]
    fn cells_on_a_damaged_kernel_are_counted() {
        let mut recorded = sample::recorded();
        recorded.cells.iter_mut().skip(3).for_each(|cell| cell.damaged_by = Some("a.b.c (B: bad page)".into()));
        assert!(text(&recorded).contains("damaged  the kernel, by a.b.c (B: bad page): 2 cells ran after it\n"));
    }

    #[test]
    fn why_nothing_was_seen_is_told_once_a_reason() {
        let mut recorded = sample::recorded();
        let unseen = |id: usize, why: &str| {
            let mut cell = sample::cell(&format!("pages.pin.drm-{id}"), Verdict::Blocked, Outcome::Expected);
            cell.findings[0].seen = why.into();
            cell
        };
        recorded.cells.extend((0..9).map(|id| unseen(id, if id < 3 { "no node" } else { ["a", "b", "c"][id % 3] })));
        recorded.cells.extend((9..14).map(|id| unseen(id, &format!("strange {id}"))));
        let text = text(&recorded);
        assert!(text.contains("blocked  3 cells: no node\n"), "{text}");
        assert!(text.contains("and 4 cells for 4 other reasons\n"), "{text}");
    }

    #[test]
    fn a_machine_without_devices_is_told_so() {
        let mut recorded = sample::recorded();
        recorded.endpoints.clear();
        recorded.cells.clear();
        assert!(super::text(&recorded).contains("this machine has no DRM, V4L2"));
    }
}
