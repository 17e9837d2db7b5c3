//! Runs that are killed at any moment, and resumed: no cell that had ended is lost or run again, no verdict is another one,
//! and there is a summary at the end. `PRIME_CTS_KILLS` is the number of runs.

mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Stdio;

use program::Place;
use serde_json::Value;

const CELLS: &str = "mapping. fd. identity.";

/// A generator of numbers that are the same in every run: xorshift64, with a seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// The verdict of each cell, each of which is there once, and the cell that was open at the end.
fn verdicts(place: &Place) -> (BTreeMap<String, String>, Option<String>) {
    let text = fs::read_to_string(place.path("out/run.jsonl")).unwrap_or_default();
    let whole = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let (mut ended, mut open) = (BTreeMap::new(), None);
    for event in whole {
        let id = event["id"].as_str().unwrap_or_default().to_owned();
        match event["event"].as_str() {
            Some("cell-start") => open = Some(id),
            Some("cell") => {
                open = None;
                let verdict = event["verdict"].as_str().unwrap().to_owned();
                assert_eq!(ended.insert(id.clone(), verdict), None, "{id} is there twice");
            }
            _ => {}
        }
    }
    (ended, open)
}

#[test]
fn a_run_that_is_killed_at_any_moment_loses_nothing() {
    let runs = std::env::var("PRIME_CTS_KILLS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(20);
    let place = Place::new();
    assert_eq!(place.mock("clean", CELLS).code, Some(0));
    let (expected, _) = verdicts(&place);
    let journal = fs::metadata(place.path("out/run.jsonl")).unwrap().len();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut cut_short = 0;
    for run in 0..runs {
        fs::remove_dir_all(place.path("out")).unwrap();
        let mut command = place.command(&format!("run --mock clean --kernel-log kernel-log --output out {CELLS}"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Killed when the journal has come to this length: anywhere within a line or between two.
        let length = numbers.below(journal);
        let there = || fs::metadata(place.path("out/run.jsonl")).map_or(0, |about| about.len());
        while there() < length && child.try_wait().unwrap().is_none() {}
        let _ = child.kill();
        child.wait().unwrap();
        let (before, open) = verdicts(&place);
        cut_short += usize::from(before.len() < expected.len());
        let said = place.mock("clean", &format!("{CELLS} --resume"));
        let (after, left) = verdicts(&place);
        assert_eq!((after.len(), left), (expected.len(), None), "run {run}: {said:?}");
        let crashed = open.filter(|open| !before.contains_key(open));
        assert_eq!(said.code, Some(i32::from(crashed.is_some())), "run {run}: {said:?}");
        assert!(said.out.contains(&format!("{0} of {0} cells: ", expected.len())), "run {run}: {said:?}");
        let blocked: BTreeSet<&String> =
            after.iter().filter(|(_, verdict)| *verdict == "blocked").map(|(id, _)| id).collect();
        for (id, verdict) in &expected {
            let seen = &after[id];
            assert_eq!(before.get(id).unwrap_or(seen), seen, "run {run}: {id} was run again");
            let fits = seen == verdict || Some(id) == crashed.as_ref() && seen == "crash" || blocked.contains(id);
            assert!(fits, "run {run}: {id} is {seen}, and was {verdict}");
        }
    }
    assert!(cut_short * 2 > runs, "{cut_short} of {runs} were cut short");
}
