//! A board of thirty endpoints, and a run of twenty thousand cells.

mod common;

use common::{Row, causes, clean, has_role, is_surely_wrong, plant};
use event::CellEnd;
use event::cause::Role;

/// Ten DRM devices, ten codecs with two queues each.
const BOARD: &[Row] = &[
    ("drm-a", "drm", "a", "drm_gem_map_dma_buf"),
    ("drm-b", "drm", "b", "drm_gem_map_dma_buf"),
    ("drm-c", "drm", "c", "drm_gem_map_dma_buf"),
    ("drm-d", "drm", "d", "drm_gem_map_dma_buf"),
    ("drm-e", "drm", "e", "drm_gem_map_dma_buf"),
    ("drm-f", "drm", "f", "drm_gem_map_dma_buf"),
    ("drm-g", "drm", "g", "drm_gem_map_dma_buf"),
    ("drm-h", "drm", "h", "drm_gem_map_dma_buf"),
    ("drm-i", "drm", "i", "drm_gem_map_dma_buf"),
    ("drm-j", "drm", "j", "drm_gem_map_dma_buf"),
    ("v4l2-k-cap0", "v4l2", "k", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-k-out0", "v4l2", "k", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-l-cap0", "v4l2", "l", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-l-out0", "v4l2", "l", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-m-cap0", "v4l2", "m", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-m-out0", "v4l2", "m", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-n-cap0", "v4l2", "n", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-n-out0", "v4l2", "n", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-o-cap0", "v4l2", "o", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-o-out0", "v4l2", "o", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-p-cap0", "v4l2", "p", "vb2_dma_sg_dmabuf_ops_map"),
    ("v4l2-p-out0", "v4l2", "p", "vb2_dma_sg_dmabuf_ops_map"),
    ("v4l2-q-cap0", "v4l2", "q", "vb2_dma_sg_dmabuf_ops_map"),
    ("v4l2-q-out0", "v4l2", "q", "vb2_dma_sg_dmabuf_ops_map"),
    ("v4l2-r-cap0", "v4l2", "r", "vb2_dma_sg_dmabuf_ops_map"),
    ("v4l2-r-out0", "v4l2", "r", "vb2_dma_sg_dmabuf_ops_map"),
    ("v4l2-s-cap0", "v4l2", "s", "vb2_dma_sg_dmabuf_ops_map"),
    ("v4l2-s-out0", "v4l2", "s", "vb2_dma_sg_dmabuf_ops_map"),
    ("v4l2-t-cap0", "v4l2", "t", "vb2_dma_sg_dmabuf_ops_map"),
    ("v4l2-t-out0", "v4l2", "t", "vb2_dma_sg_dmabuf_ops_map"),
];

#[test]
fn three_faults_among_twenty_thousand_cells_are_three_causes() {
    let mut cells = clean(BOARD);
    let more: Vec<CellEnd> = cells
        .iter()
        .filter(|cell| cell.importer.is_some())
        .map(|cell| {
            let id = cell.id.replacen('.', "-more.", 1);
            CellEnd { case: spec::case::case_of(&id), id, ..cell.clone() }
        })
        .collect();
    cells.extend(more);
    assert!(cells.len() >= 20_000, "{}", cells.len());
    let faults: [(&[&str], Role, &str); 3] = [
        (&["drm-d"], Role::Exporter, "leaks"),
        (&["v4l2-n-cap0", "v4l2-n-out0"], Role::Importer, "coherence"),
        (&["v4l2-q-out0"], Role::Importer, "lifetime"),
    ];
    for (keys, role, area) in &faults {
        plant(&mut cells, |cell| cell.case.starts_with(area) && has_role(cell, keys, *role), |_| ());
    }
    let recorded = common::run(BOARD, cells);
    let start = std::time::Instant::now();
    let found = diagnose::of(&recorded, None);
    // Told, not demanded: a machine can be busy.
    println!("{} cells in {:?}", recorded.cells.len(), start.elapsed());
    assert_eq!(found.len(), 3, "{found:?}");
    let truths = faults.map(|(keys, role, _)| (keys, role));
    for (keys, role, _) in &faults {
        assert!(found.iter().any(|cause| cause.suspect.endpoints == *keys && cause.suspect.role == *role), "{keys:?}");
    }
    assert!(!found.iter().any(|cause| is_surely_wrong(cause, &truths)), "{found:?}");
}

#[test]
fn all_that_fails_on_a_large_board_is_no_one_driver_s() {
    let mut cells = clean(BOARD);
    plant(&mut cells, |cell| cell.case == "leaks.import", |_| ());
    let found = causes(BOARD, cells);
    assert_eq!((found.len(), found[0].suspect.endpoints.len()), (1, BOARD.len()), "{found:?}");
}
