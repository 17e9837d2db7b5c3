//! Runs that are killed at any moment, or a cell's process in them: no cell that had ended is lost or run again, no verdict is
//! another one, and there is a summary at the end. `PRIME_CTS_KILLS` is the number of kills, half of each sort; the emulator's are
//! in ci/emulator/tests/boards/kills.rs.

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsRawFd;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use program::{Place, Said};
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

fn kills() -> u64 {
    std::env::var("PRIME_CTS_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(40)
}

/// The cells that have ended, each of which is there once, and the one that was open at the end. `torn` says that a line is
/// cut off behind it.
#[derive(Default)]
struct Journal {
    ended: BTreeMap<String, Value>,
    open: Option<String>,
    torn: bool,
}

impl Journal {
    fn of(place: &Place) -> Self {
        let text = fs::read(place.path("out/run.jsonl")).unwrap_or_default();
        let mut journal = Self { torn: text.last().is_some_and(|&byte| byte != b'\n'), ..Self::default() };
        for event in text.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok()) {
            let id = event["id"].as_str().unwrap_or_default().to_owned();
            match event["event"].as_str() {
                Some("cell-start") => journal.open = Some(id),
                Some("cell") => {
                    journal.open = None;
                    assert!(journal.ended.insert(id.clone(), event).is_none(), "{id} is there twice");
                }
                _ => {}
            }
        }
        journal
    }

    fn verdict(&self, id: &str) -> &str {
        self.ended[id]["verdict"].as_str().unwrap()
    }

    /// Whether a cell has the exporter and the importer of another.
    fn is_of_the_pair_of(&self, id: &str, other: &str) -> bool {
        let pair = |id: &str| [&self.ended[id]["exporter"], &self.ended[id]["importer"]];
        pair(id) == pair(other)
    }
}

/// A run on a mock, and how its cells end undisturbed.
struct Runs {
    place: Place,
    expected: Journal,
    length: u64,
    numbers: Numbers,
}

impl Runs {
    fn new(seed: u64) -> Self {
        let place = Place::new();
        assert_eq!(place.mock("clean", CELLS).code, Some(0));
        let length = fs::metadata(place.path("out/run.jsonl")).unwrap().len();
        Self { expected: Journal::of(&place), length, numbers: Numbers(seed), place }
    }

    /// Begins one, and returns when its journal has come to some length: anywhere within a line or between two.
    fn begin(&mut self) -> Child {
        fs::remove_dir_all(self.place.path("out")).unwrap();
        let words = format!("run --mock clean --kernel-log kernel-log --output out {CELLS}");
        let mut command = self.place.command(&words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let length = self.numbers.below(self.length);
        let there = || fs::metadata(self.place.path("out/run.jsonl")).map_or(0, |about| about.len());
        while there() < length && child.try_wait().unwrap().is_none() {}
        child
    }

    /// The run came to its end with all cells, of which `crashed` may be a crash, and those of its pair not run.
    #[track_caller]
    fn is_whole(&self, said: &Said, crashed: Option<&str>, run: u64) -> Journal {
        let after = Journal::of(&self.place);
        let expected = &self.expected;
        assert_eq!((after.ended.len(), &after.open), (expected.ended.len(), &None), "run {run}: {said:?}");
        assert!(said.out.contains(&format!("{0} of {0} cells: ", expected.ended.len())), "run {run}: {said:?}");
        assert_eq!(said.code, Some(i32::from(crashed.is_some())), "run {run}: {said:?}");
        for id in expected.ended.keys() {
            let seen = after.verdict(id);
            let spared = || crashed.is_some_and(|crashed| seen == "blocked" && after.is_of_the_pair_of(id, crashed));
            let fits = seen == expected.verdict(id) || crashed == Some(id) && seen == "crash" || spared();
            assert!(fits, "run {run}: {id} is {seen}, and was {}", expected.verdict(id));
        }
        after
    }
}

#[test]
fn a_run_that_is_killed_at_any_moment_loses_nothing() {
    let mut runs = Runs::new(0x9e37_79b9_7f4a_7c15);
    let (kills, mut cut_short) = (kills() / 2, 0);
    for run in 0..kills {
        let mut child = runs.begin();
        let _ = child.kill();
        child.wait().unwrap();
        let before = Journal::of(&runs.place);
        cut_short += u64::from(before.ended.len() < runs.expected.ended.len());
        let said = runs.place.mock("clean", &format!("{CELLS} --resume"));
        let crashed = before.open.filter(|_| !before.torn);
        let after = runs.is_whole(&said, crashed.as_deref(), run);
        for (id, ended) in &before.ended {
            assert_eq!(ended, &after.ended[id], "run {run}: {id} was run again");
        }
    }
    println!("{kills} runs were killed, {cut_short} of them before their end");
    assert!(cut_short * 2 > kills, "{cut_short} of {kills} were cut short");
}

#[test]
fn a_cell_s_process_that_is_killed_at_any_moment_costs_at_most_its_cell() {
    let mut runs = Runs::new(0xbf58_476d_1ce4_e5b9);
    let (kills, mut hit, mut crashes) = (kills() / 2, 0, 0);
    for run in 0..kills {
        let child = runs.begin();
        // Those that it has now: one that works, one that waits, or none.
        let list = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap_or_default();
        let killed = |pid: &str| kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGKILL).is_ok();
        hit += u64::from(list.split_whitespace().map(killed).filter(|killed| *killed).count() > 0);
        let said = Said::from(child.wait_with_output().unwrap());
        let after = Journal::of(&runs.place);
        let crashed: Vec<&String> = after.ended.keys().filter(|id| after.verdict(id) == "crash").collect();
        assert!(crashed.len() < 2, "run {run}: {crashed:?}");
        runs.is_whole(&said, crashed.first().map(|id| id.as_str()), run);
        for id in crashed {
            crashes += 1;
            let seen = after.ended[id]["findings"].to_string();
            assert!(seen.contains("SIGKILL ended the process"), "run {run}: {seen}");
        }
    }
    println!("{hit} of {kills} kills hit a process, {crashes} of them within a cell");
    assert!(hit * 2 > kills, "{hit} of {kills} hit a process");
}

#[test]
fn a_cell_s_process_that_never_ends_keeps_no_one_waiting_for_what_the_run_says() {
    let place = Place::new();
    let words = format!("run --mock clean --kernel-log kernel-log --progress lines --output out {CELLS}");
    let mut child = place.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let leads = |fd: String| fs::read_link(fd).map(|place| place.display().to_string()).unwrap_or_default();
    let own = |fd: i32| leads(format!("/proc/self/fd/{fd}"));
    let pipes = [child.stdout.as_ref().unwrap().as_raw_fd(), child.stderr.as_ref().unwrap().as_raw_fd()].map(own);
    assert!(pipes.iter().all(|pipe| pipe.starts_with("pipe:")), "{pipes:?}");
    let mut seen = 0;
    while child.try_wait().unwrap().is_none() {
        let list = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap_or_default();
        for pid in list.split_whitespace() {
            // The error is the last that is left.
            if leads(format!("/proc/{pid}/fd/2")) != "/dev/null" {
                continue;
            }
            let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            let held: Vec<String> = files.map(|file| leads(file.path().display().to_string())).collect();
            assert!(!held.iter().any(|held| pipes.contains(held)), "{held:?}");
            seen += 1;
        }
    }
    assert!(seen > 0, "no cell had a process");
}
