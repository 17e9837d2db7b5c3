//! The shapes of reports, over all kinds and architectures: each is found, and known for what it is.

use kernel_log::{Caller, Record, SplatKind, dumps, records_of_console, splats};

mod common;

use common::shape::{AFTER, Shape, shapes};
use common::{rate, record};

/// Prints the figures and holds them to the bar.
fn measure(how: &str, records: impl Fn(&Shape) -> Vec<Record>) {
    let shapes = shapes();
    let (mut found, mut kinds, mut words, mut clean) = (0, 0, 0, 0);
    for shape in &shapes {
        let splats = splats(&records(shape));
        let judged = shape.judge(&splats);
        (found, kinds) = (found + usize::from(judged.found), kinds + usize::from(judged.kind));
        (words, clean) = (words + usize::from(judged.word), clean + usize::from(judged.clean));
        if !(judged.found && judged.kind && judged.word) {
            let titles: Vec<_> = splats.iter().map(|splat| (splat.kind, &splat.title)).collect();
            println!("{how}: {}: expected {:?} {:?}, got {titles:?}", shape.name, shape.kinds, shape.word);
        }
    }
    let all = shapes.len();
    println!("{how}: found {}, kinds {}, words {}", rate(found, all), rate(kinds, all), rate(words, all));
    println!("{how}: without a line of another {}", rate(clean, all));
    assert!(all >= 150, "{all} shapes");
    assert!(found * 1000 >= all * 994, "{how}: {found} of {all} found");
    assert!(kinds * 100 >= all * 97, "{how}: {kinds} of {all} kinds");
    assert!(words * 100 >= all * 97, "{how}: {words} of {all} functions and words");
    assert!(clean * 100 >= all * 85, "{how}: {clean} of {all} end where they end");
}

#[test]
fn every_shape_is_known_in_records() {
    measure("kmsg", Shape::as_kmsg);
}

#[test]
fn every_shape_is_known_on_a_console() {
    measure("console", |shape| shape.on_console(|number| format!("[   12.{number:06}] ")));
}

#[test]
fn every_shape_is_known_with_callers_levels_and_colours() {
    measure("callers", |shape| shape.on_console(|number| format!("<4>[   12.{number:06}][  T720] ")));
    measure("words before", |shape| shape.on_console(|number| format!("cell 3/9[   12.{number:06}][    C1] ")));
    measure("colours", |shape| shape.on_console(|number| format!("\x1b[32m[   12.{number:06}] \x1b[0m")));
    measure("no times", |shape| shape.on_console(|_| String::new()));
}

#[test]
fn what_was_missed_once_is_found() {
    let shapes = shapes();
    for name in [
        "locks: not initialised",
        "locks: still held at exit",
        "locks: lockdep's own check with its warning",
        "stuck: task in I/O",
        "stuck: task that cannot die",
        "stuck: hard lockup since 6.8",
        "stuck: task whose lock another has",
        "x86: general protection of a segment",
        "x86: divide_error, 5.8 to 5.10",
        "x86: double fault",
        "sanitizers: KCSAN with one blank more",
        "sanitizers: KASAN with the stacks of allocation and release",
        "dma: bounce buffers beyond the mask",
        "architectures: mips, BUG",
        "architectures: mips, unaligned access",
        "architectures: s390, illegal operation",
        "architectures: s390, specification exception",
        "warnings: of 6.19, with the condition",
        "warnings: a message that calls itself a BUG",
        "iommu: Intel, write",
        "iommu: Rockchip",
        "iommu: virtio",
    ] {
        let shape = shapes.iter().find(|shape| shape.name == name).unwrap_or_else(|| panic!("no shape {name}"));
        let judged = shape.judge(&splats(&shape.as_kmsg()));
        assert!(judged.found && judged.kind && judged.word, "{name}");
    }
}

#[test]
fn a_report_of_a_sanitizer_keeps_all_its_stacks() {
    let shapes = shapes();
    let shape =
        shapes.iter().find(|shape| shape.name.ends_with("KASAN with the stacks of allocation and release")).unwrap();
    let found = splats(&shape.as_kmsg());
    for function in ["fence_peek+", "fence_make+", "fence_drop+"] {
        assert!(found[0].lines.iter().any(|line| line.contains(function)), "{function}");
    }
}

/// Two reports of two tasks, line by line.
#[test]
fn mixed_reports_of_two_tasks_are_two_reports() {
    let mut apart = 0;
    let shapes = shapes();
    for pair in shapes.windows(2) {
        let with = |shape: &Shape, task| -> Vec<Record> {
            let caller = Some(Caller::Task(task));
            shape.lines.iter().map(|line| Record { caller, ..record(line) }).collect()
        };
        let (one, other) = (with(&pair[0], 71), with(&pair[1], 72));
        let mixed: Vec<Record> =
            (0..one.len().max(other.len())).flat_map(|at| [one.get(at), other.get(at)]).flatten().cloned().collect();
        let (mut alone, mut together) = ([splats(&one), splats(&other)].concat(), splats(&mixed));
        alone.sort_by(|one, other| one.lines.cmp(&other.lines));
        together.sort_by(|one, other| one.lines.cmp(&other.lines));
        apart += usize::from(alone == together);
    }
    println!("mixed: {}", rate(apart, shapes.len() - 1));
    assert!(apart * 100 >= (shapes.len() - 1) * 95, "{apart} of {}", shapes.len() - 1);
}

#[test]
fn a_flood_of_faults_is_one_report() {
    let line = |number: usize| {
        let device = if number.is_multiple_of(10) { "00:04.0" } else { "00:03.0" };
        format!("DMAR: [DMA Read NO_PASID] Request device [{device}] fault addr {number:#x} [fault reason 0x06] x")
    };
    let noise = |number: usize| if number.is_multiple_of(3) { AFTER.to_owned() } else { line(number) };
    let records: Vec<Record> = (0..3000).map(|number| record(&noise(number))).collect();
    let found = splats(&records);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|splat| splat.kind == SplatKind::IommuFault && splat.lines.len() <= 40));
}

#[test]
fn what_belongs_to_a_report_is_no_stack_of_its_own() {
    let stacks: Vec<String> = shapes()
        .iter()
        .flat_map(|shape| dumps(&shape.as_kmsg()).into_iter().map(|dump| format!("{}: {}", shape.name, dump.title)))
        .collect();
    assert_eq!(stacks, Vec::<String>::new());
}

#[test]
fn the_name_of_a_task_may_break_its_line() {
    let broken = "INFO: task a\nb:71 blocked for more than 120 seconds.";
    let record = Record { text: broken.to_owned(), ..record("") };
    assert_eq!(splats(&[record])[0].kind, SplatKind::Hung);
    let console = broken.lines().map(|line| format!("[   12.000001] {line}\n")).collect::<String>();
    assert_eq!(splats(&records_of_console(&console))[0].kind, SplatKind::Hung);
}
