//! What became of the machine, beside cells that fail and without any.

mod common;

use common::{BOARD, causes, clean, has_role, plant, run, say};
use event::cause::{Cause, Role, Sure};
use event::trouble::{Then, Trouble, TroubleKind};
use event::{Blame, CellEnd, Oracle};

const LINE: &str = "RIP: 0010:cirrus_work+0x15/0x20 [cirrus]";

fn trouble(what: TroubleKind, cells: &[&str], lines: &[&str]) -> Trouble {
    let texts = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
    Trouble { what, seen: "seen".into(), cells: texts(cells), then: Then::GoOn, lines: texts(lines) }
}

fn with(cells: Vec<CellEnd>, troubles: Vec<Trouble>) -> Vec<Cause> {
    let mut recorded = run(BOARD, cells);
    recorded.troubles = troubles;
    diagnose::of(&recorded, Some(&catalogue::registry::embedded().unwrap()))
}

#[test]
fn memory_that_shrinks_names_who_took_part_before() {
    let before = ["leaks.import.drm-vgem.v4l2-vimc-cap0", "leaks.rounds.heap-system.v4l2-vimc-cap0"];
    let found = with(clean(BOARD), vec![trouble(TroubleKind::Shrinks, &before, &[])]);
    let [cause] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (&cause.suspect.endpoints[..], cause.suspect.role),
        (&["v4l2-vimc-cap0".to_owned()][..], Role::Importer)
    );
    assert_eq!(cause.sure, Sure::Open);
}

#[test]
fn memory_that_a_known_leak_takes_accuses_no_one_else() {
    let leaks = |cell: &CellEnd| {
        let queues: Vec<&str> = BOARD.iter().filter(|row| row.1 == "v4l2").map(|row| row.0).collect();
        cell.case.starts_with("leaks.") && has_role(cell, &queues, Role::Importer)
    };
    let mut cells = clean(BOARD);
    plant(&mut cells, leaks, |cell| say(cell, Oracle::Balance, Blame::Undecided, &[]));
    let alone = causes(BOARD, cells.clone());
    let before = ["leaks.import.drm-vgem.v4l2-vimc-cap0", "leaks.rounds.heap-system.v4l2-vimc-cap0"];
    let found = with(cells, vec![trouble(TroubleKind::Shrinks, &before, &[])]);
    assert_eq!((alone.len(), found.len()), (1, 1), "{found:?}");
    assert_eq!(found[0].suspect, alone[0].suspect);
}

#[test]
fn one_function_that_complains_between_cells_again_and_again_is_one_cause() {
    let late = |id: &str| trouble(TroubleKind::Late, &[id], &[LINE]);
    let troubles = vec![late("fd.size.drm-vgem"), late("fd.size.heap-system"), late("fd.size.udmabuf")];
    let found = with(clean(BOARD), troubles);
    let [cause] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&cause.suspect.endpoints[..], cause.sure), (&["drm-cirrus".to_owned()][..], Sure::Proved));
    assert_eq!(cause.cells.len(), 3);
}

#[test]
fn who_meets_memory_in_disorder_behind_a_cell_is_not_proved_to_have_done_it() {
    let before = ["leaks.import.drm-vgem.v4l2-vimc-cap0"];
    let late =
        Trouble { seen: "BUG: Bad page state in process x".into(), ..trouble(TroubleKind::Late, &before, &[LINE]) };
    let found = with(clean(BOARD), vec![late]);
    let [cause] = &found[..] else { panic!("{found:?}") };
    assert_eq!(cause.sure, Sure::Open);
    assert_ne!(cause.suspect.name, "cirrus");
}
