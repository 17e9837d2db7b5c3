//! The failures of recorded runs of four emulated boards: each is a known fault, on any board; the board's own file expects
//! it; and none is if anything about it differs.

use std::collections::BTreeSet;
use std::path::Path;

use event::known::KnownFaults;
use event::{Blame, EndpointFound, Finding, MapDmaBuf, Oracle};
use runner::run::board::outcome;
use spec::board::Board;
use spec::verdict::{Outcome, Verdict};

/// The boards that were run.
const BOARDS: [&str; 4] = ["debian-amd64", "debian-amd64-7.3", "debian-amd64-kmod", "vexpress-a9"];

/// What a run recorded of its failures: a line for the kernel and each endpoint, and for cells with the same failures a
/// line of their ids and one for each finding.
struct Recorded {
    kernel: String,
    found: Vec<EndpointFound>,
    failures: Vec<(String, Vec<Finding>)>,
}

impl Recorded {
    fn of(board: &str) -> Self {
        let path = format!("{}/tests/recorded/{board}.txt", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let mut read = Self { kernel: String::new(), found: Vec::new(), failures: Vec::new() };
        let (mut ids, mut findings): (Vec<String>, Vec<Finding>) = (Vec::new(), Vec::new());
        for line in text.lines().chain(["cells "]) {
            let (word, rest) = line.split_once(' ').unwrap();
            match word {
                "kernel" => rest.clone_into(&mut read.kernel),
                "endpoint" => read.found.push(endpoint(rest)),
                "cells" => {
                    let before = std::mem::replace(&mut ids, rest.split_whitespace().map(str::to_owned).collect());
                    let findings = std::mem::take(&mut findings);
                    read.failures.extend(before.into_iter().map(|id| (id, findings.clone())));
                }
                _ => {
                    let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.word() == word).unwrap();
                    findings.push(Finding::new(Oracle::Content, verdict, Blame::Undecided, rest, "it is right"));
                }
            }
        }
        read
    }

    fn known(&self) -> KnownFaults {
        self.known_of(&self.kernel, &self.found)
    }

    fn known_of(&self, kernel: &str, found: &[EndpointFound]) -> KnownFaults {
        let registry = catalogue::registry::embedded().unwrap();
        KnownFaults::on(catalogue::findings::embedded(), Some(&registry), kernel, found)
    }

    /// The names of the findings that explain the failures.
    fn names(&self, known: &KnownFaults) -> BTreeSet<String> {
        let explained = self.failures.iter().filter_map(|(id, findings)| known.explain(id, findings));
        explained.flat_map(|explained| explained.names).collect()
    }
}

fn endpoint(line: &str) -> EndpointFound {
    let words: Vec<&str> = line.split(' ').collect();
    let [key, kind, driver, symbol] = words[..] else { panic!("{line}") };
    let through = MapDmaBuf { symbol: Some(symbol.into()), exp_name: String::new(), observed: true };
    EndpointFound {
        key: key.into(),
        kind: kind.into(),
        driver: driver.into(),
        map_dma_buf: (symbol != "-").then_some(through),
        ..EndpointFound::default()
    }
}

