//! Stacks that the kernel dumps without one of the reports known here: `dump_stack()` behind a line of a subsystem's own,
//! as `schedule_timeout: wrong timeout value` (kernel/time/timer.c). No taint comes of them.

use std::collections::BTreeSet;

use super::record::Record;
use super::splat::{Splat, splats};
use super::symptom::SplatKind;

/// The most lines of one stack that are reported.
const LINES: usize = 40;

/// Words of those that say that there is no memory: whoever asks for all of it gets that answer.
const SHORT_OF_MEMORY: &[&str] = &["page allocation failure", "invoked oom-killer", "vmalloc error"];

/// The stacks in these records that belong to no splat, each with the line above it as its title.
pub fn dumps(records: &[Record]) -> Vec<Splat> {
    let told = splats(records);
    let known: BTreeSet<&str> = told.iter().flat_map(|splat| &splat.lines).map(String::as_str).collect();
    let kernel = records.iter().filter(|record| record.facility == 0);
    let lines: Vec<&str> = kernel.flat_map(|record| record.text.lines()).map(str::trim_end).collect();
    let heads = (0..lines.len()).filter(|&at| is_head(lines[at]) && !known.contains(lines[at]));
    let dump = |head: usize| {
        let lines = &lines[head.saturating_sub(1)..];
        let end = lines.iter().position(|line| line.trim() == "</TASK>").map_or(lines.len(), |end| end + 1);
        let lines: Vec<String> = lines[..end.min(LINES)].iter().map(|line| (*line).to_owned()).collect();
        Splat { kind: SplatKind::Warning, title: lines.first().cloned().unwrap_or_default(), lines }
    };
    let short = |dump: &Splat| SHORT_OF_MEMORY.iter().any(|words| dump.title.contains(words));
    heads.map(dump).filter(|dump| !short(dump)).collect()
}

/// The beginning of the line of `dump_stack_print_info` (lib/dump_stack.c).
fn is_head(line: &str) -> bool {
    line.starts_with("CPU: ") && line.contains(" PID: ") && line.contains(" Comm: ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records_of_console;

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
        assert_eq!(titles(&DUMP.replace("schedule_timeout:", "x: page allocation failure:")), Vec::<String>::new());
    }
}
