//! The end of the machine in a cell, by what the kernel said last.

use kernel_log::{Record, Splat, SplatKind, records_of_console, splats};
use spec::verdict::Verdict;

use crate::blame::Drivers;
use crate::finding::{Blame, Finding, Oracle};

/// The machine's end in a cell.
pub fn crash(last: Option<&Splat>, drivers: &Drivers) -> Finding {
    let nothing = ("its last words are not known", &[][..]);
    let (title, lines) = last.map_or(nothing, |splat| (&splat.title, &splat.lines));
    Finding {
        oracle: Oracle::Machine,
        verdict: Verdict::Crash,
        step: None,
        expected: "the kernel keeps running".into(),
        seen: format!("it went down and was rebooted: {title}"),
        blame: last.map_or(Blame::Undecided, |splat| drivers.blamed_for(splat)),
        lines: lines.to_vec(),
        latent: false,
    }
}

/// The kernel's reports in the words since a cell began, as one: the first is the cause, and the others come of it.
pub fn words_of_cell(log: &str) -> Option<Splat> {
    joined(splats(&records_of_console(log)))
}

/// The kernel's last reports in a log of which it is not known where the cell began that was running: the last one, with
/// those before it that lead to such an end and are not long ago. Cells are short, so that a mere warning may be of a cell
/// before.
pub fn last_words_of(log: &str) -> Option<Splat> {
    let records = records_of_console(log);
    let all = splats(&records);
    let title = all.last().map(|last| last.lines.first().cloned().unwrap_or_default())?;
    let begins = |record: &&Record| record.text.lines().any(|line| line.trim_end() == title);
    let end_us = records.iter().rev().find(begins).map_or(0, |record| record.time_us);
    let near: Vec<Record> = records.into_iter().filter(|record| record.time_us + NEAR_US >= end_us).collect();
    let mut near = splats(&near);
    let last = near.pop().or_else(|| all.into_iter().next_back())?;
    // A kernel that panics of what is stuck says so: `softlockup: hung tasks`, `hung_task: blocked tasks`.
    let of_stuck = last.kind == SplatKind::Panic && STUCK.iter().any(|words| last.title.contains(words));
    near.retain(|splat| leads_to_an_end(splat.kind) || (of_stuck && splat.kind == SplatKind::Hung));
    near.push(last);
    joined(near)
}

/// The time from a cause to the end, in microseconds.
const NEAR_US: u64 = 2_000_000;

/// Words of a panic of what is stuck.
const STUCK: &[&str] = &["softlockup", "hung", "LOCKUP", "stall"];

fn leads_to_an_end(kind: SplatKind) -> bool {
    use SplatKind::{Bug, Corruption, DmaDebug, DmaLimit, Hung, IommuFault, Lockdep, Oops, Panic, Refcount, Sanitizer};
    match kind {
        Bug | Oops | Panic | Lockdep | Sanitizer | Refcount | Corruption | IommuFault => true,
        SplatKind::Warning | DmaDebug | DmaLimit | Hung => false,
    }
}

fn joined(splats: Vec<Splat>) -> Option<Splat> {
    splats.into_iter().reduce(|first, next| Splat { lines: [first.lines, next.lines].concat(), ..first })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KASAN: &str = "[   10.000000] BUG: KASAN: slab-use-after-free in cam_map+0x1/0x2 [cam]\n\
        [   10.000100] ==================================================================\n";
    const END: &str = "[   10.500000] Oops: general protection fault: 0000 [#1] SMP\n\
        [   10.500100] ---[ end trace 0000000000000000 ]---\n\
        [   10.500200] Kernel panic - not syncing: Fatal exception\n";
    const WARNING: &str = "[    9.900000] WARNING: CPU: 0 PID: 1 at x.c:1 x+0x1/0x2\n";

    fn title(splat: Option<Splat>) -> String {
        splat.unwrap().title
    }

    #[test]
    fn the_cause_leads_and_its_consequences_follow() {
        let words = words_of_cell(&format!("{KASAN}{END}")).unwrap();
        assert!(words.title.starts_with("BUG: KASAN"), "{}", words.title);
        assert_eq!(words.lines.last().map(String::as_str), Some("Kernel panic - not syncing: Fatal exception"));
        assert!(title(words_of_cell(&format!("{WARNING}{END}"))).starts_with("WARNING: "));
    }

    #[test]
    fn where_no_one_knows_when_the_cell_began_a_warning_is_no_cause() {
        assert!(title(last_words_of(&format!("{WARNING}{KASAN}{END}"))).starts_with("BUG: KASAN"));
        assert!(title(last_words_of(&format!("{WARNING}{END}"))).starts_with("Oops: "));
        let long_ago = KASAN.replace("[   10.", "[    3.");
        assert!(title(last_words_of(&format!("{long_ago}{END}"))).starts_with("Oops: "));
        assert!(title(last_words_of(WARNING)).starts_with("WARNING: "));
        assert_eq!(last_words_of("[    1.000000] quiet\n"), None);
    }
}
