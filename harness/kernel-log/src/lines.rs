//! The lines of the kernel's records, each with what is known of its record.

use std::borrow::Cow;

use crate::record::{Caller, Record};
use crate::symptom;

/// A line.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// The context that wrote it.
    pub caller: Option<Caller>,
    /// Microseconds since boot.
    pub time_us: u64,
    /// The text.
    pub text: Cow<'a, str>,
}

/// The lines of the kernel alone: what programs write into the log is left out.
pub fn of_kernel(records: &[Record]) -> Vec<Line<'_>> {
    let kernel = records.iter().filter(|record| record.facility == 0);
    let mut lines: Vec<Line<'_>> = Vec::new();
    for record in kernel {
        for text in record.text.lines() {
            match lines.last_mut().filter(|last| goes_on(last, record, text)) {
                Some(last) => last.text = Cow::Owned(format!("{} {}", last.text, text.trim_end())),
                None => lines.push(Line {
                    caller: record.caller,
                    time_us: record.time_us,
                    text: Cow::Borrowed(text.trim_end()),
                }),
            }
        }
    }
    lines
}

/// The name of a task may have the end of a line in it, and so break the message about the task in two.
fn goes_on(last: &Line<'_>, record: &Record, text: &str) -> bool {
    symptom::is_broken_off(&last.text)
        && last.caller == record.caller
        && last.time_us == record.time_us
        && symptom::is_stuck(&format!("{} {text}", last.text))
}
