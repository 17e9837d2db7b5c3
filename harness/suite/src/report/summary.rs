//! What a run ends with on a terminal: the grid, the unwanted in full, the known in short, the totals.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use document::case::Case;
use document::verdict::Verdict;

use super::paint::Paint;
use super::{exit, failure, grid, unwanted};
use crate::event::{CellEnd, EndpointFound};
use crate::exit::Exit;
use crate::journal::Recorded;

/// What there is to say of a machine without endpoints.
pub const NO_DEVICES: &str = "this machine has no DRM, V4L2, dma-heap or udmabuf device that shares buffers";

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

/// So many unwanted cells are told in full: more than a screen or two nobody reads.
const IN_FULL: usize = 12;

/// All of it.
pub fn text(recorded: &Recorded) -> String {
    painted(recorded, Paint::Plain)
}

/// All of it, with colours.
pub fn painted(recorded: &Recorded, paint: Paint) -> String {
    let board = recorded.run.board.as_deref();
    let mut text = String::new();
    let load = super::load::text(recorded);
    if !load.is_empty() {
        text += &load;
    } else if !recorded.cells.is_empty() {
        text += &grid::text(recorded, paint);
        text.push('\n');
    }
    let unwanted: Vec<_> = recorded.cells.iter().filter(|cell| unwanted(cell.outcome)).collect();
    for cell in unwanted.iter().take(IN_FULL) {
        text += &failure::painted(cell, board, paint);
        text.push('\n');
    }
    for cell in unwanted.iter().skip(IN_FULL) {
        text += &(failure::title(cell, paint) + "\n");
    }
    if unwanted.len() > IN_FULL {
        let _ = writeln!(text, "each in full: prime-cts report RESULTS --cell ID\n");
    }
    text += &known(recorded);
    text += &unseen(recorded);
    for missing in &recorded.missing {
        let _ = writeln!(text, "missing  the {} {} is expected, and it was not there", missing.what, missing.name);
    }
    let times = |count: usize| if count == 1 { "once".to_owned() } else { format!("{count} times") };
    if recorded.restarts > 0 {
        let _ = writeln!(text, "the machine went down and was started again {}", times(recorded.restarts));
    }
    text += &damaged(recorded);
    for open in &recorded.open {
        let _ = writeln!(text, "open     {open} was running when the run was cut short");
    }
    text += &implementations(recorded);
    text += &device_access(recorded);
    text += &totals(recorded, paint);
    text
}

/// How many cells ran on a kernel that was not to be trusted any more, and since when.
fn damaged(recorded: &Recorded) -> String {
    let mut by: BTreeMap<&str, usize> = BTreeMap::new();
    recorded.cells.iter().filter_map(|cell| cell.damaged_by.as_deref()).for_each(|id| *by.entry(id).or_default() += 1);
    let line = |(by, count): (&str, usize)| format!("damaged  the kernel, by {by}: {} ran after it\n", cells(count));
    by.into_iter().map(line).collect()
}

fn cells(count: usize) -> String {
    if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") }
}

/// Known findings, one line a case and a reason.
fn known(recorded: &Recorded) -> String {
    let mut by_reason: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for cell in recorded.cells.iter().filter(|cell| cell.verdict.broken() && !unwanted(cell.outcome)) {
        let who = [&cell.exporter, &cell.importer, &cell.second_importer]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" to ");
        by_reason.entry((&cell.case, cell.reason.as_deref().unwrap_or(""))).or_default().push(who);
    }
    let lines = by_reason
        .into_iter()
        .map(|((case, reason), who)| format!("known    {case}: {}\n         {}\n", who.join(", "), reason.trim()));
    lines.collect()
}

/// So many reasons are told.
const REASONS: usize = 6;

/// Why cells verified nothing and how many, the most frequent reason first.
pub fn reasons(recorded: &Recorded) -> Vec<((Verdict, &str), usize)> {
    let mut by_reason: BTreeMap<(Verdict, &str), usize> = BTreeMap::new();
    let unseen = |verdict| matches!(verdict, Verdict::NotObservable | Verdict::Blocked);
    for cell in recorded.cells.iter().filter(|cell| unseen(cell.verdict) && !unwanted(cell.outcome)) {
        if let Some(finding) = cell.findings.iter().find(|finding| finding.verdict == cell.verdict) {
            *by_reason.entry((cell.verdict, &finding.seen)).or_default() += 1;
        }
    }
    let mut reasons: Vec<_> = by_reason.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    reasons
}

