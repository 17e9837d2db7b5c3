//! Runs that go on after the machine went down, through the program, on a mock.

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

use program::{Place, Said};
use serde_json::Value;

const CELLS: &str = "mapping.whole fd.size leaks.import";

/// What the kernel said at the end, on a console.
const CONSOLE: &str = "board: up\r\n[    9.100000] Oops: general protection fault, probably for non-canonical address \
    0xdead000000000540: 0000 [#1] PREEMPT SMP\r\n[    9.100100] CPU: 0 PID: 77 Comm: prime-cts Not tainted 6.12 #1\r\n\
    [    9.100200] RIP: 0010:walk_pages+0x1d/0x90 [mock]\r\n[    9.100300] Kernel panic - not syncing: Fatal exception\r\n";

/// The journal of a whole run, cut off where a cell was running: the first whose id begins so.
fn cut_in(place: &Place, id: &str) -> String {
    assert_eq!(place.mock("clean", CELLS).code, Some(0));
    let text = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    let start = text.find(&format!("{{\"event\":\"cell-start\",\"id\":\"{id}")).unwrap();
    let end = start + text[start..].find('\n').unwrap() + 1;
    place.file("out/run.jsonl", &text[..end]);
    text
}

fn cells(place: &Place) -> BTreeMap<String, Value> {
    let text = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ended: Vec<&Value> = events.iter().filter(|event| event["event"] == "cell").collect();
    let by_id: BTreeMap<String, Value> =
        ended.iter().map(|cell| (cell["id"].as_str().unwrap().to_owned(), (*cell).clone())).collect();
    assert_eq!(by_id.len(), ended.len(), "a cell was run twice");
    by_id
}

fn resume(place: &Place, more: &str) -> Said {
    place.mock("clean", &format!("{CELLS} --resume {more}"))
}

