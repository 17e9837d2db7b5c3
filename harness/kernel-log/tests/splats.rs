//! Reports of trouble are found in the kernel's log, and nothing else is taken for one.

use kernel_log::SplatKind::{self, *};
use kernel_log::{Record, Splat, records_of_console, splats};

fn found(log: &str) -> Vec<Splat> {
    splats(&records_of_console(log))
}

fn kinds(log: &str) -> Vec<SplatKind> {
    found(log).into_iter().map(|splat| splat.kind).collect()
}

#[test]
fn a_clean_boot_has_none() {
    let records = records_of_console(include_str!("data/clean-boot.log"));
    assert_eq!(records.len(), 33);
    assert_eq!(splats(&records), []);
}

#[test]
fn memory_beyond_the_reach_of_a_device() {
    let splats = found(include_str!("data/vexpress-dma-limit.log"));
    assert_eq!(splats.len(), 1);
    let [splat] = &splats[..] else { unreachable!() };
    assert_eq!(splat.kind, DmaLimit);
    assert!(splat.title.starts_with("vivid vivid.0: DMA addr 0x000000014c000000+614400 overflow"), "{}", splat.title);
    assert_eq!(splat.lines.len(), 18);
    assert_eq!(splat.lines[0], "------------[ cut here ]------------");
    assert!(splat.lines.iter().any(|line| line.contains("drm_gem_map_dma_buf+0x6c/0xdc")));
}

#[test]
fn a_plain_warning_is_titled_with_its_place() {
    let log = include_str!("data/vexpress-dma-limit.log");
    let without: Vec<&str> = log.lines().filter(|line| !line.contains("DMA addr")).collect();
    let splats = found(&without.join("\n"));
    assert_eq!(splats[0].kind, Warning);
    assert_eq!(splats[0].title, "WARNING: CPU: 0 PID: 118 at kernel/dma/direct.h:118 dma_direct_map_sg+0x1d8/0x2a8");
}

#[test]
fn a_reference_count_in_the_new_and_the_old_order() {
    let splats = found(include_str!("data/refcount.log"));
    assert_eq!(splats.iter().map(|splat| splat.kind).collect::<Vec<_>>(), [Refcount, Refcount]);
    for splat in &splats {
        assert_eq!(splat.title, "refcount_t: underflow; use-after-free.");
        assert!(splat.lines.last().unwrap().starts_with("---[ end trace"));
    }
}

#[test]
fn an_oops_and_the_panic_that_follows() {
    let splats = found(include_str!("data/null-oops.log"));
    assert_eq!(splats.iter().map(|splat| splat.kind).collect::<Vec<_>>(), [Oops, Panic]);
    let fault = "BUG: kernel NULL pointer dereference, address: 0000000000000008";
    assert_eq!(splats[0].title, format!("{fault} in drm_prime_sg_to_page_array [drm]"));
    assert_eq!(splats[0].lines.len(), 15);
    assert_eq!(splats[1].title, "Kernel panic - not syncing: Fatal exception");
    assert_eq!(splats[1].lines.len(), 3);
}

#[test]
fn a_fault_of_the_kernel_but_not_of_a_program_on_arm() {
    let splats = found(include_str!("data/arm-oops.log"));
    assert_eq!(splats.len(), 1);
    assert_eq!(splats[0].kind, Oops);
    assert!(splats[0].title.starts_with("Unable to handle kernel paging request"));
}

#[test]
fn sanitizers() {
    let splats = found(include_str!("data/sanitizers.log"));
    assert_eq!(splats.iter().map(|splat| splat.kind).collect::<Vec<_>>(), [Sanitizer; 3]);
    assert_eq!(splats.iter().map(|splat| splat.lines.len()).collect::<Vec<_>>(), [4, 4, 1]);
}

#[test]
fn locks_lists_and_the_dma_interface() {
    let log = include_str!("data/locking-and-lists.log");
    assert_eq!(kinds(log), [Lockdep, Bug, Corruption, DmaDebug, DmaLimit]);
    let splats = found(log);
    assert!(!splats[0].lines.iter().any(|line| line.contains("unrelated")));
    assert_eq!(splats[2].lines.len(), 5);
    assert_eq!(splats[4].lines.len(), 5);
}

#[test]
fn what_hangs() {
    assert_eq!(kinds(include_str!("data/hung.log")), [Hung, Hung, Hung]);
}

#[test]
fn a_report_without_an_end_is_bounded() {
    let mut log = String::from("[    1.000000] BUG: scheduling while atomic: prime-cts/1/0x00000002\n");
    for line in 0..500 {
        log += &format!("[    1.{line:06}] something else {line}\n");
    }
    assert_eq!(found(&log)[0].lines.len(), 300);
}

#[test]
fn a_report_cut_short_by_the_next_is_kept() {
    let log = include_str!("data/refcount.log");
    let without: Vec<&str> = log.lines().filter(|line| !line.contains("end trace")).collect();
    assert_eq!(kinds(&without.join("\n")), [Refcount, Refcount]);
}

#[test]
fn what_a_program_writes_is_no_report() {
    let text = "BUG: KASAN: nonsense".to_string();
    let record = |facility| Record { level: 4, facility, time_us: 0, caller: None, text: text.clone() };
    assert_eq!(splats(&[record(1)]), []);
    assert_eq!(splats(&[record(0)]).len(), 1);
}

#[test]
fn a_report_of_a_kind_unknown_here_is_still_a_report() {
    let log = "[    1.0] ------------[ cut here ]------------\n\
               [    1.1] something entirely new went wrong\n\
               [    1.2] ---[ end trace 0000000000000000 ]---\n";
    let splats = found(log);
    assert_eq!((splats[0].kind, splats[0].title.as_str()), (Warning, "something entirely new went wrong"));
}
