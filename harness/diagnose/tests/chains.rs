//! Cells with two importers: of three devices one is at fault.

mod common;

use common::{BOARD, Judge, Row, causes, cell, clean, culprits, has_role, is, plant, say};
use event::cause::Role;
use event::{Blame, CellEnd, Oracle};
use spec::verdict::Verdict;

const CHAINS: &[&str] = &["chain.two-importers", "chain.forwarded"];

/// Each exporter with a few pairs of importers: there are too many for all.
fn chains(board: &[Row], each: usize) -> Vec<CellEnd> {
    let importers: Vec<&Row> = board.iter().filter(|row| !["heap", "udmabuf"].contains(&row.1)).collect();
    let mut cells = Vec::new();
    for (number, exporter) in board.iter().enumerate() {
        for step in 0..each {
            let first = importers[(number + step * 3) % importers.len()];
            let second = importers[(number * 5 + step * 7 + 1) % importers.len()];
            for case in CHAINS {
                cells.push(cell(&format!("{case}.{}.{}.{}", exporter.0, first.0, second.0), Verdict::Pass, false));
            }
        }
    }
    cells
}

#[test]
fn one_of_three_is_told_from_the_chains_alone() {
    for blame in [Blame::Undecided, Blame::Importer] {
        let mut judge = Judge::default();
        for truth in culprits(BOARD) {
            for role in [Role::Exporter, Role::Importer] {
                let mut cells = chains(BOARD, 9);
                let shows = |cell: &CellEnd| has_role(cell, &truth, role);
                if plant(&mut cells, shows, |cell| say(cell, Oracle::Content, blame, &[])) > 0 {
                    judge.take(&causes(BOARD, cells), &truth, role);
                }
            }
        }
        judge.demand(&format!("chains alone, {blame:?}"), 95, 95);
    }
}

#[test]
fn only_the_second_importer_is_told_with_the_pairs_that_pass() {
    let mut judge = Judge::default();
    for truth in culprits(BOARD) {
        let mut cells = [clean(BOARD), chains(BOARD, 9)].concat();
        let shows = |cell: &CellEnd| is(cell.second_importer.as_ref(), &truth) && cell.case == CHAINS[1];
        if plant(&mut cells, shows, |_| ()) > 0 {
            judge.take(&causes(BOARD, cells), &truth, Role::Importer);
        }
    }
    judge.demand("the second importer only", 95, 95);
}

#[test]
fn a_fault_that_needs_both_importers_is_not_pinned_on_an_innocent_one() {
    let mut judge = Judge::default();
    for truth in culprits(BOARD).into_iter().filter(|truth| truth.len() > 1) {
        let mut cells = [clean(BOARD), chains(BOARD, 12)].concat();
        let both = |cell: &CellEnd| is(cell.importer.as_ref(), &truth) && is(cell.second_importer.as_ref(), &truth);
        if plant(&mut cells, both, |_| ()) > 2 {
            judge.take(&causes(BOARD, cells), &truth, Role::Importer);
        }
    }
    judge.demand("both importers", 50, 50);
}
