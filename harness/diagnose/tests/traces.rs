//! Traces of the kernel: whoever stands in one has not always done it.

mod common;

use common::{BOARD, Judge, causes, clean, has_role, plant, say};
use event::cause::{Role, Sure};
use event::{Blame, CellEnd, Oracle};

const DRIVERS: &[(&str, &str)] = &[
    ("drm-vgem", "vgem"),
    ("drm-vkms", "vkms"),
    ("drm-cirrus", "cirrus"),
    ("drm-virtio_gpu", "virtio_gpu"),
    ("v4l2-vivid", "vivid"),
    ("v4l2-vicodec", "vicodec"),
    ("v4l2-vim2m", "vim2m"),
];

fn module(key: Option<&String>) -> String {
    let key = key.map_or("", String::as_str);
    let known = DRIVERS.iter().find(|(stem, _)| key.starts_with(stem));
    known.map_or_else(|| "other".to_owned(), |(_, module)| (*module).to_owned())
}

/// Each driver in each role fails in two cases; `trace` makes the lines out of the guilty module and the other one.
fn judged(oracle: &Oracle, cases: usize, trace: impl Fn(&str, &str) -> Vec<String>) -> Judge {
    let mut judge = Judge::default();
    for (stem, own) in DRIVERS {
        let truth: Vec<&str> = BOARD.iter().map(|row| row.0).filter(|key| key.starts_with(stem)).collect();
        for role in [Role::Exporter, Role::Importer] {
            let mut cells = clean(BOARD);
            let cases = &["leaks.import", "coherence.importer-to-dma-buf"][..cases];
            let shows = |cell: &CellEnd| has_role(cell, &truth, role) && cases.contains(&cell.case.as_str());
            plant(&mut cells, shows, |cell| {
                let other =
                    module(if role == Role::Exporter { cell.importer.as_ref() } else { cell.exporter.as_ref() });
                let lines = trace(own, &other);
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                say(cell, oracle.clone(), Blame::Kernel, &lines);
            });
            judge.take(&causes(BOARD, cells), &truth, role);
        }
    }
    judge
}

fn at(module: &str) -> String {
    format!(" {module}_map+0x1d/0x90 [{module}]")
}

#[test]
fn common_helpers_and_the_victim_above_the_guilty_one_change_nothing() {
    let helpers = |own: &str, _: &str| [at("drm"), at("videobuf2_common"), at("prime_canary"), at(own)].to_vec();
    judged(&Oracle::KernelLog, 2, helpers).demand("helpers first", 95, 95);
    let victim = |own: &str, other: &str| [at(other), at("drm"), at(own)].to_vec();
    judged(&Oracle::KernelLog, 2, victim).demand("the victim first", 95, 95);
    let only = |_: &str, other: &str| [at("drm"), at(other)].to_vec();
    judged(&Oracle::KernelLog, 1, only).demand("the victim only", 95, 95);
}

#[test]
fn a_caller_further_down_is_no_proof_against_it() {
    // One pair, one case: the counts tell nothing, the trace begins in the exporter and goes through the importer.
    for (guilty, [first, then]) in [(Role::Exporter, ["vgem", "vkms"]), (Role::Importer, ["vkms", "vgem"])] {
        for blame in [Blame::Undecided, Blame::Exporter, Blame::Importer] {
            let mut cells = clean(BOARD);
            cells.retain(|cell| {
                has_role(cell, &["drm-vgem"], Role::Exporter) && has_role(cell, &["drm-vkms"], Role::Importer)
            });
            let (top, below) = (at(first), at(then));
            plant(&mut cells, |_| true, |cell| say(cell, Oracle::KernelLog, blame, &[&top, &at("drm"), &below]));
            for cause in causes(BOARD, cells) {
                assert!(cause.sure == Sure::Open || cause.suspect.role == guilty, "{blame:?} {cause:?}");
            }
        }
    }
}

#[test]
fn the_importer_whose_device_an_iommu_stops_is_named() {
    let mut cells = clean(BOARD);
    let shows = |cell: &CellEnd| has_role(cell, &["drm-virtio_gpu"], Role::Importer);
    let fault = "DMAR: [DMA Read NO_PASID] Request device [00:05.0] fault addr 0x1 [fault reason 0x06] x";
    plant(&mut cells, shows, |cell| say(cell, Oracle::KernelLog, Blame::Importer, &[fault]));
    let found = causes(BOARD, cells);
    let [cause] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (cause.suspect.role, &cause.suspect.endpoints[..]),
        (Role::Importer, &["drm-virtio_gpu".to_owned()][..])
    );
}

#[test]
fn a_trace_of_one_driver_does_not_prove_what_it_shares() {
    // The driver's fault with a trace, and failures of others of its subsystem by another fault.
    let mut cells = clean(BOARD);
    let mut first = true;
    let vb2 = |cell: &CellEnd| {
        cell.case == "leaks.import" && cell.importer.as_deref().is_some_and(|key| key.starts_with("v4l2"))
    };
    let line = at("vivid");
    plant(&mut cells, vb2, |cell| {
        if first && cell.importer.as_deref() == Some("v4l2-vivid-cap0") {
            say(cell, Oracle::KernelLog, Blame::Importer, &[&line]);
            first = false;
        }
    });
    for cause in causes(BOARD, cells) {
        assert!(cause.sure != Sure::Proved || cause.suspect.endpoints.len() <= 4, "{cause:?}");
    }
}

#[test]
fn one_trace_among_many_failures_does_not_prove_them_all() {
    // On a run of one case with two faults side by side, the lesser of which leaves a trace.
    let mut cells = clean(BOARD);
    cells.retain(|cell| cell.case == "leaks.import");
    let vgem = |cell: &CellEnd| has_role(cell, &["drm-vgem"], Role::Exporter);
    let line = at("vkms");
    plant(&mut cells, vgem, |cell| {
        if cell.importer.as_deref() == Some("drm-vkms") {
            say(cell, Oracle::KernelLog, Blame::Importer, &[&line]);
        }
    });
    for cause in causes(BOARD, cells) {
        let innocent = !cause.suspect.endpoints.iter().any(|key| key == "drm-vgem");
        assert!(cause.sure == Sure::Open || !innocent, "{cause:?}");
    }
}

#[test]
fn the_probe_of_one_cell_does_not_prove_the_failures_of_another_kind() {
    let mut cells = clean(BOARD);
    cells.retain(|cell| has_role(cell, &["drm-vgem"], Role::Exporter) && has_role(cell, &["drm-vkms"], Role::Importer));
    let mut first = true;
    plant(
        &mut cells,
        |_| true,
        |cell| {
            if std::mem::take(&mut first) {
                say(cell, Oracle::Pages, Blame::Importer, &[]);
            } else {
                say(cell, Oracle::Content, Blame::Undecided, &[]);
            }
        },
    );
    for cause in causes(BOARD, cells) {
        assert!(cause.sure == Sure::Open || cause.cells.len() == 1, "{cause:?}");
    }
}
