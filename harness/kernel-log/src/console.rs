//! The log as a serial console shows it: all that is left of a board that died.

use std::borrow::Cow;

use crate::record::{Caller, Record};

/// The level of a line that does not tell it: the kernel's default, a warning.
const LEVEL: u8 = 4;

/// The records of a console's text: the lines with a time, as printk writes them with `printk.time=1`; what programs
/// print in between is left out. Where not one line has a time, all lines are taken: then nothing tells them apart.
pub fn records_of_console(text: &str) -> Vec<Record> {
    let text = without_colours(text);
    let timed: Vec<Record> = text.lines().filter_map(timed).collect();
    if timed.is_empty() { text.lines().map(untimed).collect() } else { timed }
}

/// A record, be it on a line of its own or behind what a program had begun to write.
fn timed(line: &str) -> Option<Record> {
    record(line).or_else(|| {
        let behind = line.match_indices('[').map(|(at, _)| &line[at..]);
        behind.filter(|rest| is_time_of_printk(rest)).find_map(record)
    })
}

/// `[`, the time with its six digits behind the point, and `] `, or `][` before a caller.
fn is_time_of_printk(text: &str) -> bool {
    let Some((time, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let time = time.trim_start_matches(' ').split_once('.');
    rest.starts_with([' ', '[']) && time.is_some_and(|(whole, part)| digits(whole) && digits(part) && part.len() == 6)
}

/// `[<LEVEL>][SECONDS.MICROSECONDS] [[CALLER] ]TEXT`.
fn record(line: &str) -> Option<Record> {
    let (level, rest) = level(line);
    let (time, text) = bracket(rest)?;
    let (seconds, fraction) = time.split_once('.')?;
    let (seconds, fraction): (u64, u64) = (seconds.parse().ok()?, fraction.parse().ok()?);
    let (caller, text) = caller(text);
    // A console that is cut or spoilt may show any number.
    let time_us = seconds.checked_mul(1_000_000)?.checked_add(fraction)?;
    Some(Record { level, facility: 0, time_us, caller, text: text.trim_end().into() })
}

/// `[<LEVEL>][[CALLER] ]TEXT`, also behind the name that a system's log gives the kernel.
fn untimed(line: &str) -> Record {
    let (level, rest) = level(line);
    let rest = rest.split_once(" kernel: ").map_or(rest, |(_, text)| text);
    let (caller, text) = caller(rest);
    Record { level, facility: 0, time_us: 0, caller, text: text.trim_end().into() }
}

fn level(line: &str) -> (u8, &str) {
    let level = line.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    level.and_then(|(level, rest)| Some((level.parse().ok()?, rest))).unwrap_or((LEVEL, line))
}

/// `T` and a thread, or `C` and a processor: `CONFIG_PRINTK_CALLER`.
fn caller(text: &str) -> (Option<Caller>, &str) {
    let caller = bracket(text).and_then(|(caller, text)| Some((Caller::parse(caller)?, text)));
    caller.map_or((None, text), |(caller, text)| (Some(caller), text))
}

fn bracket(text: &str) -> Option<(&str, &str)> {
    let (inside, rest) = text.strip_prefix('[')?.split_once(']')?;
    Some((inside.trim(), rest.strip_prefix(' ').unwrap_or(rest)))
}

/// Takes off the escapes by which `dmesg` and terminals colour text (ECMA-48: `ESC [`, parameters, a letter).
fn without_colours(text: &str) -> Cow<'_, str> {
    if !text.contains("\x1b[") {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let parameters = part.find(|c: char| !(c.is_ascii_digit() || ";?".contains(c))).unwrap_or(part.len());
        plain.push_str(
            part[parameters..].strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(&part[parameters..]),
        );
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(console: &str) -> Vec<String> {
        records_of_console(console).into_iter().map(|record| record.text).collect()
    }

    #[test]
    fn what_the_kernel_says_behind_a_program_s_words_is_its_own() {
        let text = "cell 3/9[   12.345678] Oops: general protection fault [#1] SMP\n\
                    reading [1.5] and [   12.34567] and [12.345678]x\n\
                    words[   12.500000][   T77] BUG: x\n\
                    a[b [   13.000001] [   T77] CPU: 0\n";
        let records = records_of_console(text);
        let told: Vec<(&str, u64)> = records.iter().map(|record| (record.text.as_str(), record.time_us)).collect();
        let death = "Oops: general protection fault [#1] SMP";
        assert_eq!(told, [(death, 12_345_678), ("BUG: x", 12_500_000), ("CPU: 0", 13_000_001)]);
        assert_eq!(records[1].caller, Some(Caller::Task(77)));
    }

    #[test]
    fn times_levels_and_callers_are_taken_off() {
        let text = "[    0.000000] Linux version 6.12\n\
                    Starting udev... done.\n\
                    <6>[    8.702999] [   T1628] vgem: loaded\r\n\
                    [   12.5] [drm] Initialized\n";
        assert_eq!(texts(text), ["Linux version 6.12", "vgem: loaded", "[drm] Initialized"]);
        let records = records_of_console(text);
        assert_eq!((records[1].level, records[1].time_us), (6, 8_702_999));
    }

    #[test]
    fn colours_and_the_words_of_a_system_s_log_are_taken_off() {
        let text = "\x1b[32m[    5.000001] \x1b[0m\x1b[33mvgem\x1b[0m: loaded\n\
                    Nov  3 10:00:00 lab kernel: [    5.000002][    C1] BUG: x\n";
        assert_eq!(texts(text), ["vgem: loaded", "BUG: x"]);
        assert_eq!(records_of_console(text)[1].caller, Some(Caller::Processor(1)));
        assert_eq!(texts("a\x1b[1;31"), ["a"]);
    }

    #[test]
    fn a_console_without_times_is_taken_whole() {
        let text = "<4>Booting Linux\nNov  3 10:00:00 lab kernel: BUG: x\n[  T9] Call Trace:\n";
        assert_eq!(texts(text), ["Booting Linux", "BUG: x", "Call Trace:"]);
    }

    #[test]
    fn a_time_beyond_all_numbers_is_no_record() {
        assert_eq!(texts("[    1.000000] a\n[18446744073709551615.000001] b\n"), ["a"]);
    }
}
