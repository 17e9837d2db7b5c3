//! Much that is no evidence around a fault: cells that are flaky, damaged, blocked; crashes, timeouts, refusals.

mod common;

use common::{BOARD, Dice, Judge, PAIRS, causes, clean, culprits, has_role, plant, say};
use event::cause::{Role, Sure};
use event::finding::NOT_SHOWN_ALONE;
use event::{Blame, CellEnd, Oracle};
use spec::verdict::{Outcome, Verdict};

const BOTH: [Role; 2] = [Role::Exporter, Role::Importer];

/// Plants each fault in some cases, spoils the cells that show it, and then the whole run.
fn judged(spoil: impl Fn(&mut CellEnd), around: impl Fn(&mut Vec<CellEnd>, &mut Dice)) -> Judge {
    let (mut dice, mut judge) = (Dice(17), Judge::default());
    for truth in culprits(BOARD) {
        for role in BOTH {
            let cases = [(); 3].map(|()| PAIRS[dice.roll(PAIRS.len() as u64) as usize]);
            let mut cells = clean(BOARD);
            let shows = |cell: &CellEnd| has_role(cell, &truth, role) && cases.contains(&cell.case.as_str());
            if plant(&mut cells, shows, &spoil) > 0 {
                around(&mut cells, &mut dice);
                judge.take(&causes(BOARD, cells), &truth, role);
            }
        }
    }
    judge
}

fn fail(cell: &mut CellEnd, seen: &str) {
    *cell = CellEnd { outcome: Outcome::Regression, ..common::cell(&cell.id, Verdict::Fail, false) };
    cell.findings[0].seen = seen.to_owned();
}

#[test]
fn flaky_and_damaged_cells_around_a_fault_change_nothing() {
    let flaky = |cells: &mut Vec<CellEnd>, dice: &mut Dice| {
        for cell in cells.iter_mut().filter(|cell| cell.verdict == Verdict::Pass) {
            match dice.roll(5) {
                0 => fail(cell, NOT_SHOWN_ALONE),
                1 => {
                    fail(cell, "seen on a damaged kernel");
                    cell.damaged_by = Some("another".into());
                }
                _ => {}
            }
        }
    };
    judged(|_| (), flaky).demand("two of five are no evidence", 95, 95);
}

#[test]
fn a_few_failures_that_no_one_sees_again_do_not_make_the_fault_another() {
    let noise = |cells: &mut Vec<CellEnd>, dice: &mut Dice| {
        for cell in cells.iter_mut().filter(|cell| cell.verdict == Verdict::Pass && cell.importer.is_some()) {
            if dice.roll(100) == 0 {
                fail(cell, "by chance");
            }
        }
    };
    // The failures by chance are causes of their own: only the first is judged, and that no other is called sure.
    judged(|_| (), noise).demand("one of a hundred fails by chance", 90, 90);
}

#[test]
fn crashes_timeouts_and_refusals_are_failures_like_others() {
    for verdict in [Verdict::Crash, Verdict::Timeout, Verdict::Refused] {
        let spoil = |cell: &mut CellEnd| {
            cell.verdict = verdict;
            cell.findings.iter_mut().for_each(|finding| finding.verdict = verdict);
            say(cell, Oracle::Process, Blame::Kernel, &[]);
        };
        judged(spoil, |_, _| ()).demand(verdict.word(), 95, 95);
    }
}

#[test]
fn refusals_leave_a_cause_open_and_are_no_evidence_beside_failures() {
    let refuse = |cell: &mut CellEnd| {
        cell.verdict = Verdict::Refused;
        cell.findings.iter_mut().for_each(|finding| finding.verdict = Verdict::Refused);
    };
    let vgem = |cell: &CellEnd, role| has_role(cell, &["drm-vgem"], role);
    let mut cells = clean(BOARD);
    plant(&mut cells, |cell| cell.case == "identity.re-export" && vgem(cell, Role::Importer), refuse);
    let only = causes(BOARD, cells.clone());
    assert_eq!((only.len(), only[0].sure), (1, Sure::Open), "{only:?}");
    // What vkms breaks is reported as if no one had refused anything.
    let broken = |cell: &CellEnd| cell.case == "leaks.import" && has_role(cell, &["drm-vkms"], Role::Importer);
    plant(&mut cells, broken, |_| ());
    let both = causes(BOARD, cells);
    let mut alone = clean(BOARD);
    plant(&mut alone, broken, |_| ());
    assert_eq!(both[0].evidence, causes(BOARD, alone)[0].evidence);
    assert_eq!(both[0].suspect.name, "vkms");
    assert_eq!((both.len(), &both[1].suspect.name[..], both[1].sure), (2, "vgem", Sure::Open), "{both:?}");
}

#[test]
fn a_crash_behind_which_all_cells_are_blocked() {
    for stop in [3, 12] {
        let blocked = |cells: &mut Vec<CellEnd>, _: &mut Dice| {
            let failed = |cell: &CellEnd| cell.outcome == Outcome::Regression;
            let at = cells.iter().enumerate().filter(|(_, cell)| failed(cell)).nth(stop - 1).map(|(at, _)| at);
            for cell in cells.iter_mut().skip(at.map_or(usize::MAX, |at| at + 1)) {
                cell.verdict = Verdict::Blocked;
                cell.outcome = Outcome::Missing;
            }
        };
        let crash = |cell: &mut CellEnd| cell.verdict = Verdict::Crash;
        judged(crash, blocked).demand(&format!("{stop} crashes, the rest is blocked"), 50, 95);
    }
}

#[test]
fn cells_on_the_kernel_that_the_crash_left_accuse_no_one() {
    let damaged = |cells: &mut Vec<CellEnd>, _: &mut Dice| {
        let at = cells.iter().position(|cell| cell.outcome == Outcome::Regression).unwrap();
        let first = cells[at].id.clone();
        for cell in cells.iter_mut().skip(at + 1) {
            cell.damaged_by = Some(first.clone());
        }
    };
    judged(|cell| cell.verdict = Verdict::Crash, damaged).demand("one crash, the rest is damaged", 40, 90);
}
