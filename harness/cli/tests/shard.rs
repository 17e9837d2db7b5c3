//! A run in parts, through the program, on mocks: the parts together are the whole run.

mod program;

use std::collections::BTreeMap;
use std::fs;

use program::{Place, Said};
use serde_json::Value;

const CELLS: &str = "fd. mapping. leaks.import.";

/// Two devices, of which one has a fault.
fn run(place: &Place, output: &str, more: &str) -> Said {
    place.run(&format!("run --mock clean,wrong-page --kernel-log kernel-log --output {output} {CELLS} {more}"))
}

fn events(place: &Place, folder: &str, kind: &str) -> Vec<Value> {
    let text = fs::read_to_string(place.path(&format!("{folder}/run.jsonl"))).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
    events.filter(|event: &Value| event["event"] == kind).collect()
}

fn verdicts(place: &Place, folder: &str) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let cells = events(place, folder, "cell").into_iter();
    cells.map(|cell| (text(&cell["id"]), (text(&cell["verdict"]), text(&cell["outcome"])))).collect()
}

#[test]
fn three_shards_are_the_whole_run_and_two_are_not() {
    let place = Place::new();
    let whole = run(&place, "whole", "");
    assert_eq!(whole.code, Some(1), "the second device has a fault");
    let mut cells = 0;
    for number in 1..=3 {
        run(&place, &format!("part{number}"), &format!("--shard {number}/3 --times whole"));
        cells += events(&place, &format!("part{number}"), "cell").len();
    }
    let all = verdicts(&place, "whole");
    assert_eq!(cells, all.len(), "no cell is run twice");
    let merged = place.run("merge part3 part1/run.jsonl part2 --output merged");
    assert_eq!(merged.code, Some(1), "{merged:?}");
    assert_eq!(verdicts(&place, "merged"), all);
    assert!(merged.out.contains(&format!("{0} of {0} cells", all.len())), "{merged:?}");
    let reports = ["junit.xml", "run.ktap"].map(|name| place.path("merged").join(name).exists());
    assert_eq!(reports, [true, true]);

    let two = place.run("merge part1 part3 --output two");
    assert_eq!(two.code, Some(1));
    assert!(two.out.contains("missing  the shard 2/3 is expected"), "{two:?}");
    assert!(two.out.contains(&format!(" of {} cells", all.len())), "{two:?}");
}

#[test]
fn what_is_no_shard_of_the_same_run_is_refused() {
    let place = Place::new();
    run(&place, "whole", "");
    run(&place, "one", "--shard 1/2");
    run(&place, "other", "--shard 2/2 --skip fd.size");
    place.run("merge one whole").fails(2, &["whole is not a shard: it was run without --shard"]);
    place.run("merge one one").fails(2, &["one and one are both shard 1/2"]);
    place.run("merge one other").fails(2, &["not shards of the same run", "the plan differs"]);
    let none = run(&place, "none", "--shard 3/2");
    assert_eq!(none.code, Some(2));
    assert!(none.err.contains("'3/2' is not a shard: write 2/3 for the second of three"), "{none:?}");
}