#[test]
fn what_leaves_a_damaged_kernel_is_run_after_all_others_also_by_a_run_that_goes_on() {
    const BOARD: &str = "name: b\ndescription: d\narchitecture: x86_64\nexpect:\n  cells:\n    \
        - {ids: [fd.size.*], verdict: [pass], last: true, reason: it leaves a damaged kernel}\n";
    let place = Place::new();
    place.file("b.yaml", BOARD);
    let order = || -> Vec<String> {
        let text = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["event"] == "cell").map(|cell| cell["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(place.mock("clean", CELLS).code, Some(0));
    let first = |id: &str, order: &[String]| order.iter().position(|ended| ended.starts_with(id)).unwrap();
    let planned = order();
    assert!(first("fd.size", &planned) < first("mapping.whole", &planned));
    assert_eq!(place.mock("clean", &format!("{CELLS} --board b.yaml")).code, Some(0));
    let last = order();
    assert!(last.last().unwrap().starts_with("fd.size"), "{last:?}");
    assert_eq!(last.len(), planned.len());
    // A run that was cut short before it goes on with the same order.
    let text = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    let start = text.find("{\"event\":\"cell-start\",\"id\":\"mapping.whole").unwrap();
    place.file("out/run.jsonl", &text[..start]);
    assert_eq!(place.mock("clean", &format!("{CELLS} --board b.yaml --resume")).code, Some(0));
    assert_eq!(order(), last);
}

#[test]
fn the_open_cell_has_crashed_and_the_others_are_run() {
    let place = Place::new();
    let whole = cut_in(&place, "fd.size.");
    place.file("console", CONSOLE);
    let said = resume(&place, "--previous-log console");
    assert_eq!(said.code, Some(1), "{said:?}");
    let cells = cells(&place);
    assert_eq!(cells.len(), whole.matches("{\"event\":\"cell\",").count());
    let crashed: Vec<&Value> = cells.values().filter(|cell| cell["verdict"] != "pass").collect();
    let [crashed] = crashed[..] else { panic!("{crashed:?}") };
    assert!(crashed["id"].as_str().unwrap().starts_with("fd.size."));
    assert_eq!((&crashed["verdict"], &crashed["findings"][0]["oracle"]), (&"crash".into(), &"machine".into()));
    let seen = crashed["findings"][0]["seen"].as_str().unwrap();
    assert!(seen.contains("general protection fault"), "{seen}");
    assert!(crashed["findings"][0]["lines"].to_string().contains("walk_pages"), "{crashed}");
    for wanted in ["the machine went down and was started again once", "crash"] {
        assert!(said.out.contains(wanted), "{said:?}");
    }
}

#[test]
fn a_cell_whose_end_was_being_written_is_run_again_and_no_crash() {
    let place = Place::new();
    let whole = cut_in(&place, "fd.size.");
    let cut = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    // As few bytes as there may be, and all but the last: a line is whole with its end.
    let line = whole[cut.len()..].split_inclusive('\n').next().unwrap();
    for length in [1, line.len() / 2, line.len() - 1] {
        place.file("out/run.jsonl", format!("{cut}{}", &line[..length]));
        let said = resume(&place, "");
        assert_eq!(said.code, Some(0), "{length}: {said:?}");
        let cells = cells(&place);
        assert_eq!(cells.len(), whole.matches("{\"event\":\"cell\",").count());
        assert!(cells.values().all(|cell| cell["verdict"] == "pass"), "{cells:?}");
    }
}

#[test]
fn without_a_log_the_cell_has_crashed_all_the_same() {
    let place = Place::new();
    cut_in(&place, "fd.size.");
    assert_eq!(resume(&place, "").code, Some(1));
    let crashed = cells(&place).into_values().find(|cell| cell["verdict"] == "crash").unwrap();
    assert!(crashed["findings"][0]["seen"].as_str().unwrap().contains("its last words are not known"), "{crashed}");
    assert_eq!(crashed["findings"][0]["blame"], "undecided");
}

#[test]
fn the_other_cells_of_a_deadly_pair_are_blocked_and_say_how_to_run_them() {
    const PAIR: &str = "leaks.import.";
    let place = Place::new();
    let arguments = "leaks. --skip rounds";
    assert_eq!(place.mock("clean", arguments).code, Some(0));
    let text = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    let start = text.find(&format!("{{\"event\":\"cell-start\",\"id\":\"{PAIR}")).expect("a pair's cell");
    let end = start + text[start..].find('\n').unwrap() + 1;
    place.file("out/run.jsonl", &text[..end]);
    assert_eq!(place.mock("clean", &format!("{arguments} --resume")).code, Some(1));
    let cells = cells(&place);
    let down = cells.values().find(|cell| cell["verdict"] == "crash").unwrap();
    let blocked: Vec<&Value> = cells.values().filter(|cell| cell["verdict"] == "blocked").collect();
    assert!(!blocked.is_empty(), "{cells:?}");
    for cell in blocked {
        assert_eq!((&cell["exporter"], &cell["importer"]), (&down["exporter"], &down["importer"]));
        let seen = cell["findings"][0]["seen"].as_str().unwrap();
        assert!(seen.contains(&format!("--exact {}", cell["id"].as_str().unwrap())), "{seen}");
    }
    assert!(cells.values().any(|cell| cell["verdict"] == "pass"));
}

#[test]
fn a_run_is_gone_on_with_by_the_arguments_that_it_was_begun_with() {
    let place = Place::new();
    cut_in(&place, "fd.size.");
    let said = place.mock("clean", "fd.size --resume");
    said.fails(2, &["the run was begun with other cells", "use the same arguments as the original run"]);
    let path = place.path("out/run.jsonl");
    let other = fs::read_to_string(&path).unwrap().replacen("\"kernel\":\"", "\"kernel\":\"0.", 1);
    fs::write(&path, other).unwrap();
    resume(&place, "").fails(2, &["the run was begun on Linux 0."]);
}

#[test]
fn as_many_cells_that_are_others_are_no_way_to_go_on() {
    let place = Place::new();
    let cut = |id: &str| {
        assert_eq!(place.mock("clean", &format!("--exact {id}")).code, Some(0));
        let text = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
        let end = text.find("{\"event\":\"cell\",").unwrap();
        place.file("out/run.jsonl", &text[..end]);
    };
    cut("fd.size.mock-clean");
    let said = place.mock("clean", "--exact mapping.whole.mock-clean --resume");
    said.fails(2, &["fd.size.mock-clean is not among them"]);
}

/// Writes one more endpoint into a journal: it has that name no more.
fn with_one_gone(place: &Place, change: impl Fn(String) -> String) {
    let path = place.path("out/run.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let endpoint = text.lines().find(|line| line.contains("\"event\":\"endpoint\"")).unwrap();
    let gone = endpoint.replacen("\"key\":\"mock-", "\"key\":\"mock-gone-", 1);
    fs::write(&path, change(text.replacen(endpoint, &format!("{endpoint}\n{gone}"), 1))).unwrap();
}

#[test]
fn a_crash_whose_device_did_not_come_back_is_told_all_the_same() {
    let place = Place::new();
    cut_in(&place, "fd.size.");
    // The open cell is one of the device that is gone.
    with_one_gone(&place, |text| text.replace("\"id\":\"fd.size.mock-clean\"}", "\"id\":\"fd.size.mock-gone-clean\"}"));
    let said = resume(&place, "");
    assert_eq!(said.code, Some(1), "{said:?}");
    let cells = cells(&place);
    assert_eq!(cells["fd.size.mock-gone-clean"]["verdict"], "crash");
    assert_eq!(cells["fd.size.mock-gone-clean"]["exporter"], "mock-gone-clean");
    assert!(said.out.contains("fd.size.mock-gone-clean"), "{said:?}");
}

#[test]
fn with_nothing_to_go_on_with_a_run_begins_and_a_whole_one_is_told_again() {
    let place = Place::new();
    // A log is only there after a crash.
    let first = resume(&place, "--previous-log no-log-yet");
    assert_eq!(first.code, Some(0), "{first:?}");
    let journal = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    let again = resume(&place, "");
    assert_eq!(again.code, Some(0));
    assert_eq!(fs::read_to_string(place.path("out/run.jsonl")).unwrap(), journal);
    assert!(again.out.contains(" verified"), "{again:?}");
}

#[test]
fn a_compressed_journal_is_left_as_it_is() {
    let place = Place::new();
    let text = cut_in(&place, "fd.size.");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let path = place.file("out/run.jsonl", &packed);
    resume(&place, "").fails(2, &["is compressed", "gzip -d"]);
    assert_eq!(fs::read(path).unwrap(), packed);
}

#[test]
fn what_is_no_journal_is_left_as_it_is() {
    let place = Place::new();
    let text = "{\"event\":\"cell-start\",\"id\":\"a.b.c\"}\n{\"event\":\"cell-st";
    let path = place.file("out/run.jsonl", text);
    resume(&place, "").fails(2, &["is not a journal of prime-cts"]);
    assert_eq!(fs::read_to_string(path).unwrap(), text);
}

#[test]
fn a_report_into_the_folder_of_its_journal_keeps_the_journal() {
    let place = Place::new();
    let first = resume(&place, "fd.size");
    assert_eq!(first.code, Some(0), "{first:?}");
    let journal = fs::read_to_string(place.path("out/run.jsonl")).unwrap();
    let said = place.run("report out --output out");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(fs::read_to_string(place.path("out/run.jsonl")).unwrap(), journal);
}

#[test]
fn an_endpoint_that_is_gone_after_the_restart_is_missing() {
    let place = Place::new();
    cut_in(&place, "fd.size.");
    with_one_gone(&place, |text| text);
    let said = resume(&place, "");
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("missing") && said.out.contains("mock-gone-"), "{said:?}");
}
