//! The lines that are known by their first words.

use crate::kind::SplatKind;

/// A line that begins so announces this. The first that fits counts.
const BEGINNINGS: &[(&str, SplatKind)] = &[
    ("Kernel panic - not syncing", SplatKind::Panic),
    ("BUG: KASAN:", SplatKind::Sanitizer),
    ("BUG: KCSAN:", SplatKind::Sanitizer),
    ("BUG: KMSAN:", SplatKind::Sanitizer),
    ("BUG: KFENCE:", SplatKind::Sanitizer),
    ("UBSAN: ", SplatKind::Sanitizer),
    ("BUG: kernel NULL pointer dereference", SplatKind::Oops),
    // PowerPC, arch/powerpc/mm/fault.c.
    ("BUG: Kernel NULL pointer dereference", SplatKind::Oops),
    ("BUG: Unable to handle ", SplatKind::Oops),
    ("BUG: unable to handle ", SplatKind::Oops),
    ("BUG: stack guard page was hit", SplatKind::Oops),
    ("BUG: TASK stack guard page was hit", SplatKind::Oops),
    ("Unable to handle kernel ", SplatKind::Oops),
    ("general protection fault", SplatKind::Oops),
    ("Internal error: ", SplatKind::Oops),
    ("PANIC: double fault", SplatKind::Oops),
    ("SError Interrupt on CPU", SplatKind::Oops),
    ("Insufficient stack space to handle exception", SplatKind::Oops),
    ("Unexpected kernel BRK exception", SplatKind::Oops),
    ("Bad mode in ", SplatKind::Oops),
    ("BUG: soft lockup", SplatKind::Hung),
    ("BUG: workqueue lockup", SplatKind::Hung),
    ("Watchdog detected hard LOCKUP", SplatKind::Hung),
    ("list_add corruption", SplatKind::Corruption),
    ("list_del corruption", SplatKind::Corruption),
    ("list_add double add", SplatKind::Corruption),
    ("refcount_t: ", SplatKind::Refcount),
    ("DEBUG_LOCKS_WARN_ON(", SplatKind::Lockdep),
    ("[ BUG: ", SplatKind::Lockdep),
    // MIPS, arch/mips/kernel/traps.c.
    ("Kernel bug detected[#", SplatKind::Bug),
    ("kernel BUG at ", SplatKind::Bug),
    ("BUG: ", SplatKind::Bug),
    ("WARNING: CPU: ", SplatKind::Warning),
];

/// Returns what a line announces by its first words.
pub fn of(line: &str) -> Option<SplatKind> {
    let line = behind_processor(line);
    BEGINNINGS.iter().find(|(beginning, _)| line.starts_with(beginning)).map(|(_, kind)| *kind)
}

/// MIPS and `LoongArch` begin a fault with `CPU N ` (`arch/mips/mm/fault.c`).
fn behind_processor(line: &str) -> &str {
    let behind = line.strip_prefix("CPU ").and_then(|rest| rest.split_once(' '));
    behind.filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit())).map_or(line, |(_, rest)| rest)
}
