//! The end of the machine in a cell, by what the kernel said last.

use kernel_log::{Splat, SplatKind, records_of_console, splats};
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
        blame: last.map_or(Blame::Undecided, |splat| drivers.blamed_by(&splat.lines)),
        lines: lines.to_vec(),
        latent: false,
    }
}

/// Returns a kernel's last report in a log.
pub fn last_words_of(log: &str) -> Option<Splat> {
    last_words(splats(&records_of_console(log)))
}

/// A panic that an oops led to says nothing of its own.
fn last_words(mut splats: Vec<Splat>) -> Option<Splat> {
    let last = splats.pop()?;
    match splats.pop().filter(|before| last.kind == SplatKind::Panic && before.kind != SplatKind::Panic) {
        Some(before) => Some(Splat { lines: [before.lines, last.lines].concat(), ..before }),
        None => Some(last),
    }
}
