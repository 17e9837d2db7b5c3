//! What a kernel says when all is well is no report: 100,000 lines of our own boards and of drivers that are known to be loud.

use kernel_log::{Record, dumps, records_of_console, splats};

mod common;

use common::record;

/// Lines of our own boards, and of a machine that they run on, in the order in which they first came; times, addresses and
/// names of builders are normalised.
const BOARDS: &str = include_str!("data/clean/boards.txt");

/// Lines that look like a report, and that kernels and drivers write while all is well; by hand.
const NOISE: &str = include_str!("data/clean/noise.txt");

/// The lines that are read.
const LINES: usize = 100_000;

/// The lines again and again. Each time begins somewhere else, so that other lines stand next to each other; only those of a
/// stack stay together, and with the noise above them.
fn lines() -> impl Iterator<Item = (usize, &'static str)> {
    let boards: Vec<&str> = BOARDS.lines().collect();
    let noise: Vec<&str> = NOISE.lines().collect();
    let round = move |round: usize| {
        let turned = boards.len() * (round % 37) / 37;
        let (head, tail) = boards.split_at(turned);
        [tail, head, &noise].concat()
    };
    (0..).flat_map(round).take(LINES).enumerate()
}

fn check(how: &str, records: &[Record]) {
    assert!(records.len() >= LINES, "{how}: {} records", records.len());
    let alarms = [splats(records), dumps(records)].concat();
    let titles: Vec<&str> = alarms.iter().take(9).map(|alarm| alarm.title.as_str()).collect();
    assert_eq!((alarms.len(), titles), (0, vec![]), "{how}");
}

/// A number that looks drawn, always the same.
fn drawn(number: usize) -> usize {
    number.wrapping_mul(2_654_435_761) >> 7
}

#[test]
fn nothing_is_a_report_in_clean_records() {
    println!("{} distinct lines", BOARDS.lines().count() + NOISE.lines().count());
    let time = |number: usize| number as u64 * 1000 + drawn(number) as u64 % 1000;
    let records: Vec<Record> = lines().map(|(number, line)| Record { time_us: time(number), ..record(line) }).collect();
    check("kmsg", &records);
}

#[test]
fn nothing_is_a_report_on_clean_consoles() {
    let console = |stamp: &dyn Fn(usize) -> String| -> Vec<Record> {
        records_of_console(&lines().map(|(number, line)| format!("{}{line}\r\n", stamp(number))).collect::<String>())
    };
    let time = |number: usize| format!("[{:5}.{:06}]", number / 500, drawn(number) % 1_000_000);
    check("console", &console(&|number| format!("{} ", time(number))));
    check("levels", &console(&|number| format!("<{}>{} ", drawn(number) % 8, time(number))));
    check("callers", &console(&|number| format!("{}[{:>6}] ", time(number), "T1")));
    check("no times", &console(&|_| String::new()));
}
