//! Boards of other architectures, and what they are for.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::host;
use crate::recorded::{Recorded, text};

fn cell<'a>(recorded: &'a Recorded, id: &str) -> &'a Value {
    let mut cells = recorded.events("cell").filter(|cell| cell["id"] == id);
    cells.next().unwrap_or_else(|| panic!("there is no cell {id}"))
}

/// What a cell's findings say.
fn seen(recorded: &Recorded, id: &str) -> String {
    let findings = cell(recorded, id)["findings"].as_array().cloned().unwrap_or_default();
    findings.iter().map(|finding| format!("{}\n", text(&finding["seen"]))).collect()
}

#[test]
fn arm64_shows_the_wrong_page_at_an_offset_too() {
    let _board = host::alone("debian-arm64");
    let recorded = host::run_as_expected("debian-arm64");
    let verdicts = recorded.verdicts();
    let wrong: BTreeSet<&str> = verdicts
        .iter()
        .filter(|(_, verdict)| **verdict == "fail")
        .filter_map(|(id, _)| id.strip_prefix("mapping.at-offset."))
        .collect();
    assert_eq!(wrong, BTreeSet::from(["drm-vgem", "drm-virtio_gpu", "v4l2-vivid-cap0"]));
    assert!(recorded.symbols().len() >= 6, "{:?}", recorded.symbols());
}

/// The memory that the project is about: coherent, and without struct pages.
#[test]
fn pl111_has_no_struct_pages_and_the_core_cannot_map_it_for_others() {
    let _board = host::alone("vexpress-a9");
    let recorded = host::run_as_expected("vexpress-a9");
    let verdicts = recorded.verdicts();
    let pin = seen(&recorded, "pages.pin.drm-pl111");
    for evidence in ["have no struct page (kpageflags: NOPAGE)", "from 0x4c0", "get_user_pages refuses", " pf io "] {
        assert!(pin.contains(evidence), "no {evidence:?} in {pin}");
    }
    for right in ["mapping.whole.drm-pl111", "coherence.own-to-dma-buf.drm-pl111", "pages.zeroed.drm-pl111"] {
        assert_eq!(verdicts.get(right).copied(), Some("pass"), "{right}");
    }
    for importer in ["drm-vgem", "drm-vkms"] {
        let id = format!("identity.same-handle.drm-pl111.{importer}");
        assert_eq!(verdicts[id.as_str()], "fail");
        let said = seen(&recorded, &id);
        assert!(said.contains("EIO") && said.contains("dma_direct_map_sg"), "{said}");
        let warned = cell(&recorded, &id)["findings"].as_array().unwrap().iter().find(|f| f["oracle"] == "kernel-log");
        // The device that the kernel names is the importer's, which has not chosen the memory.
        assert_eq!(warned.unwrap()["blame"], "undecided");
    }
    let foreign = "identity.same-handle.drm-vgem.drm-pl111";
    assert_eq!(verdicts[foreign], "refused");
    assert!(seen(&recorded, foreign).contains("EINVAL"));
    assert!(recorded.symbols().values().any(|symbol| *symbol == "cma_heap_map_dma_buf"));
}

/// Drivers of hardware that QEMU has not: their registers are memory.
#[test]
fn soc_drivers_on_a_stock_kernel_have_faults_of_their_own() {
    let _board = host::alone("debian-armhf");
    let recorded = host::run_as_expected("debian-armhf");
    let private = "mapping.private.drm-tegra";
    assert_eq!(recorded.verdicts()[private], "crash");
    assert!(seen(&recorded, private).contains("BUG: Bad page state"));
    assert_eq!(recorded.verdicts()["mapping.private.drm-rockchip"], "pass");
    // The bytes and the handle are right; how tables are mapped is not, on both sides.
    let by_cpu = cell(&recorded, "identity.same-handle.drm-tegra.drm-rockchip");
    assert_eq!(by_cpu["known"].to_string(), r#"["rockchip-maps-again","tegra-coherent-streamed"]"#);
    assert!(by_cpu["findings"].as_array().unwrap().iter().all(|finding| finding["oracle"] == "dma"), "{by_cpu:#}");
    let endpoints: BTreeSet<&str> = recorded.events("endpoint").map(|endpoint| text(&endpoint["key"])).collect();
    for driver in ["drm-exynos", "drm-panfrost", "drm-rockchip", "drm-tegra"] {
        assert!(endpoints.contains(driver), "{driver} in {endpoints:?}");
    }
    let symbols = recorded.symbols();
    assert_eq!(symbols["drm-tegra"], "tegra_gem_prime_map_dma_buf");
    for driver in ["drm-exynos", "drm-panfrost", "drm-rockchip"] {
        assert_eq!(
            symbols[driver], "drm_gem_map_dma_buf",
            "{driver}: its sg_table back end is reached through the core"
        );
    }
}
