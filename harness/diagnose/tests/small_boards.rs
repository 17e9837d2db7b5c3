//! Boards of a few endpoints, as real ones of Arm are, and runs of one case or one pair.

mod common;

use common::{ALONE, Dice, Judge, PAIRS, Row, causes, clean, culprits, has_role, plant, say};
use event::cause::{Role, Sure};
use event::{Blame, CellEnd, Oracle};

const GPU: Row = ("drm-etnaviv", "drm", "etnaviv", "etnaviv_map");
const DISPLAY: Row = ("drm-imx", "drm", "imx-drm", "drm_gem_dma");
const CODEC_OUT: Row = ("v4l2-hantro-out0", "v4l2", "hantro", "vb2_dc_dmabuf_ops_map");
const CODEC_CAP: Row = ("v4l2-hantro-cap0", "v4l2", "hantro", "vb2_dc_dmabuf_ops_map");
const HEAP: Row = ("heap-system", "heap", "system", "system_heap_map_dma_buf");

const BOARDS: &[&[Row]] = &[
    &[GPU, HEAP],
    &[GPU, DISPLAY],
    &[DISPLAY, CODEC_CAP],
    &[GPU, DISPLAY, HEAP],
    &[CODEC_OUT, CODEC_CAP, HEAP],
    &[GPU, DISPLAY, CODEC_OUT, CODEC_CAP],
    &[GPU, DISPLAY, CODEC_OUT, CODEC_CAP, HEAP],
];

const BLAMES: [Blame; 4] = [Blame::Undecided, Blame::Importer, Blame::Exporter, Blame::Kernel];

fn judged(boards: &[&[Row]], oracle: &Oracle, keep: impl Fn(&CellEnd) -> bool) -> Judge {
    let (mut dice, mut judge) = (Dice(5), Judge::default());
    for board in boards {
        for truth in culprits(board) {
            for role in [Role::Exporter, Role::Importer] {
                for blame in BLAMES {
                    let cases = [(); 2].map(|()| PAIRS[dice.roll(PAIRS.len() as u64) as usize]);
                    let mut cells = clean(board);
                    cells.retain(&keep);
                    let shows = |cell: &CellEnd| has_role(cell, &truth, role) && cases.contains(&cell.case.as_str());
                    if plant(&mut cells, shows, |cell| say(cell, oracle.clone(), blame, &[])) > 0 {
                        judge.take(&causes(board, cells), &truth, role);
                    }
                }
            }
        }
    }
    judge
}

#[test]
fn on_a_small_board_no_one_is_accused_wrongly() {
    for oracle in [Oracle::Content, Oracle::Identity] {
        judged(&BOARDS[..3], &oracle, |_| true).demand(&format!("two endpoints, {oracle}"), 80, 100);
        judged(&BOARDS[3..5], &oracle, |_| true).demand(&format!("three endpoints, {oracle}"), 80, 100);
        judged(&BOARDS[5..], &oracle, |_| true).demand(&format!("four and five endpoints, {oracle}"), 95, 100);
    }
}

#[test]
fn a_run_of_one_pair_accuses_neither() {
    let board = BOARDS[6];
    for truth in culprits(board) {
        for role in [Role::Exporter, Role::Importer] {
            for (blame, oracle) in BLAMES.into_iter().flat_map(|blame| {
                [Oracle::Content, Oracle::Identity, Oracle::Balance].map(move |oracle| (blame, oracle))
            }) {
                let mut cells = clean(board);
                cells.retain(|cell| {
                    has_role(cell, &["drm-imx"], Role::Exporter)
                        && has_role(cell, &["v4l2-hantro-cap0"], Role::Importer)
                });
                let shows = |cell: &CellEnd| has_role(cell, &truth, role) && cell.case == "leaks.import";
                if plant(&mut cells, shows, |cell| say(cell, oracle.clone(), blame, &[])) > 0 {
                    let found = causes(board, cells);
                    assert_eq!((found.len(), found[0].sure), (1, Sure::Open), "{blame:?} {oracle} {:?}", found[0]);
                    assert!(!found[0].or.is_empty(), "{:?}", found[0]);
                }
            }
        }
    }
}

#[test]
fn a_run_of_one_case_is_enough_for_the_side() {
    for case in ["leaks.import", "access.device-reads", "identity.re-export"] {
        let (board, mut judge) = (BOARDS[6], Judge::default());
        for truth in culprits(board) {
            for role in [Role::Exporter, Role::Importer] {
                let mut cells = clean(board);
                cells.retain(|cell| cell.case == case);
                let shows = |cell: &CellEnd| has_role(cell, &truth, role);
                if plant(&mut cells, shows, |_| ()) > 0 {
                    judge.take(&causes(board, cells), &truth, role);
                }
            }
        }
        judge.demand(case, 95, 100);
    }
}

#[test]
fn a_case_of_one_device_that_fails_with_all_is_no_one_s_of_them() {
    for board in BOARDS {
        for case in ALONE {
            let mut cells = clean(board);
            plant(&mut cells, |cell| cell.case == *case, |_| ());
            let found = causes(board, cells);
            let all = |cause: &event::cause::Cause| cause.suspect.endpoints.len() == board.len();
            assert!(found.iter().all(|cause| cause.sure == Sure::Open || all(cause)), "{found:?}");
        }
    }
}
