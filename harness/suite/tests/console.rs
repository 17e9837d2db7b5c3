//! A journal that is rebuilt from a console's log, through the program, on mocks.

mod program;

use std::fs;

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
    place.run("report --from-console empty").fails(2, &["empty is no journal of prime-cts"]);
    let spoilt = run.out.replacen("\"event\":\"cell\"", "\"eve[ 1.0] oops\"", 1);
    place.file("spoilt", spoilt);
    let said = place.run("report --from-console spoilt");
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("1 lines of the journal on this console are damaged"), "{said:?}");
    assert!(said.out.contains("missing  the cell fd."), "{said:?}");
}
