//! The log as a serial console shows it: all that is left of a board that died.

use super::Record;

/// The level of a line that does not tell it: the kernel's default, a warning.
const LEVEL: u8 = 4;

/// The records of a console's text: the lines with a time, as printk writes them with `printk.time=1`; what programs
/// print in between is left out.
pub fn records_of_console(text: &str) -> Vec<Record> {
    text.lines().filter_map(line).collect()
}

/// `[<LEVEL>][SECONDS.MICROSECONDS] [[CALLER] ]TEXT`.
fn line(line: &str) -> Option<Record> {
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
