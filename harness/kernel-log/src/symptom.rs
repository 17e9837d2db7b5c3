//! The lines of the kernel's log that announce trouble.

use serde::{Deserialize, Serialize};

/// The kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplatKind {
    /// WARN_ON and its kin (`__warn` of `kernel/panic.c`).
    Warning,
    /// BUG_ON, and what the kernel calls a BUG.
    Bug,
    /// A fault in the kernel.
    Oops,
    /// The end of the kernel (`kernel/panic.c`).
    Panic,
    /// Locking that can deadlock, and RCU used wrongly (`kernel/locking/lockdep.c`).
    Lockdep,
    /// KASAN, KCSAN, KMSAN, KFENCE, UBSAN, kmemleak.
    Sanitizer,
    /// A reference count that went wrong (`lib/refcount.c`).
    Refcount,
    /// A damaged linked list or slab object (`lib/list_debug.c`, `mm/slub.c`).
    Corruption,
    /// The DMA interface used wrongly (`kernel/dma/debug.c`, CONFIG_DMA_API_DEBUG).
    DmaDebug,
    /// Memory beyond what a device reaches, or no room to bounce it (`kernel/dma/swiotlb.c`, `direct.c`).
    DmaLimit,
    /// A task, a processor or a work queue that is stuck.
    Hung,
}

/// A line that begins so announces this. The first that fits counts.
const BEGINNINGS: &[(&str, SplatKind)] = &[
    ("Kernel panic - not syncing", SplatKind::Panic),
    ("BUG: KASAN:", SplatKind::Sanitizer),
    ("BUG: KCSAN:", SplatKind::Sanitizer),
    ("BUG: KMSAN:", SplatKind::Sanitizer),
    ("BUG: KFENCE:", SplatKind::Sanitizer),
    ("UBSAN: ", SplatKind::Sanitizer),
    ("BUG: kernel NULL pointer dereference", SplatKind::Oops),
    ("BUG: unable to handle ", SplatKind::Oops),
    ("Unable to handle kernel ", SplatKind::Oops),
    ("general protection fault", SplatKind::Oops),
    ("Internal error: ", SplatKind::Oops),
    ("SError Interrupt on CPU", SplatKind::Oops),
    ("BUG: soft lockup", SplatKind::Hung),
    ("BUG: workqueue lockup", SplatKind::Hung),
    ("Watchdog detected hard LOCKUP", SplatKind::Hung),
    ("list_add corruption", SplatKind::Corruption),
    ("list_del corruption", SplatKind::Corruption),
    ("list_add double add", SplatKind::Corruption),
    ("refcount_t: ", SplatKind::Refcount),
    ("DEBUG_LOCKS_WARN_ON(", SplatKind::Lockdep),
    ("[ BUG: ", SplatKind::Lockdep),
    ("kernel BUG at ", SplatKind::Bug),
    ("BUG: ", SplatKind::Bug),
    ("WARNING: CPU: ", SplatKind::Warning),
    ("WARNING: at ", SplatKind::Warning),
];

/// The messages of lockdep and RCU after `WARNING: ` or `INFO: `.
const LOCKDEP: &[&str] = &[
    "possible circular locking",
    "possible recursive locking",
    "possible irq lock inversion",
    "inconsistent lock state",
    "lock order detected",
    "suspicious RCU usage",
    "bad unlock balance",
    "bad contention",
    "held lock freed",
    "lock held when returning",
    "Nested lock was not taken",
];

/// The speaker, where the message does not show the kind.
const SPEAKERS: &[&str] = &["NMI watchdog: ", "watchdog: ", "rcu: "];

/// Returns what a line announces, if anything. `in_report`: whether the line above cut a report off from the rest.
pub(super) fn of(line: &str, in_report: bool) -> Option<SplatKind> {
    let line = SPEAKERS.iter().find_map(|speaker| line.strip_prefix(speaker)).unwrap_or(line);
    // Lockdep ran out of tables and turned itself off: a limit, not a defect.
    if line.starts_with("BUG: MAX_") {
        return None;
    }
    if let Some(said) = line.strip_prefix("WARNING: ").or_else(|| line.strip_prefix("INFO: "))
        && LOCKDEP.iter().any(|phrase| said.contains(phrase))
    {
        return Some(SplatKind::Lockdep);
    }
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(beginning, _)| line.starts_with(beginning)) {
        return Some(*kind);
    }
    let found = [
        (is_die(line), SplatKind::Oops),
        (is_warning(line), SplatKind::Warning),
        (is_hung(line), SplatKind::Hung),
        (is_dma_limit(line), SplatKind::DmaLimit),
        // What it says outside of a report is about itself.
        (line.starts_with("DMA-API: ") && in_report, SplatKind::DmaDebug),
        (line.starts_with("BUG ") && line.contains("ainted"), SplatKind::Corruption),
        (line.starts_with("kmemleak: ") && line.contains("new suspected memory leaks"), SplatKind::Sanitizer),
    ];
    found.into_iter().find_map(|(is, kind)| is.then_some(kind))
}

/// The line by which a processor dies: with a counter, as in `Oops: 0002 [#1] PREEMPT SMP`.
pub(super) fn is_die(line: &str) -> bool {
    let first = ["Oops", "Internal error", "invalid opcode", "divide error", "stack segment", "double fault", "int3"];
    let counted = line.split_once("[#").is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    counted && (first.iter().any(|word| line.starts_with(word)) || line.starts_with("Kernel BUG"))
}

/// `WARNING: FILE:LINE at FUNCTION`, since 6.19; drivers' own texts have no such place in them.
fn is_warning(line: &str) -> bool {
    let place = line.strip_prefix("WARNING: ").and_then(|rest| rest.split_once(" at "));
    let number = place.and_then(|(place, _)| place.rsplit_once(':'));
    number.is_some_and(|(file, number)| !file.contains(' ') && number.parse::<u32>().is_ok())
}

fn is_hung(line: &str) -> bool {
    let info = line.strip_prefix("INFO: ");
    info.is_some_and(|said| {
        let task = said.starts_with("task ") && said.contains(" blocked for more than ");
        task || (said.starts_with("rcu") && said.contains("stall"))
    })
}

fn is_dma_limit(line: &str) -> bool {
    let overflow = line.contains("overflow ") && (line.contains(" of DMA mask ") || line.contains("DMA addr "));
    overflow || line.contains("swiotlb buffer is full")
}
