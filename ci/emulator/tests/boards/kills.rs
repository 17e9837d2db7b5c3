//! Boards whose emulator is killed, or whose power is cut, at any moment: no cell that had ended is lost or run again, no
//! verdict is another one, and there is always a summary. `PRIME_CTS_KILLS` is the number of kills of each sort; those of runs on
//! mocks are in harness/cli/tests/kills.rs.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::host::{Copy, Said, children};
use crate::recorded::{Recorded, text};

const NAME: &str = "debian-amd64-7.3";
const CELLS: &[&str] = &["--", "mapping.", "identity.", "lifetime."];

/// The kills of one run: with each a cell is a crash, and others of its devices are not run.
const EACH: u64 = 3;

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

/// The cells of a journal that have ended, whatever is cut off behind them.
fn ended(copy: &Copy) -> BTreeMap<String, Value> {
    let text = fs::read_to_string(copy.results(NAME).join("run.jsonl")).unwrap_or_default();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let events = whole.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let cells = events.filter(|event| event["event"] == "cell");
    cells.map(|cell| (cell["id"].as_str().unwrap().to_owned(), cell)).collect()
}

fn length(copy: &Copy) -> u64 {
    fs::metadata(copy.results(NAME).join("run.jsonl")).map_or(0, |about| about.len())
}

/// A run, and how it ends undisturbed.
struct Disturbed {
    copy: Copy,
    expected: BTreeMap<String, Value>,
    length: u64,
    numbers: Numbers,
}

impl Disturbed {
    fn new(seed: u64) -> Self {
        let copy = Copy::of(NAME, str::to_owned);
        let said = Said::by(&mut copy.run(NAME, CELLS));
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        let (expected, length) = (ended(&copy), length(&copy));
        Self { copy, expected, length, numbers: Numbers(seed) }
    }

    /// Waits until the journal has grown by some bytes, and sends the emulator a signal. Returns false if the run has ended before.
    fn disturb(&mut self, child: &mut Child, signal: Signal) -> bool {
        let wanted = length(&self.copy) + self.numbers.below(self.length / EACH);
        let emulator = loop {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            match children(child)[..] {
                [emulator] if length(&self.copy) >= wanted => break Pid::from_raw(emulator),
                _ => std::thread::yield_now(),
            }
        };
        let _ = kill(emulator, signal);
        // It is gone when ci/board has waited for it.
        while kill(emulator, None).is_ok() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        true
    }

    /// One run with some kills, resumed as often as `ci/board` does not do so itself. Returns the number of kills.
    fn run(&mut self, signal: Signal, most: u64) -> u64 {
        let (mut kills, mut before) = (0, BTreeMap::new());
        let _ = fs::remove_dir_all(self.copy.results(NAME));
        loop {
            let words = [&["--resume"], CELLS].concat();
            let mut command = self.copy.run(NAME, &words);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            while kills < most && self.disturb(&mut child, signal) {
                kills += 1;
                for (id, cell) in ended(&self.copy) {
                    assert_eq!(before.entry(id).or_insert_with(|| cell.clone()), &cell);
                }
            }
            let said = Said::from(child.wait_with_output().unwrap());
            let has_begun =
                !fs::read_to_string(self.copy.results(NAME).join("run.jsonl")).unwrap_or_default().is_empty();
            assert!(said.out.contains(" cells: ") || !has_begun, "{}{}", said.out, said.err);
            match said.code {
                Some(0 | 1) => return self.is_whole(&said, &before, kills),
                Some(5) => {}
                Some(4) if !has_begun => {}
                _ => panic!("{}{}", said.out, said.err),
            }
        }
    }

    /// The run is whole: what had ended is as it was, and the others are as they are undisturbed, but for the cells that were open at
    /// a kill, and those of their devices.
    #[track_caller]
    fn is_whole(&self, said: &Said, before: &BTreeMap<String, Value>, kills: u64) -> u64 {
        let recorded = Recorded::read(&self.copy.results(NAME));
        let after = ended(&self.copy);
        assert_eq!(recorded.events("cell").count(), after.len(), "a cell is there twice");
        assert!(after.keys().eq(self.expected.keys()), "{}", said.out);
        assert!(said.out.contains(&format!("{0} of {0} cells: ", after.len())), "{}", said.out);
        assert!(before.iter().all(|(id, cell)| after[id] == *cell), "a cell that had ended is another one");
        let open: Vec<&str> = recorded.events("resumed").filter_map(|resumed| resumed["open"].as_str()).collect();
        assert!(open.len() as u64 <= kills, "{open:?}");
        let is_near = |cell: &Value| {
            let near = |open: &&str| ["exporter", "importer"].iter().any(|side| after[*open][side] == cell[side]);
            text(&cell["verdict"]) == "blocked" && open.iter().any(near)
        };
        for (id, cell) in &after {
            let (seen, expected) = (text(&cell["verdict"]), text(&self.expected[id]["verdict"]));
            let crashed = seen == "crash" && open.contains(&id.as_str());
            assert!(seen == expected || crashed || is_near(cell), "{id} is {seen}, and was {expected}: {}", said.out);
        }
        kills
    }
}

/// As many kills as are asked for, in runs of some each.
fn kill_often(signal: Signal, seed: u64) {
    let wanted = std::env::var("PRIME_CTS_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(EACH);
    let mut disturbed = Disturbed::new(seed);
    let mut kills = 0;
    while kills < wanted {
        kills += disturbed.run(signal, EACH.min(wanted - kills));
        println!("{kills} of {wanted} kills with {signal}");
    }
}

#[test]
fn an_emulator_that_is_killed_at_any_moment_loses_nothing() {
    kill_often(Signal::SIGKILL, 0x9e37_79b9_7f4a_7c15);
}

#[test]
fn a_power_that_is_cut_at_any_moment_costs_a_restart() {
    // QEMU ends in order, as it does when the guest is reset or switches itself off.
    kill_often(Signal::SIGTERM, 0xbf58_476d_1ce4_e5b9);
}
