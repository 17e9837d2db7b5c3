//! The board under load: what real drivers do when all of them stream, import and close at once, and that a fault which is
//! planted in one of them is found in the middle of that.

use std::fs;

use serde_json::Value;

use crate::host;

/// The cells of a load that a shell on a board has run, by their ids.
fn cells(board: &str, folder: &str) -> Vec<Value> {
    let journal = host::root().join("target/boards").join(board).join(folder).join("run.jsonl");
    let text = fs::read_to_string(journal).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["event"] == "cell").collect()
}

/// How a load has ended. Its exit code is in a file: the kernel writes to the console, too, and in the middle of a line.
fn ended(board: &str, folder: &str) -> String {
    let path = host::root().join("target/boards").join(board).join(format!("{folder}.code"));
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

#[track_caller]
fn cell<'a>(cells: &'a [Value], id: &str) -> &'a Value {
    cells.iter().find(|cell| cell["id"] == id).unwrap_or_else(|| panic!("no {id} in {cells:#?}"))
}

/// A worker did something, and nothing was wrong with it that the board file does not know.
#[track_caller]
fn did(cells: &[Value], id: &str, figures: &[&str]) {
    let cell = cell(cells, id);
    let flake = cell["outcome"] == "flake";
    assert!(cell["verdict"] == "pass" || flake, "{cell:#}");
    for name in figures {
        assert!(cell["figures"][name].as_u64().is_some_and(|figure| figure > 0), "{name}: {cell:#}");
    }
}

#[test]
fn a_board_bears_a_load() {
    let board = "debian-amd64";
    let _board = host::alone(board);
    let script = "rm -rf /results/load*\nprime-cts load --seconds 20 --board /board/*.yaml --progress none --output /results/load\n\
        echo $? >/results/load.code\n";
    let out = host::shell(board, script).out.replace('\r', "");
    // As the board file expects, which knows what vivid does.
    assert_eq!(ended(board, "load"), "0", "{out}");
    let cells = cells(board, "load");
    for device in ["v4l2-vim2m-cap0", "v4l2-vicodec-cap0"] {
        did(
            &cells,
            &format!("load.stream.{device}"),
            &["frames-written", "frames-read", "bytes-compared", "exporters"],
        );
    }
    for device in ["v4l2-vivid-cap0", "v4l2-vivid-cap2"] {
        did(&cells, &format!("load.stream.{device}"), &["frames-written", "bytes-compared", "exporters"]);
    }
    for number in 0..2 {
        did(&cells, &format!("load.rounds.worker-{number}"), &["rounds", "imports", "bytes-compared"]);
        did(&cells, &format!("load.closes.worker-{number}"), &["rounds", "closes", "imports", "exits"]);
    }
    did(&cells, "load.leaks.board", &["rounds-and-frames", "pairs", "bytes-available-before"]);
    did(&cells, "load.kernel-log.board", &[]);
    let lost = cells.iter().filter_map(|cell| cell["figures"]["frames-lost"].as_u64()).sum::<u64>();
    assert_eq!(lost, 0);
    // Two of vimc's nodes get frames of one sensor. The one that cannot stream meanwhile is reported and does not pass.
    did(&cells, "load.stream.v4l2-vimc-cap0", &["frames-written", "bytes-compared"]);
    assert_eq!(cell(&cells, "load.stream.v4l2-vimc-cap2")["verdict"], "blocked");
}

/// A load of our own modules, without a fault and with some, each of which another check is to find.
const SCRIPT: &str = "
rm -rf /results/load*
fault=/sys/module/prime_canary/parameters/fault
try() {
    [ $1 = none ] || echo $1 >$fault
    prime-cts load --seconds 8 --progress none --output /results/load-$1 canary- v4l2-prime_contig >/dev/null
    echo $? >/results/load-$1.code
    echo >$fault
}
try none
try dma-other-buffer
try map-warns
try import-leaks-reference
";

#[test]
fn a_fault_that_is_planted_is_found_under_load() {
    let board = "debian-amd64-kmod";
    let _board = host::alone(board);
    let out = host::shell(board, SCRIPT).out.replace('\r', "");
    assert_eq!(ended(board, "load-none"), "0", "{out}");
    let stream = "load.stream.v4l2-prime_contig-cap0";
    did(&cells(board, "load-none"), stream, &["frames-written", "frames-read", "bytes-compared"]);
    for (fault, id, text) in [
        ("dma-other-buffer", stream, "in a buffer of canary-"),
        ("map-warns", "load.kernel-log.board", "canary"),
        ("import-leaks-reference", "load.leaks.board", "dma-bufs of the load are still there"),
    ] {
        assert_eq!(ended(board, &format!("load-{fault}")), "1", "{out}");
        let cells = cells(board, &format!("load-{fault}"));
        let cell = cell(&cells, id);
        assert_eq!(cell["verdict"], "fail", "{fault}: {cell:#}");
        assert!(cell["findings"].to_string().contains(text), "{fault}: '{text}' is not in {cell:#}");
    }
}
