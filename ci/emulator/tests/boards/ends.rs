//! A run ends by itself with its summary, whatever one driver does: the faults of prime_drm's parameter `wreck`.
//!
//! `prime-cts report` on the journal says what the summary said; how long each took is in fixtures/kmod/MUTANTS.md.

use crate::host::{Copy, Said};
use crate::recorded::{Recorded, text};

const NAME: &str = "debian-amd64-kmod";

/// The cells in which the module takes part, without the longest.
const CELLS: &[&str] = &["--", "drm-prime_drm_shmem", "--skip", "chain.", "--skip", "limits."];

/// A run with a fault that came to its end.
struct Ended {
    said: Said,
    recorded: Recorded,
}

impl Ended {
    /// Runs the board with the module's fault.
    #[track_caller]
    fn with(wreck: &str) -> Self {
        let copy = Copy::of(NAME, |board| {
            board.replace("memory=coherent,shmem\"", &format!("memory=coherent,shmem wreck={wreck}\""))
        });
        let said = Said::by(&mut copy.run(NAME, CELLS));
        println!("{}{}", said.out, said.err);
        assert_eq!(said.code, Some(1), "{wreck}: {}", said.err);
        let recorded = Recorded::read(&copy.results(NAME));
        let planned = recorded.events("run").next().unwrap()["cells"].as_u64().unwrap();
        let ended = recorded.events("cell").count() as u64;
        assert_eq!(ended, planned, "{wreck}: cells are missing, or are there twice");
        assert_eq!(recorded.verdicts().len() as u64, planned, "{wreck}: a cell is there twice");
        assert_eq!(recorded.events("end").count(), 1, "{wreck}: the journal has an end");
        assert!(said.out.contains(&format!("{planned} of {planned} cells: ")), "{wreck}: {}", said.out);
        Self { said, recorded }
    }

    /// The first failure of the summary has this verdict, and is one of the module's imports.
    #[track_caller]
    fn names_first(&self, verdict: &str) {
        let of = |line: &&str| line.starts_with(&format!("{verdict}  ")) && line.contains("(regression)");
        let first = self.said.out.lines().find(|line| line.contains(" (regression)"));
        let first = first.filter(of).unwrap_or_else(|| panic!("the first is no {verdict}: {first:?}"));
        assert!(first.contains(".drm-prime_drm_shmem"), "{first}");
    }

    /// The restarts, each of which has a cell that made it necessary.
    fn restarts(&self) -> usize {
        self.recorded.events("resumed").count()
    }

    fn troubles(&self, what: &str) -> usize {
        self.recorded.events("trouble").filter(|trouble| text(&trouble["what"]) == what).count()
    }

    fn count(&self, verdict: &str) -> usize {
        self.recorded.verdicts().values().filter(|found| **found == verdict).count()
    }
}

/// Three pairs make the importer the one that does it: its other cells are not run.
const PAIRS: usize = 3;

#[test]
fn an_oops_with_a_lock_held_is_followed_by_a_restart() {
    let ended = Ended::with("lock");
    ended.names_first("crash");
    assert_eq!(ended.count("timeout"), 0, "no cell waits for the lock");
    assert!((1..=PAIRS + 1).contains(&ended.restarts()), "{}", ended.restarts());
    assert_eq!(ended.troubles("damage"), ended.restarts());
}

#[test]
fn a_machine_that_freezes_is_started_again() {
    let ended = Ended::with("freeze");
    ended.names_first("crash");
    assert!((1..=PAIRS + 1).contains(&ended.restarts()), "{}", ended.restarts());
    assert!(ended.said.out.contains("its last words are not known"));
}

#[test]
fn a_panic_costs_a_restart_and_says_why() {
    let ended = Ended::with("panic");
    ended.names_first("crash");
    assert!((1..=PAIRS + 1).contains(&ended.restarts()), "{}", ended.restarts());
    assert!(ended.said.out.contains("planted in an import"), "{}", ended.said.out);
}

#[test]
fn a_processor_that_does_not_come_back_is_found_in_its_cell() {
    let ended = Ended::with("spin");
    ended.names_first("crash");
    assert!(ended.said.out.contains("soft lockup"), "{}", ended.said.out);
}

#[test]
fn memory_that_is_lost_is_noticed_before_it_is_gone() {
    let ended = Ended::with("memory");
    assert!(ended.troubles("shrinks") > 0 && ended.restarts() >= ended.troubles("shrinks"));
    assert!(ended.said.out.contains("MiB of memory that were available at the start"), "{}", ended.said.out);
    let named = ended.recorded.events("trouble").flat_map(|trouble| trouble["cells"].as_array().into_iter().flatten());
    let named: Vec<&str> = named.map(text).collect();
    assert!(!named.is_empty() && named.iter().all(|cell| cell.contains(".drm-prime_drm_shmem")), "{named:?}");
}

#[test]
fn a_reference_that_each_import_leaks_costs_no_two_seconds_each() {
    let ended = Ended::with("reference");
    assert!(ended.count("fail") > 20, "{}", ended.said.out);
    let long = |cell: &&serde_json::Value| cell["verdict"] == "fail" && cell["ms"].as_u64().unwrap() >= 2000;
    // What is waited for is a time that the kernel has, not one that is measured here.
    assert!(ended.recorded.events("cell").filter(long).count() <= 24, "each waits for the others' leaks in vain");
}

#[test]
fn a_log_that_never_ends_holds_up_no_cell() {
    let ended = Ended::with("flood");
    assert_eq!((ended.count("crash"), ended.count("timeout")), (0, 0));
}

#[test]
fn memory_that_a_device_overwrites_is_whoevers_and_the_run_ends_all_the_same() {
    let ended = Ended::with("overrun");
    // Whose page it is, is chance: the bytes of a buffer, a process, or the kernel. The last costs a restart.
    let bad = ended.count("fail") + ended.count("crash") + ended.count("timeout");
    assert!(bad > 0, "{}", ended.said.out);
    let first = ended.said.out.lines().find(|line| line.contains(" (regression)")).unwrap();
    assert!(["crash", "timeout", "fail"].iter().any(|verdict| first.starts_with(&format!("{verdict}  "))), "{first}");
}

#[test]
fn a_warning_that_comes_long_after_the_call_accuses_no_other_driver() {
    let ended = Ended::with("late");
    let causes: Vec<_> = ended.recorded.events("cause").collect();
    // It falls into the cells of whoever runs by then, or between two; the trace names the module.
    let own = |key: &serde_json::Value| text(key).starts_with("drm-prime_drm");
    for cause in causes.iter().filter(|cause| cause["known"].as_array().is_none_or(Vec::is_empty)) {
        let endpoints = cause["suspect"]["endpoints"].as_array().unwrap();
        assert!(!endpoints.is_empty() && endpoints.iter().all(own), "{cause}");
    }
    assert!(!causes.is_empty() && ended.said.out.contains("planted long after an import"), "{}", ended.said.out);
}
