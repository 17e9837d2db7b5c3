//! The difference of two runs for a terminal.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::causes::{CauseChange, How};
use super::model::{Change, Diff, Endpoint, Side};
use spec::lines::{counted, wrapped};

/// The number of cells of a group that are named: a fault of a helper shows in hundreds of cells.
const NAMED: usize = 6;

/// All of it.
pub fn text(diff: &Diff) -> String {
    let mut text = of_side("before", &diff.before) + &of_side("after ", &diff.after);
    let _ = writeln!(text, "\n{} in both, {} of them verified", counted(diff.common, "cell"), diff.verified);
    text += &causes(&diff.causes);
    text += &changes("new failures", &diff.broken);
    text += &changes("new refusals", &diff.refused);
    text += &endpoints("endpoints gone", "blocked", &diff.vanished);
    text += &in_short("fixed", &diff.fixed);
    text += &in_short("other changes", &diff.other);
    text += &endpoints("new endpoints", "blocked before", &diff.appeared);
    for (title, symbols, side) in
        [("map_dma_buf lost", &diff.lost, &diff.after), ("map_dma_buf gained", &diff.gained, &diff.before)]
    {
        if !symbols.is_empty() {
            let why = side.not_observed.as_ref().map_or(String::new(), |why| format!(" (nothing was observed: {why})"));
            text += "\n";
            text += &wrapped(&format!("{title}  "), &format!("{}{why}", symbols.join(", ")));
        }
    }
    text += &only("only before", &diff.only_before, &diff.vanished);
    text += &only("only after", &diff.only_after, &diff.appeared);
    if diff.is_same() {
        text += "nothing has changed\n";
    }
    text
}

fn of_side(name: &str, side: &Side) -> String {
    let board = side.board.as_deref().unwrap_or("no board file");
    let cut = match (&side.open, side.cut_short) {
        (Some(open), _) => format!(", cut short in {open}"),
        (None, true) => ", cut short".into(),
        (None, false) => String::new(),
    };
    let cells = counted(side.cells, "cell");
    wrapped(&format!("{name}  "), &format!("{board}, Linux {} {}, {cells}{cut}", side.kernel, side.architecture))
}

/// The causes that have changed, before the cells that they explain.
fn causes(changes: &[CauseChange]) -> String {
    let mut text = if changes.is_empty() { String::new() } else { format!("\ncauses ({})\n", changes.len()) };
    for change in changes {
        let known =
            if change.known.is_empty() { String::new() } else { format!(", known fault {}", change.known.join(", ")) };
        let cells = match change.how {
            How::New => counted(change.after, "cell"),
            How::Gone => counted(change.before, "cell"),
            How::Grown | How::Shrunk => format!("{} -> {}", change.before, counted(change.after, "cell")),
        };
        let what = format!("{}{known}: {cells}; {}", change.suspect, change.smallest);
        text += &wrapped(&format!("  {:6}  ", change.how.word()), &what);
    }
    text
}

/// The changes that a reader has to look at: each case with what was seen.
fn changes(title: &str, changes: &[Change]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{title} ({})\n", changes.len());
    for ((case, before, after), group) in by_case(changes) {
        let devices: Vec<String> = group.iter().map(|change| devices(change)).collect();
        text += &wrapped(&format!("  {case}  "), &format!("{before} -> {after}: {}", named(&devices)));
        if let Some(seen) = group.iter().find_map(|change| change.seen.as_ref()) {
            text += &wrapped("      ", seen);
        }
    }
    text
}

/// The other changes, cases that have changed for the same devices together: where a driver takes what it refused before,
/// nearly all of them have.
fn in_short(title: &str, changes: &[Change]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut groups: BTreeMap<(&str, &str, Vec<String>), Vec<String>> = BTreeMap::new();
    for ((case, before, after), group) in by_case(changes) {
        let devices = group.iter().map(|change| devices(change)).collect();
        groups.entry((before, after, devices)).or_default().push(case.to_owned());
    }
    let mut text = format!("\n{title} ({})\n", changes.len());
    for ((before, after, devices), cases) in groups {
        text += &wrapped(&format!("  {before} -> {after}  "), &named(&devices));
        text += &wrapped("      in ", &named(&cases));
    }
    text
}

/// The changes of each case and each pair of verdicts.
fn by_case(changes: &[Change]) -> BTreeMap<(&str, &str, &str), Vec<&Change>> {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&Change>> = BTreeMap::new();
    for change in changes {
        groups.entry((&change.case, change.before.word(), change.after.word())).or_default().push(change);
    }
    groups
}

/// Behind the case, the id has the devices.
fn devices(change: &Change) -> String {
    let devices = change.id.strip_prefix(&change.case).unwrap_or(&change.id);
    devices.trim_start_matches('.').replace('.', " to ")
}

/// The first few.
fn named(names: &[String]) -> String {
    match names.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{}, and {more} more", names[..NAMED].join(", ")),
    }
}

fn endpoints(title: &str, blocked: &str, endpoints: &[Endpoint]) -> String {
    if endpoints.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{title} ({})\n", endpoints.len());
    for endpoint in endpoints {
        let why = endpoint.blocked.as_ref().map_or(String::new(), |why| format!("{blocked}: {why}"));
        text += &wrapped(&format!("  {}  ", endpoint.key), &why);
    }
    text
}

/// Lists cells that only one run has: those of devices that the other does not have, and the rest by case.
fn only(title: &str, ids: &[String], alone: &[Endpoint]) -> String {
    if ids.is_empty() {
        return String::new();
    }
    let of_device = |id: &&String| id.split('.').skip(2).any(|key| alone.iter().any(|endpoint| endpoint.key == key));
    let (devices, rest): (Vec<&String>, Vec<&String>) = ids.iter().partition(of_device);
    let mut text = format!("\n{title} ({})\n", counted(ids.len(), "cell"));
    if !devices.is_empty() {
        let _ = writeln!(text, "  {} with an endpoint that the other run has not", counted(devices.len(), "cell"));
    }
    // The other run had not these cases, or was asked for others: by area, where they are many.
    let by = |parts: usize| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for id in &rest {
            *counts.entry(id.split('.').take(parts).collect::<Vec<_>>().join(".")).or_default() += 1;
        }
        counts
    };
    let (what, counts) = if by(2).len() > 2 * NAMED { ("area", by(1)) } else { ("case", by(2)) };
    let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} ({count})")).collect();
    if !counts.is_empty() {
        text += &wrapped(&format!("  by {what}: "), &counts.join(", "));
    }
    text
}
