//! Whole runs, compared with what the board files expect and against each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::host::{self, Copy, Said, root};
use crate::recorded::{Recorded, text};

/// Every pair of an exporter and an importer has cells, and each ended in a verdict that is not the suite's fault.
fn is_complete(recorded: &Recorded) {
    let endpoints = recorded.endpoints();
    let tried: BTreeSet<_> = recorded
        .events("cell")
        .filter(|cell| cell["exporter"].is_string() && cell["importer"].is_string())
        .map(|cell| (text(&cell["exporter"]), text(&cell["importer"])))
        .collect();
    for exporter in endpoints.values().filter(|endpoint| endpoint["exports"] == true) {
        for importer in endpoints.values().filter(|endpoint| endpoint["imports"] == true) {
            let pair = (text(&exporter["key"]), text(&importer["key"]));
            assert!(tried.contains(&pair), "{pair:?} was not tried");
        }
    }
    assert_eq!(recorded.events("cell-start").count(), recorded.events("cell").count());
    for (id, verdict) in recorded.verdicts() {
        assert_ne!(verdict, "error", "{id}");
    }
}

/// The exporters whose mapping at an offset shows the wrong page.
fn wrong_at_an_offset(recorded: &Recorded) -> BTreeSet<String> {
    let failed = recorded.verdicts().into_iter().filter(|(_, verdict)| *verdict == "fail");
    failed.filter_map(|(id, _)| id.strip_prefix("mapping.at-offset.").map(str::to_owned)).collect()
}

fn keys(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|key| (*key).to_owned()).collect()
}

/// The pairs of which the importer works on frames, with what it did to an imported buffer in some cell; those are left
/// out that it need not take.
fn pairs_at_work(recorded: &Recorded) -> BTreeMap<(&str, &str), BTreeSet<&str>> {
    let mut pairs: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    let frames = |cell: &&Value| ["stream.", "kms."].iter().any(|area| text(&cell["id"]).starts_with(area));
    for cell in recorded.events("cell").filter(frames).filter(|cell| cell["verdict"] != "refused") {
        let did = pairs.entry((text(&cell["exporter"]), text(&cell["importer"]))).or_default();
        did.extend(cell["device_access"].as_array().unwrap().iter().map(text));
    }
    pairs
}

#[test]
fn debian_amd64() {
    let _board = host::alone("debian-amd64");
    let said = host::run("debian-amd64");
    let recorded = host::as_expected("debian-amd64", &said);
    assert!(said.out.contains("prepare ") && said.out.contains(", boot ") && said.out.contains("cells "), "{said:?}");
    is_complete(&recorded);
    let symbols = recorded.symbols();
    for driver in ["drm-vkms", "v4l2-vimc", "v4l2-vim2m", "v4l2-vicodec", "v4l2-vivid", "udmabuf", "heap-system"] {
        assert!(symbols.keys().any(|key| key.starts_with(driver)), "{driver}: {symbols:?}");
    }
    let pairs = pairs_at_work(&recorded);
    let importers: BTreeSet<&str> = pairs.keys().map(|(_, importer)| *importer).collect();
    assert!(importers.len() >= 12, "{importers:?}");
    for ((exporter, importer), did) in &pairs {
        // The board file has the reasons.
        let never = [
            ("v4l2-vim2m-cap0", "v4l2-vicodec-cap0"),
            ("v4l2-vim2m-out0", "v4l2-vicodec-cap0"),
            ("v4l2-vimc-cap0", "v4l2-vimc-cap2"),
            ("v4l2-vimc-cap2", "v4l2-vimc-cap0"),
        ];
        if never.contains(&(exporter, importer)) {
            continue;
        }
        let wanted: &[&str] = match *importer {
            queue if queue.contains("-cap") => &["write"],
            queue if queue.contains("-out") => &["read"],
            // A display that writes nothing back and tells no CRC is only asked whether it would show the buffer.
            display if display != "drm-vkms" => &[],
            _ => &["read", "write"],
        };
        assert!(wanted.iter().all(|how| did.contains(how)), "{importer} did {did:?} with buffers of {exporter}");
    }
}

