//! Faults that show under a condition only.

mod common;

use std::collections::BTreeSet;

use common::{BOARD, Judge, area, causes, clean, contiguous, culprits, has_role, is, plant};
use event::CellEnd;
use event::cause::Role;

fn judged(role: Role, condition: impl Fn(&CellEnd, &[&str]) -> bool) -> Judge {
    let mut judge = Judge::default();
    for truth in culprits(BOARD) {
        let mut cells = clean(BOARD);
        let shows = |cell: &CellEnd| cell.importer.is_some() && has_role(cell, &truth, role) && condition(cell, &truth);
        if plant(&mut cells, shows, |_| ()) > 0 {
            judge.take(&causes(BOARD, cells), &truth, role);
        }
    }
    judge
}

const BOTH: [Role; 2] = [Role::Exporter, Role::Importer];

#[test]
fn only_in_one_area() {
    for role in BOTH {
        for shown in ["coherence", "leaks", "stream"] {
            judged(role, |cell, _| area(&cell.case) == shown).demand(&format!("{shown} as {role:?}"), 90, 95);
        }
    }
}

#[test]
fn only_with_buffers_of_contiguous_exporters() {
    let shown = |cell: &CellEnd| cell.case.starts_with("leaks") && contiguous(BOARD, cell.exporter.as_ref().unwrap());
    judged(Role::Importer, |cell, _| shown(cell)).demand("contiguous exporters", 50, 90);
}

#[test]
fn only_where_the_exporter_is_the_importer() {
    for role in BOTH {
        let own = |cell: &CellEnd, _: &[&str]| cell.case.starts_with("coherence") && cell.exporter == cell.importer;
        // Nothing tells the roles apart.
        judged(role, own).demand(&format!("self-import as {role:?}"), 0, 90);
    }
}

#[test]
fn only_within_the_driver() {
    for role in BOTH {
        let own = |cell: &CellEnd, truth: &[&str]| {
            cell.case.starts_with("coherence")
                && has_role(cell, truth, Role::Exporter)
                && has_role(cell, truth, Role::Importer)
        };
        judged(role, own).demand(&format!("own driver as {role:?}"), 0, 90);
    }
}

#[test]
fn only_with_one_partner_driver() {
    for (role, partner) in [(Role::Exporter, "v4l2-vivid"), (Role::Exporter, "drm-vkms"), (Role::Importer, "drm-vgem")]
    {
        let with = |cell: &CellEnd, truth: &[&str]| {
            let other = if role == Role::Exporter { &cell.importer } else { &cell.exporter };
            let other = other.as_ref().unwrap();
            cell.case.starts_with("coherence") && other.starts_with(partner) && !is(Some(other), truth)
        };
        // Which of the two it is no run can tell.
        judged(role, with).demand(&format!("{role:?} with {partner}"), 0, 90);
    }
}

#[test]
fn only_in_other_cases_with_other_partners() {
    for role in BOTH {
        let some = |cell: &CellEnd, _: &[&str]| {
            let partner = if role == Role::Exporter { &cell.importer } else { &cell.exporter };
            let sum: u32 = cell.case.bytes().chain(partner.as_ref().unwrap().bytes()).map(u32::from).sum();
            sum.is_multiple_of(3)
        };
        judged(role, some).demand(&format!("a third, as {role:?}"), 95, 95);
    }
}

#[test]
fn a_cause_names_each_cell_once() {
    let mut cells = clean(BOARD);
    plant(&mut cells, |cell| cell.case.starts_with("leaks") && has_role(cell, &["drm-vgem"], Role::Either), |_| ());
    let found = causes(BOARD, cells.clone());
    let named: Vec<&String> = found.iter().flat_map(|cause| &cause.cells).collect();
    assert_eq!(named.len(), named.iter().collect::<BTreeSet<_>>().len());
}
