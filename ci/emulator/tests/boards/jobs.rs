//! `--jobs` on a board with two processors that run at the same time: the verdicts are those of one cell after the other.

use std::collections::BTreeSet;

use crate::host::{alone, as_expected, run_with};
use crate::recorded::{Recorded, text};

const NAME: &str = "debian-amd64-7.3";
/// Refusals, references that outlive others, and counts of what is attached.
const CELLS: [&str; 3] = ["refusal.", "lifetime.", "leaks.import"];

/// The most cells that were open at the same time.
fn most_open(recorded: &Recorded) -> usize {
    let (mut open, mut most) = (BTreeSet::new(), 0);
    for event in recorded.every() {
        match text(&event["event"]) {
            "cell-start" => open.extend([text(&event["id"])]),
            "cell" => open.retain(|id| *id != text(&event["id"])),
            "again" => open.retain(|id| !event["cells"].as_array().unwrap().iter().any(|again| text(again) == *id)),
            _ => {}
        }
        most = most.max(open.len());
    }
    most
}

#[test]
fn two_cells_at_a_time_show_what_each_shows_alone() {
    let _board = alone(NAME);
    let run = |jobs| {
        let said = run_with(NAME, &[&["--jobs", jobs], CELLS.as_slice()].concat());
        assert!(!said.err.contains("in one thread"), "{said:?}");
        as_expected(NAME, &said)
    };
    let (serial, parallel) = (run("1"), run("2"));
    assert_eq!(parallel.verdicts(), serial.verdicts());
    assert_eq!([most_open(&serial), most_open(&parallel)], [1, 2]);
}
