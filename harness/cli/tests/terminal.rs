//! What a person sees on a terminal, and a program on a pipe.

mod program;

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use event::Event;
use nix::pty::{Winsize, openpty};
use program::{Place, Said};

const FAULTY: &str = "run --mock wrong-page,clean --kernel-log kernel-log --output out mapping. lifetime.import-again";

/// Runs a command on a terminal of eighty columns: its standard output and its standard error.
fn on_terminal(mut command: Command) -> String {
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(Some(&size), None).unwrap();
    let slave = || Stdio::from(terminal.slave.try_clone().unwrap());
    command.env("TERM", "xterm").env_remove("CI").stdout(slave()).stderr(slave()).stdin(Stdio::null());
    let mut child = command.spawn().unwrap();
    // Else the terminal would stay open, and the read below never end.
    drop(command);
    drop(terminal.slave);
    let mut said = Vec::new();
    // EIO is how a terminal says that its last user has gone.
    let _ = File::from(terminal.master).read_to_end(&mut said);
    child.wait().unwrap();
    String::from_utf8(said).unwrap()
}

const RED: &str = "\u{1b}[1m\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const WIPED: &str = "\r\u{1b}[K";

#[test]
fn a_terminal_gets_the_devices_one_line_of_progress_the_grid_and_the_failures_in_this_order() {
    let said = on_terminal(Place::new().command(FAULTY));
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("no {text:?} in {said}"));
    let places = [
        at("exports, imports"),
        at(&format!("{WIPED}[")),
        at(" s left  "),
        at("exporter \\ importer"),
        at(GREEN),
        at("mapping.at-offset.mock-wrong-page (regression)\r\n  \u{1b}[2mstep"),
        at("verified, "),
    ];
    assert!(places.is_sorted(), "{places:?} {said}");
    // Red, bold and turned round.
    assert!(said.contains("\u{1b}[1m\u{1b}[7m\u{1b}[31mfail"), "{said}");
    let overwritten = said.split(WIPED).filter(|line| line.starts_with('['));
    assert!(overwritten.clone().count() > 0 && overwritten.clone().all(|line| line.lines().next().unwrap().len() < 80));
}

#[test]
fn no_color_and_a_terminal_that_has_none_are_heard() {
    let place = Place::new();
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let mut command = place.command(FAULTY);
        command.env(name, value);
        let said = if name == "TERM" { plain(command) } else { on_terminal(command) };
        assert!(!said.contains("\u{1b}[3") && !said.contains("\u{1b}[1m"), "{name}: {said}");
        assert!(said.contains("mapping.at-offset.mock-wrong-page (regression)"), "{name}: {said}");
    }
}

#[test]
fn a_job_in_the_background_is_not_stopped() {
    let place = Place::new();
    // A session of its own, whose shell has the terminal and starts jobs.
    let job =
        format!("set -m; {} {FAULTY} --console --ktap & wait $!; echo ended with $?", env!("CARGO_BIN_EXE_prime-cts"));
    let mut command = Command::new("setsid");
    command.current_dir(place.path(".")).args(["--wait", "sh", "-c", &format!("exec <>/dev/stdout; {job}")]);
    let said = on_terminal(command);
    assert!(said.contains("ended with 1\r\n"), "{said}");
}

/// What a pipe gets.
fn plain(mut command: Command) -> String {
    let said: Said = command.output().unwrap().into();
    format!("{}{}", said.out, said.err)
}

#[test]
fn a_pipe_gets_plain_text_unless_colours_are_asked_for() {
    let place = Place::new();
    assert!(!plain(place.command(FAULTY)).contains('\u{1b}'));
    let mut command = place.command(FAULTY);
    let forced = plain({
        command.env("CLICOLOR_FORCE", "1");
        command
    });
    assert!(forced.contains(RED), "{forced}");
    // Files are read by programs, whatever the terminal is.
    for file in ["junit.xml", "run.ktap", "run.jsonl"] {
        assert!(!std::fs::read_to_string(place.path("out").join(file)).unwrap().contains('\u{1b}'), "{file}");
    }
}

#[test]
fn programs_get_the_journal_line_for_line_and_nothing_else() {
    let place = Place::new();
    let said = place.run(&format!("{FAULTY} --format json"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.out, std::fs::read_to_string(place.path("out/run.jsonl")).unwrap());
    let mut events = said.out.lines().map(|line| serde_json::from_str::<Event>(line).unwrap());
    assert!(matches!(events.next_back(), Some(Event::End(_))));
}

/// The objects that a command prints, one a line.
fn objects(place: &Place, line: &str) -> Vec<serde_json::Value> {
    let said = place.run(line);
    assert_eq!(said.code, Some(0), "{said:?}");
    said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn lists_plans_and_what_can_be_observed_are_told_to_programs_too() {
    let place = Place::new();
    let mock = "--mock clean --kernel-log kernel-log --format json";
    let devices = objects(&place, &format!("list {mock}"));
    assert_eq!((devices[0]["event"].as_str(), devices[0]["key"].as_str()), (Some("endpoint"), Some("mock-clean")));
    let rules = objects(&place, "list cases --format json");
    assert_eq!(rules.len(), catalogue::embedded().len());
    assert!(rules.iter().all(|rule| rule["rule"].as_str().is_some_and(|rule| rule.ends_with('.'))), "{rules:?}");
    let cells = objects(&place, &format!("plan {mock}"));
    let plain = place.run("plan --mock clean --kernel-log kernel-log").out;
    let ids: Vec<&str> = cells.iter().map(|cell| cell["id"].as_str().unwrap()).collect();
    assert_eq!(ids, plain.lines().map(|line| line.split("  ").next().unwrap()).collect::<Vec<_>>());
    let oracles = objects(&place, &format!("doctor {mock}"));
    assert!(oracles.iter().any(|row| row["oracle"] == "kernel-log" && row["missing"].is_null()), "{oracles:?}");
}
