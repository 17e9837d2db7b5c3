//! `--jobs`: cells that cannot disturb each other run at the same time, and what they show is what they show alone.

mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use program::Place;
use serde_json::Value;

/// Takes more memory than a test may.
const BEYOND: &str = "limits.beyond-4gib";

fn events(place: &Place) -> Vec<Value> {
    let text = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn run(mocks: &str, arguments: &str) -> Vec<Value> {
    let place = Place::new();
    place.mock(mocks, &format!("--intrusive --skip {BEYOND} {arguments}"));
    let events = events(&place);
    assert_eq!(events.last().unwrap()["event"], "end");
    events
}

fn id(event: &Value) -> String {
    event["id"].as_str().unwrap().to_owned()
}

/// Each cell's verdict, with who is to blame.
fn verdicts(events: &[Value]) -> BTreeMap<String, String> {
    let cells: Vec<&Value> = events.iter().filter(|event| event["event"] == "cell").collect();
    let told = |cell: &Value| {
        let findings = cell["findings"].as_array().unwrap().iter();
        let findings = findings.map(|finding| format!(" {} {}", finding["oracle"], finding["blame"]));
        format!("{}{}", cell["verdict"], findings.collect::<String>())
    };
    let all: BTreeMap<String, String> = cells.iter().map(|cell| (id(cell), told(cell))).collect();
    assert_eq!(all.len(), cells.len(), "a cell has two ends");
    all
}

/// The cells that were open at the same time, each time that one began.
fn open_together(events: &[Value]) -> Vec<BTreeSet<String>> {
    let mut open = BTreeSet::new();
    let mut all = Vec::new();
    for event in events {
        match event["event"].as_str().unwrap() {
            "cell-start" => {
                open.insert(id(event));
                all.push(open.clone());
            }
            "cell" => open.retain(|open| *open != id(event)),
            "again" => open.retain(|open| !event["cells"].as_array().unwrap().iter().any(|id| id == open)),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    all
}

#[test]
fn every_verdict_is_that_of_a_serial_run() {
    // One that is sound, one whose mapping is wrong, one that refuses, one that crashes, one that leaks, one that complains.
    const CELLS: &str = "coherence. identity. leaks.import mapping. refusal.";
    let mocks = "clean,wrong-page,refuses,crashes,leaks-refused,warns";
    let serial = verdicts(&run(mocks, CELLS));
    for jobs in [2, 5] {
        let events = run(mocks, &format!("{CELLS} --jobs {jobs}"));
        assert_eq!(verdicts(&events), serial, "{jobs} at the same time");
        let most = open_together(&events).iter().map(BTreeSet::len).max();
        assert_eq!(most, Some(jobs));
    }
}

#[test]
fn every_case_shows_the_same_beside_others() {
    let serial = run("clean,copies", "");
    assert_eq!(verdicts(&run("clean,copies", "--jobs 3")), verdicts(&serial));
}

#[test]
fn a_complaint_of_the_kernel_is_that_of_the_cell_which_makes_it_alone() {
    let events = run("clean,warns,dirty,copies", "identity.duplicate-handle --jobs 2");
    let again: Vec<&Value> = events.iter().filter(|event| event["event"] == "again").collect();
    assert!(!again.is_empty(), "nothing was planted beside another cell");
    for again in again {
        let cells: Vec<&str> = again["cells"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        // One, where the other had ended before: none of what it showed is in doubt.
        assert!((1..=2).contains(&cells.len()), "{again}");
        assert!(cells.iter().any(|id| id.ends_with("mock-warns")), "{again}");
        assert!(again["seen"].as_str().unwrap().contains("mock_map_dma_buf"), "{again}");
    }
    let complained = |(id, told): (&String, &String)| told.contains("kernel-log").then(|| id.clone());
    let blamed: Vec<String> = verdicts(&events).iter().filter_map(complained).collect();
    assert_eq!(blamed.len(), 4, "{blamed:?}");
    assert!(blamed.iter().all(|id| id.ends_with(".mock-warns")), "{blamed:?}");
}

#[test]
fn cells_that_look_at_the_machine_run_alone_and_no_device_is_in_two_cells_at_a_time() {
    let events = run("clean,dirty,copies,scribbles", "identity. leaks. races. limits.sizes limits.many- --jobs 4");
    let together = open_together(&events);
    assert!(together.iter().any(|open| open.len() > 1));
    for open in together.iter().filter(|open| open.len() > 1) {
        let alone = |id: &&String| id.starts_with("races.") || id.starts_with("limits.many-");
        assert_eq!(open.iter().find(alone), None, "{open:?}");
        let devices: Vec<&str> = open.iter().flat_map(|id| id.split('.').skip(2).collect::<BTreeSet<_>>()).collect();
        assert_eq!(devices.iter().collect::<BTreeSet<_>>().len(), devices.len(), "{open:?}");
    }
}

#[test]
fn of_several_that_were_open_each_is_run_alone_after_a_restart() {
    const CELLS: &str = "fd.size mapping.whole";
    let place = Place::new();
    let whole = place.mock("clean,dirty", &format!("{CELLS} --jobs 2"));
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let text = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    let first: Vec<&str> = text.lines().skip_while(|line| !line.contains("\"cell-start\"")).take(2).collect();
    assert!(first.iter().all(|line| line.contains("\"cell-start\"")), "{first:?}");
    let cut = text.find(first[1]).unwrap() + first[1].len() + 1;
    place.file("out/run.jsonl", &text[..cut]);
    let told = place.run("report out");
    assert!(first.iter().all(|line| told.out.contains(line.split('"').nth(7).unwrap())), "{told:?}");
    let resumed = place.mock("clean,dirty", &format!("{CELLS} --jobs 2 --resume"));
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    let after: Vec<Value> = events(&place).into_iter().skip_while(|event| event["event"] != "resumed").collect();
    let suspects: Vec<&str> = after[0]["suspects"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!((suspects.len(), &after[0]["open"]), (2, &Value::Null));
    for open in open_together(&after) {
        assert!(open.len() == 1 || !suspects.iter().any(|id| open.contains(*id)), "{open:?}");
    }
    assert_eq!(verdicts(&events(&place)).len(), text.matches("{\"event\":\"cell\",").count());

    // The first of them alone brings it down: that one is named.
    let text = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    let start = text.find("\"resumed\"").unwrap();
    let start = start + text[start..].find("\"cell-start\"").unwrap();
    let end = start + text[start..].find('\n').unwrap() + 1;
    place.file("out/run.jsonl", &text[..end]);
    assert_eq!(place.mock("clean,dirty", &format!("{CELLS} --jobs 2 --resume")).code, Some(1));
    let crashed: Vec<String> =
        verdicts(&events(&place)).into_iter().filter(|(_, told)| told.contains("crash")).map(|(id, _)| id).collect();
    assert_eq!(crashed, [suspects[0]]);
}

#[test]
fn a_console_takes_one_cell_at_a_time() {
    let place = Place::new();
    for (arguments, said) in [("--jobs 2 --console", "cannot be used with"), ("--jobs 0", "0 is not in 1..=256")] {
        let refused = place.mock("clean", &format!("fd.size {arguments}"));
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.err.contains(said), "{refused:?}");
    }
}
