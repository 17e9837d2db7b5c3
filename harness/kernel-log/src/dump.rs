//! Stacks that the kernel dumps without one of the reports known here: `dump_stack()` behind a line of a subsystem's own,
//! as `schedule_timeout: wrong timeout value` (kernel/time/timer.c). No taint comes of them.

use crate::kind::SplatKind;
use crate::lines::Line;
use crate::record::Record;
use crate::splat::Splat;
use crate::trace::Place;
use crate::{finder, lines};

/// The most lines of one stack that are reported.
const LINES: usize = 40;

/// Words above stacks that are no complaint.
const NOISE: &[&str] = &[
    // There is no memory: whoever asks for all of it gets that answer.
    "page allocation failure",
    "invoked oom-killer",
    "vmalloc error",
    // A user asked for the stack (`drivers/tty/sysrq.c`), or for the failure (`lib/fault-inject.c`).
    "sysrq: ",
    "FAULT_INJECTION: ",
    // A program died: some architectures show its registers (`__do_user_fault`, `do_trap`, `arm64_show_signal`).
    ": unhandled ",
    "8<--- cut here ---",
    // All processors' stacks: of a report that was found already, or of SysRq.
    "NMI backtrace for cpu",
    // Arm stops the other processors in a panic (`ipi_cpu_stop`).
    ": stopping",
    // Lockdep ran out of tables: a limit, not a defect.
    "turning off the locking correctness validator",
];

/// The lines above a stack that such words are looked for in: some have a line of their own behind them.
const ABOVE: usize = 3;

/// The stacks in these records that belong to no splat, each with the line above it as its title.
pub fn dumps(records: &[Record]) -> Vec<Splat> {
    let lines = lines::of_kernel(records);
    let found = finder::find(&lines);
    let heads = (0..lines.len()).filter(|&at| is_head(&lines[at].text) && !found.told[at]);
    let any_lockdep = found.splats.iter().any(|splat| splat.kind == SplatKind::Lockdep);
    let is_noise = |head: usize| {
        let above = lines[..head].iter().rev().filter(|line| line.caller == lines[head].caller).take(ABOVE);
        let says = |line: &Line<'_>| NOISE.iter().any(|words| line.text.contains(words));
        // The stack of a report of lockdep's that was found already, and that another report has torn.
        above.clone().any(says) || (any_lockdep && above.take(1).any(|line| line.text == "stack backtrace:"))
    };
    heads.filter(|&head| !is_noise(head)).map(|head| dump(&lines, &found.told, head)).collect()
}

/// The stack at a head, of the lines of its context alone.
fn dump(lines: &[Line<'_>], told: &[bool], head: usize) -> Splat {
    let caller = lines[head].caller;
    let is_own = |at: &usize| lines[*at].caller == caller && !told[*at];
    let above =
        head.checked_sub(1).and_then(|last| (0..=last).rev().take(LINES).find(|at| lines[*at].caller == caller));
    let above = above.filter(|above| !told[*above]);
    let mut place = Place::Above;
    let mut belongs = |at: &usize| {
        place = place.next(&lines[*at].text, false)?;
        Some(*at)
    };
    let behind = (head..lines.len()).filter(is_own).map_while(|at| belongs(&at));
    let text = |at: usize| lines[at].text.to_string();
    let lines: Vec<String> = above.into_iter().chain(behind).take(LINES).map(text).collect();
    Splat { kind: SplatKind::Warning, title: lines.first().cloned().unwrap_or_default(), lines }
}

/// The beginning of the line of `dump_stack_print_info` (lib/dump_stack.c).
fn is_head(line: &str) -> bool {
    line.starts_with("CPU: ") && line.contains(" PID: ") && line.contains(" Comm: ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{records_of_console, splats};

    const DUMP: &str = "[   55.4] schedule_timeout: wrong timeout value ffffffffffffffff\n\
        [   55.4] CPU: 1 UID: 0 PID: 2085 Comm: vivid-003-vid-c Not tainted 6.12.117\n\
        [   55.4] Call Trace:\n[   55.4]  <TASK>\n[   55.4]  dump_stack_lvl+0x64/0x80\n[   55.4]  </TASK>\n\
        [   56.0] usb 1-1: new device\n";

    fn titles(console: &str) -> Vec<String> {
        dumps(&records_of_console(console)).into_iter().map(|dump| dump.title).collect()
    }

    #[test]
    fn a_stack_behind_a_line_that_nobody_knows_is_told_with_that_line() {
        assert_eq!(titles(DUMP), ["schedule_timeout: wrong timeout value ffffffffffffffff"]);
        let found = dumps(&records_of_console(DUMP));
        assert_eq!((found[0].lines.len(), found[0].lines[5].trim()), (6, "</TASK>"));
        assert!(splats(&records_of_console(DUMP)).is_empty(), "else it would be told twice");
    }

    #[test]
    fn what_a_report_holds_is_told_with_it_and_no_memory_is_no_complaint() {
        let warning = DUMP.replace("schedule_timeout: wrong", "WARNING: CPU: 1 PID: 2085 at x.c:1 wrong");
        assert_eq!(titles(&warning), Vec::<String>::new());
        for noise in ["x: page allocation failure:", "sysrq: Show Regs", "FAULT_INJECTION: forcing a failure."] {
            assert_eq!(titles(&DUMP.replace("schedule_timeout:", noise)), Vec::<String>::new(), "{noise}");
        }
    }

    #[test]
    fn without_the_words_of_x86_the_stack_ends_at_the_next_line() {
        let arm = DUMP.replace("[   55.4]  <TASK>\n", "").replace("[   55.4]  </TASK>\n", "");
        assert_eq!(dumps(&records_of_console(&arm))[0].lines.len(), 4);
    }

    #[test]
    fn two_stacks_that_are_mixed_have_their_own_lines_each() {
        let of = |number: u32| {
            DUMP.replace("[   55.4]", &format!("[   55.400000][  T{number}]"))
                .replace("dump_stack", &format!("f{number}"))
        };
        let (one, other) = (of(11), of(12));
        let mixed: String = one.lines().zip(other.lines()).map(|(one, other)| format!("{one}\n{other}\n")).collect();
        let found = dumps(&records_of_console(&mixed));
        assert_eq!(found.len(), 2);
        for (dump, function) in found.iter().zip(["f11_lvl", "f12_lvl"]) {
            assert_eq!(dump.lines.len(), 6);
            assert!(dump.lines[4].contains(function), "{:?}", dump.lines);
        }
    }
}
