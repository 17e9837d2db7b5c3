//! What the tests on many logs have in common.
#![allow(dead_code, reason = "each test uses a part")]

use kernel_log::Record;

pub mod expect;
pub mod shape;

/// `N of ALL (PER CENT)`.
pub fn rate(part: usize, all: usize) -> String {
    let percent = if all == 0 { 100.0 } else { f64::from(u32::try_from(part).unwrap()) * 100.0 / all as f64 };
    format!("{part} of {all} ({percent:.1} %)")
}

/// A record of the kernel with this text.
pub fn record(text: &str) -> Record {
    let text = text.trim_end_matches('\r').to_owned();
    Record { level: 4, facility: 0, time_us: 0, caller: None, text }
}

/// Whether the kernel wrote times into this log.
pub fn has_times(log: &str) -> bool {
    log.lines().filter(|line| time_at(line)).count() > 2
}

fn time_at(line: &str) -> bool {
    let behind = line.split('[').nth(1).and_then(|rest| rest.split_once(']'));
    behind.is_some_and(|(time, _)| {
        time.trim().split_once('.').is_some_and(|(whole, part)| {
            !whole.is_empty() && part.len() == 6 && (whole.to_owned() + part).bytes().all(|byte| byte.is_ascii_digit())
        })
    })
}
