//! The log as a serial console shows it: all that is left of a board that died.

use super::record::Record;

/// The level of a line that does not tell it: the kernel's default, a warning.
const LEVEL: u8 = 4;

/// The records of a console's text: the lines with a time, as printk writes them with `printk.time=1`; what programs
/// print in between is left out.
pub fn records_of_console(text: &str) -> Vec<Record> {
    text.lines().filter_map(line).collect()
}

/// A record, be it on a line of its own or behind what a program had begun to write.
fn line(line: &str) -> Option<Record> {
    record(line).or_else(|| {
        let behind = line.match_indices('[').map(|(at, _)| &line[at..]);
        behind.filter(|rest| is_time_of_printk(rest)).find_map(record)
    })
}

/// `[`, the time with its six digits behind the point, and `] `.
fn is_time_of_printk(text: &str) -> bool {
    let Some((time, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let time = time.trim_start_matches(' ').split_once('.');
    rest.starts_with(' ') && time.is_some_and(|(whole, part)| digits(whole) && digits(part) && part.len() == 6)
}

/// `[<LEVEL>][SECONDS.MICROSECONDS] [[CALLER] ]TEXT`.
fn record(line: &str) -> Option<Record> {
    let (level, rest) = match line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((level, rest)) => (level.parse().ok()?, rest),
        None => (LEVEL, line),
    };
    let (time, text) = bracket(rest)?;
    let (seconds, fraction) = time.split_once('.')?;
    let (seconds, fraction): (u64, u64) = (seconds.parse().ok()?, fraction.parse().ok()?);
    let text = match bracket(text) {
        Some((caller, text)) if is_caller(caller) => text,
        _ => text,
    };
    Some(Record { level, facility: 0, time_us: seconds * 1_000_000 + fraction, text: text.trim_end().into() })
}

fn bracket(text: &str) -> Option<(&str, &str)> {
    let (inside, rest) = text.strip_prefix('[')?.split_once(']')?;
    Some((inside.trim(), rest.strip_prefix(' ').unwrap_or(rest)))
}

/// `T` and a thread, or `C` and a processor: CONFIG_PRINTK_CALLER.
fn is_caller(text: &str) -> bool {
    let number = text.strip_prefix(['T', 'C']);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_behind_a_program_s_words_is_its_own() {
        let text = "cell 3/9[   12.345678] Oops: general protection fault [#1] SMP\n\
                    reading [1.5] and [   12.34567] and [12.345678]x\n\
                    a[b [   13.000001] [   T77] CPU: 0\n";
        let records = records_of_console(text);
        let told: Vec<(&str, u64)> = records.iter().map(|record| (record.text.as_str(), record.time_us)).collect();
        assert_eq!(told, [("Oops: general protection fault [#1] SMP", 12_345_678), ("CPU: 0", 13_000_001)]);
    }

    #[test]
    fn times_levels_and_callers_are_taken_off() {
        let text = "[    0.000000] Linux version 6.12\n\
                    Starting udev... done.\n\
                    <6>[    8.702999] [   T1628] vgem: loaded\r\n\
                    [   12.5] [drm] Initialized\n";
        let records = records_of_console(text);
        let texts: Vec<&str> = records.iter().map(|record| record.text.as_str()).collect();
        assert_eq!(texts, ["Linux version 6.12", "vgem: loaded", "[drm] Initialized"]);
        assert_eq!((records[1].level, records[1].time_us), (6, 8_702_999));
    }
}
