//! The modules of fixtures/kmod on the oldest and the newest kernel that they are for, and their comings and goings.

use std::collections::BTreeSet;
use std::fs;

use crate::host::{self, built, root};

/// Runs a board with our modules; the paths that only they have must have been taken.
#[track_caller]
fn has_the_paths_of_our_modules(name: &str) {
    let _board = host::alone(name);
    let recorded = host::run_as_expected(name);
    let reached: BTreeSet<&str> = recorded.symbols().into_values().collect();
    for symbol in ["canary_map", "vb2_dma_sg_dmabuf_ops_map"] {
        assert!(reached.contains(symbol), "{symbol}: {reached:?}");
    }
    // Two drivers of one map_dma_buf: an importer that takes contiguous memory alone tells the coherent GEM helper's
    // from the other's, and so does the fault that only the coherent one's mmap has.
    let verdicts = recorded.verdicts();
    let of = |id: &str| verdicts[id];
    assert_eq!(recorded.symbols()["drm-prime_drm_coherent"], "drm_gem_map_dma_buf");
    assert_eq!(of("coherence.while-imported.drm-prime_drm_coherent.v4l2-prime_contig-cap0"), "pass");
    assert_eq!(of("coherence.while-imported.drm-prime_drm_shmem.v4l2-prime_contig-cap0"), "refused");
    let offset = |cell: &&serde_json::Value| cell["id"] == "mapping.at-offset.drm-prime_drm_coherent";
    let offset = recorded.events("cell").find(offset).unwrap()["findings"].to_string();
    assert!(offset.contains("ENXIO"), "{offset}");
}

#[test]
fn on_6_1() {
    has_the_paths_of_our_modules("debian-amd64-kmod-6.1");
}

#[test]
fn on_7_3() {
    has_the_paths_of_our_modules("debian-amd64-kmod-7.3");
}

/// `try WHAT KEY MODULE...` holds a device or a dma-buf, tries to unload modules, and says how that and the holding ended.
const TRY: &str = r#"
try() {
    what=$1 key=$2
    shift 2
    rm -f /tmp/go; mkfifo /tmp/go
    : >/tmp/said
    /results/hold $what $key </tmp/go >/tmp/said 2>&1 &
    holder=$!
    exec 4>/tmp/go
    until grep -q holding /tmp/said || ! kill -0 $holder 2>/dev/null; do usleep 20000; done
    for module in "$@"; do
        rmmod $module 2>/dev/null && echo "= $module goes" || echo "= $module stays"
    done
    exec 4>&-
    wait $holder; echo "= $?: $(tail -n 1 /tmp/said)"
}
idle() {
    rmmod $1 && modprobe $1 "$2"; echo "= $1: $?"
}
dmesg -c >/dev/null
"#;

/// What is tried, and what is said to it.
const TRIED: &[(&str, &[&str])] = &[
    ("try device canary-pages prime_canary", &["prime_canary stays", "0: released the device"]),
    ("try dma-buf canary-pages prime_canary", &["prime_canary stays", "0: the dma-buf is as it was"]),
    ("try dma-buf canary-coherent prime_canary", &["prime_canary stays", "0: the dma-buf is as it was"]),
    ("try dma-buf canary-pageless prime_canary", &["prime_canary stays", "0: the dma-buf is as it was"]),
    ("try dma-buf canary-decoy prime_canary", &["prime_canary stays", "0: the dma-buf is as it was"]),
    ("idle prime_canary", &["prime_canary: 0"]),
    ("try device drm-prime_drm_coherent prime_drm", &["prime_drm stays", "0: released the device"]),
    ("try dma-buf drm-prime_drm_coherent prime_drm", &["prime_drm stays", "0: the dma-buf is as it was"]),
    ("try dma-buf drm-prime_drm_shmem prime_drm", &["prime_drm stays", "0: the dma-buf is as it was"]),
    ("idle prime_drm memory=coherent,shmem", &["prime_drm: 0"]),
    ("try device v4l2-prime_sg-cap0 prime_v4l2", &["prime_v4l2 stays", "0: released the device"]),
    ("idle prime_v4l2 memory=vmalloc,dma-contig,dma-sg", &["prime_v4l2: 0"]),
    // The dma-bufs of every V4L2 driver are videobuf2's: it is the allocator that has to stay, and the memory with it.
    // vivid uses two of them.
    ("rmmod vivid", &[]),
    (
        "try dma-buf v4l2-prime_sg-cap0 prime_v4l2 videobuf2_dma_sg",
        &["prime_v4l2 goes", "videobuf2_dma_sg stays", "0: the dma-buf is as it was"],
    ),
    ("modprobe prime_v4l2 memory=dma-contig", &[]),
    (
        "try dma-buf v4l2-prime_contig-cap0 prime_v4l2 videobuf2_dma_contig",
        &["prime_v4l2 goes", "videobuf2_dma_contig stays", "0: the dma-buf is as it was"],
    ),
    ("modprobe prime_v4l2 memory=vmalloc", &[]),
    (
        "try dma-buf v4l2-prime_vmalloc-cap0 prime_v4l2 videobuf2_vmalloc",
        &["prime_v4l2 goes", "videobuf2_vmalloc stays", "0: the dma-buf is as it was"],
    ),
    ("rmmod videobuf2_dma_sg && rmmod videobuf2_dma_contig && rmmod videobuf2_vmalloc; echo = $?", &["0"]),
    // Of emergencies, errors and warnings there is none in the log.
    ("dmesg -r | grep -q '^<6>.*Initialized prime_drm_coherent' && echo = the log", &["the log"]),
    ("dmesg -r | sed -n 's/^<[0-4]>/= /p'", &[]),
];

#[test]
fn a_module_stays_while_it_is_in_use_and_goes_when_it_is_not() {
    let name = "debian-amd64-kmod";
    let _board = host::alone(name);
    let results = root().join("target/boards").join(name);
    fs::create_dir_all(&results).unwrap();
    fs::copy(built(&["build", "-p", "prime-cts-device", "--example", "hold"], "hold"), results.join("hold")).unwrap();
    let script: String = TRIED.iter().map(|(line, _)| format!("{line}\n")).collect();
    let said = host::shell(name, &format!("{TRY}{script}"));
    assert_eq!(said.code, Some(0), "{said:?}");
    let answers: Vec<&str> = said.out.lines().filter_map(|line| line.trim_end().strip_prefix("= ")).collect();
    let expected: Vec<&str> = TRIED.iter().flat_map(|(_, answers)| answers.iter().copied()).collect();
    assert_eq!(answers, expected, "{}", said.out);
}