fn board(name: &str) -> Board {
    let path = format!("{}/../../fixtures/boards/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    Board::parse(Path::new(&path), &std::fs::read_to_string(&path).unwrap()).unwrap()
}

#[test]
fn every_failure_is_a_known_fault_with_and_without_the_board_file() {
    for name in BOARDS {
        let (recorded, board) = (Recorded::of(name), board(name));
        assert!(recorded.failures.len() > 15, "{name}");
        let known = recorded.known();
        for (id, findings) in &recorded.failures {
            let verdict = findings.iter().map(|finding| finding.verdict).max().unwrap();
            for expect in [None, Some(&board.expect)] {
                let judged = outcome(expect, &known, id, verdict, findings);
                assert_eq!(judged.outcome, Outcome::Expected, "{name}: {id}: {judged:?}");
                assert!(judged.known.iter().all(|finding| board.expect.known.contains(finding)), "{name}: {id}");
            }
        }
    }
}

#[test]
fn a_board_names_only_what_it_shows() {
    // They show under load only.
    let sometimes = ["vivid-sequence-repeats"];
    for name in BOARDS {
        let (recorded, board) = (Recorded::of(name), board(name));
        let shown = recorded.names(&recorded.known());
        let named: BTreeSet<String> = board.expect.known.into_iter().collect();
        let silent: Vec<&String> =
            named.difference(&shown).filter(|name| !sometimes.contains(&name.as_str())).collect();
        assert!(silent.is_empty(), "{name}: {silent:?}");
    }
}

#[test]
fn a_failure_that_differs_in_anything_is_new() {
    for name in BOARDS {
        let recorded = Recorded::of(name);
        assert_eq!(recorded.names(&recorded.known_of("4.19.0", &recorded.found)), BTreeSet::new(), "{name}");
        let known = recorded.known();
        let other = |id: &str, findings: &[Finding], change: fn(&mut Finding)| {
            let mut findings = findings.to_vec();
            findings.last_mut().into_iter().for_each(change);
            known.explain(id, &findings)
        };
        for (id, findings) in &recorded.failures {
            assert_eq!(other(id, findings, |finding| finding.seen = "something else".into()), None, "{name}: {id}");
            assert_eq!(other(id, findings, |finding| finding.verdict = Verdict::Timeout), None, "{name}: {id}");
            let more = Finding::new(Oracle::Content, Verdict::Fail, Blame::Undecided, "more", "nothing more");
            let findings: Vec<Finding> = findings.iter().cloned().chain([more]).collect();
            assert_eq!(known.explain(id, &findings), None, "{name}: {id}");
        }
    }
}

#[test]
fn the_same_failure_of_another_driver_is_new() {
    // A fault of the core of DRM or V4L2, and of the heaps, is one of every driver.
    let of_core = ["export-answer-leaks", "heap-call-letter"];
    for name in BOARDS {
        let recorded = Recorded::of(name);
        let others = recorded.found.iter().cloned().map(|endpoint| {
            let through = MapDmaBuf { symbol: Some("other_map".into()), exp_name: String::new(), observed: true };
            EndpointFound { driver: "other".into(), map_dma_buf: Some(through), ..endpoint }
        });
        let known = recorded.known_of(&recorded.kernel, &others.collect::<Vec<_>>());
        let still: Vec<String> = recorded.names(&known).into_iter().collect();
        assert!(still.iter().all(|name| of_core.contains(&name.as_str())), "{name}: {still:?}");
    }
}

/// Cells of known faults: the finding, the kernel, the cell and its failure, and what other faults of the same drivers
/// would show in the same cell.
const OTHERS: &[(&str, &str, &str, &str, &[&str])] = &[
    (
        "vmap-failure-warns",
        "6.12.107",
        "access.device-reads.drm-exynos.v4l2-vivid-cap0",
        "WARNING: CPU: 0 PID: 1022 at drivers/dma-buf/dma-buf.c:1540 dma_buf_vmap+0x130/0x138",
        &[
            "BUG: KASAN: slab-use-after-free in dma_buf_vmap+0x5c/0x138",
            "WARNING: CPU: 0 PID: 1 at drivers/dma-buf/dma-buf.c:1580 dma_buf_vunmap+0x30/0x38",
        ],
    ),
    (
        "pl111-no-map",
        "6.12.117",
        "access.device-reads.drm-pl111.drm-vgem",
        "platform vgem: DMA addr 0x4c000000+65536 overflow (mask ffffffff, bus limit 0).",
        &[
            "BUG: KASAN: out-of-bounds in dma_direct_map_sg+0x5c/0x334",
            "platform vgem: DMA addr 0x4c000000+65536 overflow (mask ffff, bus limit 0).",
        ],
    ),
    (
        "vivid-segment-size",
        "7.3.4",
        "stream.capture.heap-reserved.v4l2-vivid-cap1",
        "DMA-API: vivid vivid.0: mapping sg segment longer than device claims to support [len=118784] [max=65536]",
        &[
            "DMA-API: vivid vivid.0: device driver frees DMA memory with different direction [device address=0x1]",
            "DMA-API: vivid vivid.0: device driver tries to free DMA memory it has not allocated [device address=0x1]",
            "DMA-API: vivid vivid.0: mapping sg segment across boundary [start=0x1] [end=0x2] [boundary=0x3]",
        ],
    ),
    (
        "udmabuf-sync-direction",
        "7.3.4",
        "sync.good-flags.udmabuf",
        "DMA-API: misc udmabuf: device driver syncs DMA memory with different direction [mapped with DMA_TO_DEVICE]",
        &[
            "DMA-API: misc udmabuf: device driver syncs DMA memory outside allocated range [device address=0x1]",
            "DMA-API: misc udmabuf: device driver tries to sync DMA memory it has not allocated [device address=0x1]",
        ],
    ),
    (
        "vkms-offset-twice",
        "6.12.117",
        "kms.offset.drm-vgem.drm-vkms",
        "buffer 0: byte 0 of the buffer (byte 0 of the mapping): expected 71 56 cc ff 71 6a 8c ff, saw cc a2 59 ff 64 1a 8d \
         ff: no bytes that were written by this suite; 44799 of 44800 bytes differ, everything",
        &[
            "buffer 0: byte 0 of the buffer (byte 0 of the mapping): expected 71 56 cc ff 71 6a 8c ff, saw 00 00 00 ff 00 00 \
             00 ff: no bytes that were written by this suite; 44799 of 44800 bytes differ, everything",
            "buffer 0: byte 0 of the buffer (byte 0 of the mapping): expected 71 56 cc ff 71 6a 8c ff, saw 09 1f a8 ff 09 31 \
             51 ff: no bytes that were written by this suite; 44799 of 44800 bytes differ, everything",
        ],
    ),
];

fn drivers_of_others() -> Vec<EndpointFound> {
    let lines = [
        "drm-exynos drm exynos drm_gem_map_dma_buf",
        "drm-pl111 drm pl111 drm_gem_map_dma_buf",
        "drm-vgem drm vgem drm_gem_map_dma_buf",
        "drm-vkms drm vkms drm_gem_map_dma_buf",
        "heap-reserved heap reserved cma_heap_map_dma_buf",
        "udmabuf udmabuf udmabuf map_udmabuf",
        "v4l2-vivid-cap0 v4l2 vivid vb2_vmalloc_dmabuf_ops_map",
        "v4l2-vivid-cap1 v4l2 vivid vb2_dc_dmabuf_ops_map",
    ];
    lines.into_iter().map(endpoint).collect()
}

#[test]
fn another_fault_of_the_same_drivers_in_the_same_cell_is_new() {
    let registry = catalogue::registry::embedded().unwrap();
    let found = drivers_of_others();
    for (name, kernel, id, shown, others) in OTHERS {
        let known = KnownFaults::on(catalogue::findings::embedded(), Some(&registry), kernel, &found);
        let names = |seen: &str| {
            let finding = Finding::new(Oracle::KernelLog, Verdict::Fail, Blame::Undecided, seen, "it is right");
            known.explain(id, &[finding]).map(|explained| explained.names)
        };
        assert_eq!(names(shown), Some(vec![(*name).to_owned()]), "{id}: {shown}");
        for other in *others {
            assert_eq!(names(other), None, "{id}: {other}");
        }
    }
}

#[test]
fn a_negative_wait_is_vivid_s_only_if_its_thread_waited() {
    let known = KnownFaults::on(catalogue::findings::embedded(), None, "6.12.117", &drivers_of_others());
    let names = |comm: &str| {
        let seen = "schedule_timeout: wrong timeout value ffffffffffffffff";
        let head = format!("CPU: 1 UID: 0 PID: 2085 Comm: {comm} Not tainted 6.12.117");
        let found = Finding::fail(Oracle::KernelLog, Blame::Kernel, seen, "the kernel has nothing to complain of");
        let found = Finding { lines: vec![seen.to_owned(), head], ..found };
        known.explain("load.kernel-log.board", &[found]).map(|explained| explained.names)
    };
    assert_eq!(names("vivid-003-vid-c"), Some(vec!["vivid-negative-wait".to_owned()]));
    assert_eq!(names("kworker/0:1"), None);
}
