//! A journal that is rebuilt from a console's log, through the program, on mocks.

mod program;

use std::fs;

use event::console;
use event::journal::Recorded;
use program::Place;
use serde_json::Value;

fn cells(place: &Place, folder: &str) -> Vec<Value> {
    let text = fs::read_to_string(place.path(&format!("{folder}/run.jsonl"))).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
    events.filter(|event: &Value| event["event"] == "cell").collect()
}

#[test]
fn a_console_s_log_tells_the_same_as_the_journal() {
    let place = Place::new();
    let run = place.mock("wrong-page", "fd. mapping. --console --ktap");
    let log = run.out.lines().map(|line| format!("{line}\r\n[   12.345678] usb 1-1: new device\r\n"));
    place.file("log", log.collect::<String>());
    let told = place.run("report --from-console log --output rebuilt");
    assert_eq!((told.code, run.code), (Some(1), Some(1)), "{told:?}");
    assert_eq!(cells(&place, "rebuilt"), cells(&place, "out"));
    assert!(place.path("rebuilt/junit.xml").exists());
    let one = place.run("report --from-console log --cell mapping.at-offset");
    assert!(one.out.contains("the exporter, mock-wrong-page"), "{one:?}");
}

#[test]
fn a_log_that_ends_early_or_has_no_run_is_told_as_such() {
    let place = Place::new();
    let run = place.mock("clean", "fd. --console");
    let cut = run.out.split("\"event\":\"end\"").next().unwrap().rsplit_once('\n').unwrap().0;
    place.file("log", cut);
    assert_eq!(place.run("report --from-console log").code, Some(5));
    place.file("empty", "Linux version 6.12\n");
    place.run("report --from-console empty").fails(2, &["empty is not a journal of prime-cts"]);
    let spoilt = run.out.replacen("\"event\":\"cell\"", "\"eve[ 1.0] oops\"", 1);
    place.file("spoilt", spoilt);
    let said = place.run("report --from-console spoilt");
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("1 lines of the journal on this console are damaged"), "{said:?}");
    assert!(said.out.contains("missing  the cell fd."), "{said:?}");
}

/// What a kernel says at its end, and the next one at its beginning.
const DOWN: &str = "[    9.100000] Oops: general protection fault, probably for non-canonical address \
    0xdead000000000540: 0000 [#1] PREEMPT SMP\r\n[    9.100100] CPU: 0 PID: 77 Comm: prime-cts Not tainted 6.12 #1\r\n\
    [    9.100200] RIP: 0010:walk_pages+0x1d/0x90 [mock]\r\n[    9.100300] Kernel panic - not syncing: Fatal exception\r\n\
    [    0.000000] Linux version 6.12\r\n[    1.000000] WARNING: CPU: 0 PID: 1 at kernel/boot.c:1 early+0x1/0x2\r\n";

#[test]
fn a_run_that_goes_on_behind_a_crash_is_one_run_on_the_console() {
    const CELLS: &str = "leaks. --skip rounds --console";
    let place = Place::new();
    let whole = place.mock("clean", CELLS);
    let start = whole.out.find("{\"event\":\"cell-start\",\"id\":\"leaks.import.").unwrap();
    let crashed = whole.out[start..].split('"').nth(7).unwrap();
    let cut = &whole.out[..start + whole.out[start..].find('\n').unwrap() + 1];
    // Twice: what brings the machine down a second time is reported, too.
    let second = place.mock("clean", &format!("{CELLS} --crashed {crashed}"));
    assert_eq!(second.code, Some(1), "{second:?}");
    place.file("log", format!("{cut}{DOWN}{}", second.out));
    let said = place.run("report --from-console log --output rebuilt");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("the machine went down and was started again once"), "{said:?}");
    let rebuilt = cells(&place, "rebuilt");
    let of_whole = whole.out.matches("\"event\":\"cell\",").count();
    assert_eq!(rebuilt.len(), of_whole, "each cell is reported once");
    assert!(said.out.contains(&format!("{of_whole} of {of_whole} cells")), "{said:?}");
    let guilty: Vec<&Value> = rebuilt.iter().filter(|cell| cell["verdict"] == "crash").collect();
    let [guilty] = guilty[..] else { panic!("{guilty:?}") };
    assert_eq!(guilty["id"], crashed);
    let finding = &guilty["findings"][0];
    assert!(finding["seen"].as_str().unwrap().contains("general protection fault"), "{finding}");
    assert!(finding["lines"].to_string().contains("walk_pages"), "{finding}");
    // The rest of the pair, and nothing else.
    assert!(rebuilt.iter().any(|cell| cell["verdict"] == "blocked"), "{rebuilt:?}");
    assert!(rebuilt.iter().any(|cell| cell["verdict"] == "pass"), "{rebuilt:?}");
}

/// The cells whose results are in LAVA's signals on a console's log.
fn told_lava(log: &str) -> Vec<&str> {
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let signals = whole.lines().filter_map(|line| line.strip_prefix("<LAVA_SIGNAL_TESTCASE TEST_CASE_ID="));
    signals.map(|line| line.split(' ').next().unwrap()).collect()
}

#[test]
fn no_cell_whose_result_was_told_is_ever_taken_for_the_guilty_one() {
    let log = Place::new().mock("clean", "fd. leaks.import --console --lava").out;
    let told = told_lava(&log);
    assert!(told.len() > 2, "{log}");
    let mut open = 0;
    // Wherever the machine goes down.
    for cut in (0..log.len()).filter(|&cut| log.is_char_boundary(cut)) {
        let Some(rebuilt) = Recorded::of(console::read(&log.as_bytes()[..cut], &[]).events) else { continue };
        let told = told_lava(&log[..cut]);
        assert!(rebuilt.open.iter().all(|open| !told.contains(&open.as_str())), "{}", &log[..cut]);
        let ended: Vec<&str> = rebuilt.cells.iter().map(|cell| cell.id.as_str()).collect();
        // The one that LAVA has yet to hear of ended just now.
        assert!(ended.starts_with(&told) && ended.len() - told.len() <= 1, "{}", &log[..cut]);
        open += usize::from(!rebuilt.open.is_empty());
    }
    assert!(open > 100, "most of the time a cell is open");
}

#[test]
fn a_cell_that_is_none_of_the_run_s_is_told_of() {
    let said = Place::new().mock("clean", "fd. --crashed fd.colour.mock-clean");
    said.fails(2, &["cell fd.colour.mock-clean is not in the current plan"]);
}