#[test]
fn debian_amd64_7_3_and_again() {
    let _board = host::alone("debian-amd64-7.3");
    let first = host::run_as_expected("debian-amd64-7.3");
    is_complete(&first);
    assert!(first.endpoints().len() >= 8, "{:?}", first.endpoints());
    let symbols = first.symbols();
    assert_eq!(symbols.values().collect::<BTreeSet<_>>().len(), 6, "{symbols:?}");
    let wrong = keys(&["drm-vgem", "drm-virtio_gpu", "drm-bochs-drm", "drm-cirrus-qemu", "v4l2-vivid-cap0"]);
    assert_eq!(wrong_at_an_offset(&first), wrong);
    for right in ["heap-system", "udmabuf", "v4l2-vivid-cap1"] {
        assert_eq!(first.verdicts()[format!("mapping.at-offset.{right}").as_str()], "pass");
    }
    assert_eq!(host::run_as_expected("debian-amd64-7.3").verdicts(), first.verdicts());
}

#[test]
fn a_board_with_libgbm() {
    let _board = host::alone("debian-amd64-gbm");
    let recorded = host::run_as_expected("debian-amd64-gbm");
    is_complete(&recorded);
    assert!(recorded.endpoints().keys().any(|key| key.starts_with("gbm-")), "{:?}", recorded.endpoints());
}

/// Returns whether a pair's importer reads and writes with that verdict.
fn is_accessed(recorded: &Recorded, pair: &str, verdict: &str) {
    for case in ["own-to-device", "device-to-own"] {
        assert_eq!(recorded.verdicts()[format!("access.{case}.{pair}").as_str()], verdict);
    }
}

#[test]
fn a_board_with_a_mediated_device() {
    let _board = host::alone("debian-amd64-mbochs");
    let recorded = host::run_as_expected("debian-amd64-mbochs");
    assert_eq!(recorded.symbols()["vfio-mbochs"], "mbochs_map_dmabuf");
    is_accessed(&recorded, "vfio-mbochs.canary-importer", "pass");
}

#[test]
fn a_board_with_a_device_of_vfio_pci_s() {
    let _board = host::alone("debian-amd64-vfio");
    let recorded = host::run_as_expected("debian-amd64-vfio");
    assert_eq!(recorded.symbols()["vfio-pci"], "vfio_pci_dma_buf_map");
    let verdicts = recorded.verdicts();
    is_accessed(&recorded, "vfio-pci.canary-peer", "pass");
    is_accessed(&recorded, "vfio-pci.canary-importer", "refused");
    assert_eq!(verdicts["refusal.static-importer.vfio-pci.drm-vgem"], "pass");
    assert_eq!(verdicts["mapping.whole.vfio-pci"], "not-observable");
}

#[test]
fn a_board_with_modules_of_our_own() {
    let _board = host::alone("debian-amd64-kmod");
    let first = host::run_as_expected("debian-amd64-kmod");
    is_complete(&first);
    assert!(first.endpoints().contains_key("canary-pageless"), "{:?}", first.endpoints());
    let reached: BTreeSet<&str> = first.symbols().into_values().collect();
    assert!(reached.contains("vb2_dma_sg_dmabuf_ops_map"), "{reached:?}");
}

