//! Oracles that are wrong about the side: each has seen one cell, and most name the importer wherever there is one.

mod common;

use common::{BOARD, Dice, Judge, PAIRS, causes, clean, culprits, has_role, plant, say};
use event::cause::Role;
use event::{Blame, Oracle};

/// Everyone at fault in each role, with some cases; the oracle and whom it blames are chosen by the number of the cell.
fn judged(oracle: &Oracle, blame: impl Fn(Role, u64) -> Blame) -> Judge {
    let (mut dice, mut judge) = (Dice(3), Judge::default());
    for truth in culprits(BOARD) {
        for role in [Role::Exporter, Role::Importer] {
            let cases: Vec<&str> = (0..3).map(|_| PAIRS[dice.roll(PAIRS.len() as u64) as usize]).collect();
            let mut cells = clean(BOARD);
            let shows = |cell: &event::CellEnd| has_role(cell, &truth, role) && cases.contains(&cell.case.as_str());
            if plant(&mut cells, shows, |cell| say(cell, oracle.clone(), blame(role, dice.roll(10)), &[])) > 0 {
                judge.take(&causes(BOARD, cells), &truth, role);
            }
        }
    }
    judge
}

fn other_side(role: Role) -> Blame {
    if role == Role::Exporter { Blame::Importer } else { Blame::Exporter }
}

fn own_side(role: Role) -> Blame {
    if role == Role::Exporter { Blame::Exporter } else { Blame::Importer }
}

#[test]
fn whom_the_oracle_blames_by_habit_is_not_accused() {
    for oracle in [Oracle::Content, Oracle::Identity] {
        judged(&oracle, |_, _| Blame::Importer).demand(&format!("{oracle} always blames the importer"), 95, 95);
        judged(&oracle, |_, _| Blame::Exporter).demand(&format!("{oracle} always blames the exporter"), 95, 95);
    }
}

#[test]
fn an_oracle_that_is_wrong_in_most_cells_is_outvoted_by_the_cells() {
    judged(&Oracle::Content, |role, _| other_side(role)).demand("always the other side", 95, 95);
    let noisy = |role, dice| if dice < 7 { other_side(role) } else { own_side(role) };
    judged(&Oracle::Content, noisy).demand("mostly the other side", 95, 95);
    let any = |_, dice| [Blame::Exporter, Blame::Importer, Blame::Kernel, Blame::Undecided][dice as usize % 4];
    judged(&Oracle::Content, any).demand("anyone", 95, 95);
}

#[test]
fn a_rule_of_the_dma_contract_is_what_was_broken_not_that_of_the_case() {
    let mut cells = clean(BOARD);
    let short = |cell: &event::CellEnd| has_role(cell, &["drm-vgem"], Role::Exporter) && cell.importer.is_some();
    plant(&mut cells, short, |cell| {
        say(cell, Oracle::Dma, Blame::Exporter, &[]);
        cell.findings.iter_mut().for_each(|finding| finding.expected = "the sg_table adds up to the buffer".into());
    });
    let found = causes(BOARD, cells);
    let [cause] = &found[..] else { panic!("{found:?}") };
    assert_eq!(cause.rule, "The DMA contract: the sg_table adds up to the buffer.");
    assert!(cause.smallest.starts_with(&cause.case), "{cause:?}");
}

#[test]
fn a_probe_that_names_one_side_each_time_tells_the_two_roles_of_the_same_code_apart() {
    let shmem = ["drm-cirrus", "drm-vgem", "drm-virtio_gpu", "drm-vkms"];
    let mut cells = clean(BOARD);
    // No one else maps such a table: the same code is on both sides of each failure.
    let short =
        |cell: &event::CellEnd| has_role(cell, &shmem, Role::Exporter) && has_role(cell, &shmem, Role::Importer);
    plant(&mut cells, short, |cell| say(cell, Oracle::Dma, Blame::Exporter, &[]));
    let found = causes(BOARD, cells);
    let [cause] = &found[..] else { panic!("{found:?}") };
    assert_eq!((cause.suspect.role, &cause.suspect.endpoints[..]), (Role::Exporter, &shmem.map(str::to_owned)[..]));
    assert!(cause.or.iter().all(|or| or.endpoints != cause.suspect.endpoints), "{:?}", cause.or);
}
