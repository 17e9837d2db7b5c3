//! Whatever is cut off, mixed or spoilt: reading a log never fails, and says nothing that is not there.

use kernel_log::{Caller, Record, Splat, dumps, faulting_device, records_of_console, splats};
use proptest::collection::vec;
use proptest::prelude::*;

mod common;

use common::record;

/// A line of any shape, an end of a report, or noise.
fn line() -> impl Strategy<Value = String> {
    let shapes = include_str!("data/shapes/x86.txt").to_owned()
        + include_str!("data/shapes/iommu.txt")
        + include_str!("data/shapes/stuck.txt")
        + include_str!("data/shapes/arm.txt")
        + include_str!("data/clean/noise.txt");
    let lines: Vec<String> = shapes.lines().map(str::to_owned).collect();
    let cut = (0..lines.len(), any::<prop::sample::Index>()).prop_map(move |(number, at)| {
        let line = &lines[number];
        let at = at.index(line.len() + 1);
        line[..(0..=at).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0)].to_owned()
    });
    prop_oneof![8 => cut, 1 => "\\PC{0,60}", 1 => "[\\[\\]<>#:.0-9 TC+x/-]{0,40}"]
}

fn caller() -> impl Strategy<Value = Option<Caller>> {
    prop_oneof![Just(None), (0u32..4).prop_map(|task| Some(Caller::Task(task))), Just(Some(Caller::Processor(1)))]
}

/// Each line of a report is a line of the log, and none is in two reports.
fn is_of(found: &[Splat], records: &[Record]) -> bool {
    let mut left: Vec<String> =
        records.iter().flat_map(|record| record.text.lines()).map(|line| line.trim_end().to_owned()).collect();
    found.iter().flat_map(|splat| &splat.lines).all(|line| {
        let at = left.iter().position(|left| left == line);
        at.map(|at| left.swap_remove(at)).is_some() || line.starts_with("INFO: task ")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mixture_of_contexts_is_read(lines in vec((line(), caller(), 0u64..5_000_000), 0..120)) {
        let mut time_us = 0;
        let records: Vec<Record> = lines
            .into_iter()
            .map(|(text, caller, later)| {
                time_us += later;
                Record { caller, time_us, ..record(&text) }
            })
            .collect();
        let found = splats(&records);
        prop_assert!(is_of(&found, &records));
        prop_assert!(found.iter().all(|splat| !splat.title.is_empty() && splat.lines.len() <= 301));
        dumps(&records);
    }

    #[test]
    fn any_console_is_read(lines in vec(line(), 0..60), stamp in "(\\PC{0,12}|<[0-9]>)?\\[ {0,4}[0-9]{1,6}\\.[0-9]{6}\\](\\[ {0,3}[TC][0-9]{1,3}\\])? ?") {
        let text: String = lines.iter().map(|line| format!("{stamp}{line}\n")).collect();
        let records = records_of_console(&text);
        splats(&records);
        dumps(&records);
    }

    #[test]
    fn any_text_is_read(text in "(\\PC|[\\n\\r\\x1b\\x00]){0,400}") {
        let records = records_of_console(&text);
        splats(&records);
        dumps(&records);
        prop_assert!(text.lines().filter_map(faulting_device).all(|device| !device.is_empty()));
        prop_assert!(Record::parse(&text).is_none_or(|(_, record)| record.level < 8));
    }

    #[test]
    fn a_log_that_is_cut_off_anywhere_is_read(at in any::<prop::sample::Index>()) {
        let whole: String =
            include_str!("data/shapes/x86.txt").lines().map(|line| format!("[    1.000000][  T1] {line}\n")).collect();
        let records = records_of_console(&whole[..at.index(whole.len())]);
        splats(&records);
        dumps(&records);
    }
}