#[test]
fn faults_that_are_planted_in_modules_are_caught() {
    let _board = host::alone("mutants");
    let said = host::run_with("mutants", &["sync-missing", "import-walks-pages", "dma-cpu-sync"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("4 of 4 faults caught and named"), "{}", said.out);
    let table = std::fs::read_to_string(root().join("target/boards/mutants/mutants.md")).unwrap();
    assert!(table.contains("| prime_canary | dma-cpu-sync |"), "{table}");
}

/// The probes of the DMA contract differ most between these kernels.
#[test]
fn what_no_byte_shows_is_seen_on_the_oldest_and_the_newest_kernel() {
    for board in ["mutants-6.1", "mutants-7.3"] {
        let _board = host::alone(board);
        let said = host::run_with(board, &["blind-short", "blind-unmap-missing", "blind-end", "blind-coherent-sync"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        // blind-end-direction is the fifth.
        assert!(said.out.contains("5 of 5 faults caught and named"), "{}", said.out);
    }
}

/// Wrong addresses, swapped pages, stale lines and a last page that is dropped show in what a device did with them.
#[test]
fn what_a_device_does_shows_the_faults_of_an_exporter_by_itself() {
    let faults = [
        "dma-other",
        "dma-swapped",
        "dma-last",
        "dma-short",
        "sync-missing",
        "sync-stale",
        "vmap-other",
        "table-swapped",
        "table-last",
    ];
    let _board = host::alone("mutants");
    let said = host::run_with("mutants", &[&["--area", "stream"][..], &faults].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("9 of 9 faults caught and named"), "{}", said.out);
}

/// The same fault of an importer, seen by decoys without harm, and by the oops that it runs into: the board is started
/// again, and the rest is run.
#[test]
fn an_importer_that_walks_pages_takes_the_board_down_and_not_the_run() {
    let _board = host::alone("poison");
    let said = host::run("poison");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("the machine went down and was started again once"), "{}", said.out);
    let recorded = Recorded::of("poison");
    let verdicts = recorded.verdicts();
    let of = |verdict: &str| verdicts.values().filter(|found| **found == verdict).count();
    assert_eq!((of("crash"), of("fail")), (1, 1), "{verdicts:?}");
    assert!(of("blocked") > 0 && of("pass") > 0, "{verdicts:?}");
    let crashed = recorded.events("cell").find(|cell| cell["verdict"] == "crash").unwrap();
    assert_eq!(crashed["findings"][0]["blame"], "importer", "{crashed}");
    let lines = crashed["findings"][0]["lines"].to_string();
    assert!(lines.contains("prime_import_sg_table+") && lines.contains("Kernel panic"), "{lines}");
    let console = std::fs::read_to_string(root().join("target/boards/poison/console.log")).unwrap();
    assert_eq!(console.matches("board: up").count(), 2);
}

#[test]
fn an_outcome_that_the_board_file_does_not_expect_makes_the_run_red() {
    // An entry for one cell counts more than what is known of the kernel.
    let entry = "  cells:\n    - ids: [mapping.at-offset.drm-vgem]\n      verdict: [pass]\n      reason: Fixed here.\n";
    let offset = |text: &str| {
        let changed = text.replace("  cells:\n", entry);
        assert_ne!(changed, text, "the board file has another entry now");
        changed
    };
    let copy = Copy::of("debian-amd64-7.3", offset);
    let said = Said::by(&mut copy.run("debian-amd64-7.3", &["--", "mapping.at-offset"]));
    assert_eq!(said.code, Some(1), "{said:?}");
    let parts = [
        "mapping.at-offset.drm-vgem (regression)",
        "the pattern of seed 1 from byte 8192",
        "byte 8192 of the buffer (byte 0 of the mapping): expected ",
        "the bytes of offset 0 (page 0 where page 2 belongs)",
        "A mapping of a dma-buf at an offset shows the buffer from that offset on.",
        "ci/board run debian-amd64-7.3 -- --exact mapping.at-offset.drm-vgem",
    ];
    for part in parts {
        assert!(said.out.contains(part), "no {part:?} in:\n{}", said.out);
    }
}

#[test]
fn an_endpoint_that_is_missing_makes_the_run_red() {
    let more = |text: &str| text.replace("    - heap-system\n", "    - heap-reserved\n    - heap-system\n");
    let said = Said::by(&mut Copy::of("debian-amd64-7.3", more).run("debian-amd64-7.3", &[]));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("heap-reserved"), "{}", said.out);
}

#[test]
fn the_board_is_left_as_it_was() {
    let name = "debian-amd64-7.3";
    let look = "cat /sys/kernel/tracing/kprobe_events; ls /sys/kernel/tracing/instances; echo looked";
    let copy = Copy::of(name, str::to_owned);
    let said =
        copy.shell(name, &format!("{look}\nprime-cts run fd.size --progress none >/dev/null; echo ended $?\n{look}\n"));
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<_> = said.out.lines().map(|line| line.trim_end_matches('\r')).collect();
    assert!(lines.contains(&"ended 0"), "{}", said.out);
    assert_eq!(lines.iter().filter(|line| **line == "looked").count(), 2, "{}", said.out);
    let left = lines.iter().find(|line| ["p:", "r:", "prime-cts-"].iter().any(|begins| line.starts_with(begins)));
    assert_eq!(left, None, "{}", said.out);
}
