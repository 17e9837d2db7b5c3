//! The kernel's taint: what happened since it booted, one bit a thing.

use std::path::Path;

/// The bits that say something broke.
pub const TAINT_TROUBLE: u64 = 0;

/// The taint.
pub fn taint(proc_root: &Path) -> Option<u64> {
    std::fs::read_to_string(proc_root.join("sys/kernel/tainted")).ok()?.trim().parse().ok()
}

/// The names of the bits.
pub fn taint_names(bits: u64) -> Vec<&'static str> {
    let _ = bits;
    unimplemented!()
}
