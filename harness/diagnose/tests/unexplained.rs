//! Failures in which no device takes part, or more than are looked for: each has a cause, and accuses no device.

mod common;

use common::{BOARD, causes, cell, clean, has_role, plant, say};
use event::cause::{Cause, Role, Sharer, Sure};
use event::{Blame, CellEnd, Oracle};
use spec::verdict::{Outcome, Verdict};

const WORKER: &str = "RIP: 0010:cirrus_work+0x15/0x20 [cirrus]";
const KERNEL: &str = "RIP: 0010:schedule_timeout+0x142/0x170";

/// A cell of the machine as a whole, as those of a load.
fn of_board(line: &str) -> CellEnd {
    let mut one = cell("load.kernel-log.board", Verdict::Fail, false);
    (one.exporter, one.importer, one.second_importer) = (None, None, None);
    one.outcome = Outcome::Regression;
    say(&mut one, Oracle::KernelLog, Blame::Kernel, &[line]);
    one
}

fn names(cause: &Cause) -> (Sharer, &str, Sure) {
    (cause.suspect.kind, &cause.suspect.name, cause.sure)
}

#[test]
fn a_cell_of_the_whole_machine_is_the_kernel_s_or_the_driver_s_that_the_trace_names() {
    let mut cells = clean(BOARD);
    cells.push(of_board(KERNEL));
    let found = causes(BOARD, cells.clone());
    assert_eq!(found.iter().map(names).collect::<Vec<_>>(), [(Sharer::Kernel, "kernel", Sure::Open)]);
    assert_eq!((&found[0].smallest[..], found[0].evidence.fails), ("load.kernel-log", 1));
    cells.pop();
    cells.push(of_board(WORKER));
    let found = causes(BOARD, cells);
    assert_eq!(found.iter().map(names).collect::<Vec<_>>(), [(Sharer::Driver, "cirrus", Sure::Proved)]);
}

#[test]
fn a_known_fault_of_the_whole_machine_is_told_as_known() {
    let mut cells = clean(BOARD);
    let mut known = of_board(WORKER);
    (known.known, known.outcome) = (vec!["cirrus-late".into()], Outcome::Flake);
    cells.push(known);
    let found = causes(BOARD, cells);
    let [cause] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&cause.known[..], &cause.suspect.name[..]), (&["cirrus-late".to_owned()][..], "cirrus"));
}

#[test]
fn it_does_not_grow_the_cause_of_another_fault() {
    let mut cells = clean(BOARD);
    let leaks = |cell: &CellEnd| cell.case == "leaks.import" && has_role(cell, &["drm-vgem"], Role::Importer);
    plant(&mut cells, leaks, |cell| say(cell, Oracle::Balance, Blame::Importer, &[]));
    cells.push(of_board(KERNEL));
    let found = causes(BOARD, cells);
    let mut named: Vec<_> = found.iter().map(names).map(|(_, name, _)| name.to_owned()).collect();
    named.sort();
    assert_eq!(named, ["kernel", "vgem"]);
    assert!(
        found
            .iter()
            .all(|cause| cause.suspect.name == "kernel" || !cause.cells.iter().any(|id| id.starts_with("load.")))
    );
}

#[test]
fn devices_that_the_journal_does_not_describe_are_accused_of_nothing() {
    let mut cells = clean(BOARD);
    let mut strange = cell("fd.size.drm-not-here", Verdict::Fail, false);
    strange.outcome = Outcome::Regression;
    for (outcome, known) in [(Outcome::Regression, Vec::new()), (Outcome::Expected, vec!["x".to_owned()])] {
        strange.outcome = outcome;
        strange.known = known;
        cells.push(strange.clone());
    }
    let found = causes(BOARD, cells);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|cause| names(cause) == (Sharer::Kernel, "kernel", Sure::Open)), "{found:?}");
}

#[test]
fn no_failure_is_without_a_cause_however_many_faults_there_are() {
    let (mut cells, mut dice) = (clean(BOARD), common::Dice(3));
    for key in BOARD.iter().map(|row| row.0) {
        for case in ["fd.size", "mapping.whole", "lifetime.close", "name.set", "sync.flags"] {
            let one = dice.roll(2) == 0;
            let is = |cell: &CellEnd| one && cell.case == case && has_role(cell, &[key], Role::Exporter);
            plant(&mut cells, is, |cell| say(cell, Oracle::Balance, Blame::Exporter, &[]));
        }
    }
    let failed: Vec<String> =
        cells.iter().filter(|cell| cell.verdict == Verdict::Fail).map(|cell| cell.id.clone()).collect();
    let found = causes(BOARD, cells);
    for id in failed {
        assert!(found.iter().any(|cause| cause.cells.contains(&id)), "{id} has no cause");
    }
}

#[test]
fn a_trace_that_comes_through_a_shared_module_first_proves_no_driver() {
    let mut cells = clean(BOARD);
    let mut one = of_board("RIP: 0010:drm_gem_shmem_put_pages+0x1/0x2 [drm_shmem_helper]");
    one.findings.iter_mut().for_each(|finding| finding.lines.push(WORKER.into()));
    cells.push(one);
    let mut run = common::run(BOARD, cells);
    for endpoint in run.endpoints.iter_mut().filter(|endpoint| endpoint.key.starts_with("drm-")) {
        endpoint.uses = vec!["drm_shmem_helper".into()];
    }
    let found = diagnose::of(&run, Some(&catalogue::registry::embedded().unwrap()));
    assert_eq!(found.iter().map(names).collect::<Vec<_>>(), [(Sharer::Kernel, "kernel", Sure::Open)]);
}