/// Why cells verified nothing, one line a reason.
fn unseen(recorded: &Recorded) -> String {
    let reasons = reasons(recorded);
    let lines = reasons.iter().take(REASONS);
    let mut text: String =
        lines.map(|((verdict, why), count)| format!("{verdict}  {}: {why}\n", cells(*count))).collect();
    if let Some(more) = reasons.get(REASONS..).filter(|more| !more.is_empty()) {
        let count: usize = more.iter().map(|(_, count)| count).sum();
        text += &format!("and {} for {} other reasons\n", cells(count), more.len());
    }
    text
}

/// The map_dma_buf implementations that the run went through, in a line.
pub fn implementations(recorded: &Recorded) -> String {
    let cells = recorded.cells.iter().flat_map(|cell| &cell.map_dma_buf);
    let at_start = recorded.endpoints.iter().filter_map(|endpoint| endpoint.map_dma_buf.as_ref());
    let names: BTreeSet<&str> = cells.chain(at_start).filter_map(|found| found.symbol.as_deref()).collect();
    if names.is_empty() {
        return String::new();
    }
    format!("{} map_dma_buf implementations: {}\n", names.len(), names.into_iter().collect::<Vec<_>>().join(", "))
}

/// In how many cells devices read and wrote buffers by themselves. In the others only the CPU did.
pub fn device_access(recorded: &Recorded) -> String {
    let by = |how: &str| {
        let did = recorded.cells.iter().filter(|cell| cell.device_access.iter().any(|done| done == how));
        did.filter(|cell| cell.verdict.verified()).collect::<Vec<_>>()
    };
    let (read, wrote) = (by("read"), by("write"));
    let pair = |cell: &&&CellEnd| Some((cell.exporter.clone()?, cell.importer.clone()?));
    let pairs: BTreeSet<_> = read.iter().chain(&wrote).filter_map(|cell| pair(&cell)).collect();
    if pairs.is_empty() {
        return String::new();
    }
    let either: BTreeSet<&str> = read.iter().chain(&wrote).map(|cell| cell.id.as_str()).collect();
    let pairs = if pairs.len() == 1 { "1 pair".to_owned() } else { format!("{} pairs", pairs.len()) };
    format!("devices read in {} and wrote in {} of {} cells, in {pairs}\n", read.len(), wrote.len(), either.len())
}

fn totals(recorded: &Recorded, paint: Paint) -> String {
    let one = |(verdict, count): &(Verdict, usize)| paint.verdict(*verdict, &format!("{count} {verdict}"));
    let by_verdict: Vec<String> = counts(&recorded.cells).iter().map(one).collect();
    let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1000.0);
    let mut text = format!("{} of {} cells: {}\n", recorded.cells.len(), recorded.run.cells, by_verdict.join(", "));
    text += &format!("{}\n", conclusion(recorded));
    if let Some(end) = &recorded.end {
        let cost = end.own_ms.map_or(String::new(), |own| {
            let each = own as f64 / recorded.cells.len().max(1) as f64;
            format!(", {} of it beside their steps ({each:.1} ms a cell)", seconds(own))
        });
        let memory = end.peak_kib.map_or(String::new(), |peak| format!(", {:.1} MiB at most", peak as f64 / 1024.0));
        let plan = seconds(recorded.run.plan_ms);
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

/// How a run ended, in a sentence.
pub fn conclusion(recorded: &Recorded) -> String {
    let bad = recorded.cells.iter().filter(|cell| unwanted(cell.outcome)).count() + recorded.missing.len();
    let verified = recorded.cells.iter().filter(|cell| cell.verdict.verified()).count();
    match exit(recorded) {
        Exit::Incomplete => "the run was cut short: its journal has no end".into(),
        Exit::NothingVerified if recorded.endpoints.is_empty() => format!("nothing was verified: {NO_DEVICES}"),
        Exit::NothingVerified => "nothing was verified: no cell could look at its rule".into(),
        Exit::OwnFault => "prime-cts itself is at fault in the cells that ended in 'error'".into(),
        _ if bad == 0 => format!("{verified} verified, every outcome as expected"),
        _ => format!("{verified} verified, {bad} not as expected"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use document::verdict::Outcome;

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
