//! Results for which there is no room: `ci/board` says so, reports what there is, and goes on when there is room.
//!
//! The room is QEMU's alone, by a limit for the size of its files: that takes no file system of its own, and no root.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};

use crate::host::{Copy, Said, children};
use crate::recorded::Recorded;

const NAME: &str = "debian-amd64-7.3";
const CELLS: &[&str] = &["mapping.", "identity.", "lifetime."];

/// `ci/board run` in whose QEMU a write past the limit is an error, not a signal.
fn command(copy: &Copy, words: &[&str]) -> Command {
    let run = copy.run(NAME, words);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(run.get_program()).args(run.get_args());
    shell.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(copy.root());
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

/// Waits until the journal has the ends of some cells, and leaves it as much room as that and a part of a line.
fn fill(copy: &Copy, child: &mut Child) {
    let journal = copy.results(NAME).join("run.jsonl");
    let ended = |text: &str| text.matches("{\"event\":\"cell\",").count() > 20;
    let length = loop {
        assert_eq!(child.try_wait().unwrap(), None, "no cell was run");
        match fs::read_to_string(&journal) {
            Ok(text) if ended(&text) => break text.len() + 100,
            _ => std::thread::yield_now(),
        }
    };
    let [emulator] = children(child)[..] else { panic!("one emulator") };
    let (pid, limit) = (format!("--pid={emulator}"), format!("--fsize={length}"));
    assert!(Command::new("prlimit").args([pid, limit]).status().unwrap().success());
}

/// The run without room ends with what it has, and the same command with `--resume` ends it well.
#[track_caller]
fn is_cut_short_and_goes_on(copy: &Copy, parts: &[&str]) {
    let words = [&["--"], CELLS].concat();
    let mut child = command(copy, &words).spawn().unwrap();
    fill(copy, &mut child);
    let said = Said::from(child.wait_with_output().unwrap());
    println!("{}{}", said.out, said.err);
    said.fails(5, parts);
    said.fails(5, &["make room in ", "and go on with the same command and --resume"]);
    assert!(said.out.contains("the run was cut short: its journal has no end"), "{}", said.out);
    let said = Said::by(&mut copy.run(NAME, &[&["--resume"], &words[..]].concat()));
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let recorded = Recorded::read(&copy.results(NAME));
    let planned = recorded.events("run").next().unwrap()["cells"].as_u64().unwrap();
    assert_eq!((recorded.events("cell").count() as u64, recorded.events("end").count()), (planned, 1));
}

#[test]
fn what_qemu_could_not_append_to_the_journal_is_missed() {
    let copy = Copy::of(NAME, str::to_owned);
    is_cut_short_and_goes_on(&copy, &["cells that the board has finished did not get into ", "run.jsonl"]);
}

#[test]
fn a_board_that_writes_over_its_share_hears_of_it_itself() {
    // The port comes with a share of this kind by its common name only.
    let copy = Copy::of(NAME, |text| text.replace("  qemu:\n", "  qemu:\n    share: virtio-9p-pci-non-transitional\n"));
    is_cut_short_and_goes_on(&copy, &["prime-cts: cannot write /results/run.jsonl: File too large"]);
}

#[test]
fn a_console_that_cannot_be_kept_ends_the_run() {
    let copy = Copy::of(NAME, str::to_owned);
    let results = copy.results(NAME);
    fs::create_dir_all(&results).unwrap();
    symlink("/dev/full", results.join("console.log")).unwrap();
    // With --resume nothing is removed before.
    let said = Said::by(&mut copy.run(NAME, &["--resume"]));
    said.fails(5, &["cannot write ", "console.log (No space left on device", "make room in "]);
}
