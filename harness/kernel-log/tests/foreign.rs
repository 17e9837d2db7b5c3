//! Measures the reader on foreign logs: `PRIME_CTS_FOREIGN_LOGS=FOLDER cargo test -p prime-cts-kernel-log --test foreign --
//! --ignored --nocapture`. The folder is `pkg/report/testdata/linux/report` of github.com/google/syzkaller: a file a log, with
//! the title that its report must get above an empty line.

use std::collections::BTreeMap;
use std::path::Path;

use kernel_log::{Record, SplatKind, dumps, records_of_console, splats};

mod common;

use common::expect::{self, Expected};
use common::rate;

/// What the logs of one group came to.
#[derive(Default)]
struct Count {
    logs: usize,
    found: usize,
    with_kind: usize,
    right_kind: usize,
    with_function: usize,
    in_lines: usize,
    in_title: usize,
    clean: usize,
    left_out: usize,
    false_alarms: usize,
    dumps: usize,
    first: usize,
    with_stacks: usize,
    keeps_stacks: usize,
    missed: Vec<String>,
    wrong: Vec<String>,
    without: Vec<String>,
}

impl Count {
    fn add(&mut self, name: &str, expected: &Expected, records: &[Record]) {
        let found = splats(records);
        if expected.title.is_empty() {
            self.clean += 1;
            // A true report, of SLUB for KASAN, that syzkaller leaves out since KASAN's own says more.
            let (left_out, alarms): (Vec<_>, Vec<_>) =
                found.iter().partition(|splat| splat.title.contains("kasan: bad access detected"));
            self.left_out += left_out.len();
            self.false_alarms += usize::from(!alarms.is_empty());
            self.wrong.extend(alarms.iter().map(|splat| format!("{name}: false: {}", splat.title)));
            return;
        }
        self.logs += 1;
        self.dumps += dumps(records).len();
        self.found += usize::from(!found.is_empty());
        if found.is_empty() {
            self.missed.push(format!("{name}: {}", expected.title));
        }
        if let Some(kind) = expected.kind {
            self.with_kind += 1;
            let right = found.iter().any(|splat| kind.contains(&splat.kind));
            self.first += usize::from(found.first().is_some_and(|splat| kind.contains(&splat.kind)));
            self.right_kind += usize::from(right);
            if !right && !found.is_empty() {
                let kinds: Vec<SplatKind> = found.iter().map(|splat| splat.kind).collect();
                self.wrong.push(format!("{name}: {} is {kinds:?}", expected.title));
            }
        }
        let has = |records: &[Record]| records.iter().any(|record| is_of_stack(&record.text));
        if expected.title.starts_with("KASAN") && has(records) {
            self.with_stacks += 1;
            let kept = found.iter().any(|splat| splat.lines.iter().any(|line| is_of_stack(line)));
            self.keeps_stacks += usize::from(kept);
        }
        if let Some(function) = &expected.function {
            self.with_function += 1;
            let has = |text: &str| expect::names(text, function);
            let in_lines = found.iter().any(|splat| splat.lines.iter().any(|line| has(line)));
            self.in_lines += usize::from(in_lines);
            self.in_title += usize::from(found.iter().any(|splat| has(&splat.title)));
            if !in_lines && !found.is_empty() {
                self.without.push(format!("{name}: {}", expected.title));
            }
        }
    }

    fn print(&self, what: &str) {
        println!("{what}: found {}", rate(self.found, self.logs));
        println!("    kinds right {} (of all), {} (of those found)", rate(self.right_kind, self.with_kind), {
            let found = self.with_kind - (self.logs - self.found).min(self.with_kind);
            rate(self.right_kind.min(found), found)
        });
        println!("    function in the lines {}", rate(self.in_lines, self.with_function));
        println!("    function in the title {}", rate(self.in_title, self.with_function));
        println!("    first report of that kind {}", rate(self.first, self.with_kind));
        println!("    KASAN with the stacks of memory {}", rate(self.keeps_stacks, self.with_stacks));
        println!("    stacks beside reports {}", self.dumps);
        let (clean, left_out) = (self.clean, self.left_out);
        println!(
            "    logs without a crash {clean}, reports left out there {left_out}, false alarms {}",
            self.false_alarms
        );
    }
}

/// The line above the stack of who freed the memory of KASAN's report.
fn is_of_stack(line: &str) -> bool {
    line.starts_with("Freed by task")
}

/// The lines of a log as `/dev/kmsg` would have them: each a record of the kernel.
fn as_kmsg(text: &str) -> Vec<Record> {
    let mut time_us = 0;
    let mut record = |line: &str| {
        let record = records_of_console(line).pop().unwrap_or_else(|| common::record(line));
        time_us = if record.time_us == 0 { time_us } else { record.time_us };
        Record { time_us, ..record }
    };
    text.lines().map(&mut record).collect()
}

fn logs(folder: &Path) -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder).expect("PRIME_CTS_FOREIGN_LOGS is a folder");
    let mut logs: Vec<(String, String)> = files
        .map(|file| file.unwrap())
        .map(|file| {
            let text = std::fs::read(file.path()).unwrap();
            (file.file_name().to_string_lossy().into_owned(), String::from_utf8_lossy(&text).into_owned())
        })
        .collect();
    logs.sort();
    logs
}

#[test]
#[ignore = "needs the folder PRIME_CTS_FOREIGN_LOGS"]
fn the_figures_of_foreign_logs() {
    let folder = std::env::var_os("PRIME_CTS_FOREIGN_LOGS").expect("PRIME_CTS_FOREIGN_LOGS names the folder");
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for (name, text) in logs(Path::new(&folder)) {
        let (expected, log) = expect::of_log(&text);
        let kmsg = as_kmsg(log);
        let console = records_of_console(log);
        let mut add = |group, records: &[Record]| counts.entry(group).or_default().add(&name, &expected, records);
        add("1 all, kmsg", &kmsg);
        add("1 all, console", &console);
        if expected.title.is_empty() || expected.in_scope {
            add("2 in scope, kmsg", &kmsg);
            add("2 in scope, console", &console);
        }
        if expected.title.is_empty() || expected.of_today() {
            add("3 of today, kmsg", &kmsg);
            add("3 of today, console", &console);
            if common::has_times(log) {
                add("4 of today with times, console", &console);
            }
        }
    }
    for (what, count) in &counts {
        count.print(what);
    }
    let show = |what: &str, lines: &[String]| lines.iter().for_each(|line| println!("{what}: {line}"));
    for group in ["2 in scope, kmsg", "3 of today, console"] {
        show(&format!("{group}: missed"), &counts[group].missed);
    }
    show("wrong", &counts["2 in scope, kmsg"].wrong);
    show("without its function", &counts["2 in scope, kmsg"].without);
}
