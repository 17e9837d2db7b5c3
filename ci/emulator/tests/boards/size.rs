//! The static program: a board may get it over a serial line, and has no libraries for it.

use std::process::Command;

use crate::host;

/// 6.3 MB: the diagnosis of causes brought it from below 6.0 to 6.1, the DMA contract to 6.21.
const LARGEST: u64 = 6_300_000;

#[test]
fn the_static_program_is_small_and_starts() {
    let program = host::built(&["build", "--package", "prime-cts", "--bin", "prime-cts"], "prime-cts");
    let size = std::fs::metadata(&program).unwrap().len();
    assert!(size <= LARGEST, "{} has {size} bytes; cargo bloat tells what they are", program.display());
    let said = Command::new(program).arg("--version").output().unwrap();
    assert!(said.status.success() && said.stdout.starts_with(b"prime-cts "), "{said:?}");
}
