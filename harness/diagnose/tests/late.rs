//! What a driver does late comes into the cells of whoever runs by then.

mod common;

use common::{BOARD, Dice, causes, clean, has_role, plant, say};
use event::cause::{Role, Sure};
use event::{Blame, Oracle};
use spec::verdict::Verdict;

const LATE: &str = "RIP: 0010:cirrus_work+0x15/0x20 [cirrus]";

#[test]
fn a_driver_whose_worker_warns_in_any_cell_is_the_one_cause() {
    for seed in 1..20 {
        let (mut dice, mut cells) = (Dice(seed), clean(BOARD));
        plant(&mut cells, |_| dice.roll(40) == 0, |cell| say(cell, Oracle::KernelLog, Blame::Kernel, &[LATE]));
        let causes = causes(BOARD, cells);
        assert_eq!(causes.len(), 1, "seed {seed}: {causes:?}");
        let cause = &causes[0];
        assert_eq!((&cause.suspect.endpoints[..], cause.suspect.role), (&["drm-cirrus".to_owned()][..], Role::Either));
        assert_eq!((cause.sure, cause.function.as_deref()), (Sure::Proved, Some("cirrus_work [cirrus]")));
        assert!(cause.evidence.fails > 3 && cause.evidence.of > cause.evidence.fails, "{:?}", cause.evidence);
    }
}

#[test]
fn in_a_run_of_one_device_s_cells_it_is_that_driver_s() {
    for seed in 1..20 {
        let (mut dice, mut cells) = (Dice(seed), clean(BOARD));
        cells.retain(|cell| has_role(cell, &["drm-cirrus"], Role::Either));
        plant(&mut cells, |_| dice.roll(12) == 0, |cell| say(cell, Oracle::KernelLog, Blame::Kernel, &[LATE]));
        for cause in causes(BOARD, cells) {
            assert_eq!(cause.suspect.endpoints, ["drm-cirrus"], "seed {seed}: {cause:?}");
        }
    }
}

#[test]
fn another_fault_beside_it_is_a_cause_of_its_own() {
    let (mut dice, mut cells) = (Dice(7), clean(BOARD));
    let vivid = ["v4l2-vivid-cap0", "v4l2-vivid-cap1", "v4l2-vivid-cap2", "v4l2-vivid-cap3"];
    let leaks = |cell: &event::CellEnd| cell.case == "leaks.import" && has_role(cell, &vivid, Role::Importer);
    plant(&mut cells, leaks, |cell| say(cell, Oracle::Balance, Blame::Importer, &[]));
    let late = |cell: &event::CellEnd| cell.verdict == Verdict::Pass && dice.roll(40) == 0;
    plant(&mut cells, late, |cell| say(cell, Oracle::KernelLog, Blame::Kernel, &[LATE]));
    let named: Vec<_> =
        causes(BOARD, cells).into_iter().map(|cause| (cause.suspect.name, cause.suspect.role)).collect();
    assert_eq!(named.len(), 2, "{named:?}");
    assert!(named.contains(&("cirrus".into(), Role::Either)) && named.contains(&("vivid".into(), Role::Importer)));
}

#[test]
fn who_stumbles_over_what_two_others_spoil_is_not_the_one_that_is_late() {
    let mut cells = clean(BOARD);
    let spoils = |cell: &event::CellEnd| {
        ["leaks.import", "leaks.rounds"].contains(&cell.case.as_str())
            && has_role(cell, &["drm-cirrus"], Role::Importer)
            && has_role(cell, &["heap-system", "udmabuf"], Role::Exporter)
    };
    plant(&mut cells, spoils, |cell| say(cell, Oracle::KernelLog, Blame::Importer, &[LATE]));
    for cause in causes(BOARD, cells) {
        assert!(!cause.why.contains("no one else in common"), "{cause:?}");
    }
}
