//! The messages of lockdep and RCU.

/// What follows `WARNING: `, `INFO: ` or, before Linux 4.13, `[ INFO: `.
const PHRASES: &[&str] = &[
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
    "still has locks held",
    // A lock that is used before it is initialised: lockdep has no class for it and turns itself off.
    "trying to register non-static key",
    "Nested lock was not taken",
    "Nested wait context",
];

/// Returns whether a line is one of them.
pub fn is_report(line: &str) -> bool {
    let said = ["WARNING: ", "INFO: ", "[ INFO: "].iter().find_map(|beginning| line.strip_prefix(beginning));
    said.is_some_and(|said| PHRASES.iter().any(|phrase| said.contains(phrase)))
}
