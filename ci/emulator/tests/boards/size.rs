//! The static program: a board may get it over a serial line, and has no libraries for it.

use std::process::Command;

use crate::host;

/// 6 MB.
const LARGEST: u64 = 6_000_000;

#[test]
fn the_static_program_is_small_and_starts() {
    let program = host::built(&["build", "--package", "prime-cts", "--bin", "prime-cts"], "prime-cts");
    let size = std::fs::metadata(&program).unwrap().len();
    assert!(size <= LARGEST, "{} has {size} bytes; cargo bloat tells what they are", program.display());
    let said = Command::new(program).arg("--version").output().unwrap();
    assert!(said.status.success() && said.stdout.starts_with(b"prime-cts "), "{said:?}");
}
