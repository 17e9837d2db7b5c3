//! How long the program takes to start, and to read its cases.
//!
//! PRIME_CTS names the program, as `ci/cross` builds it; without it the one is taken that cargo has built for the benchmarks.

use std::process::{Command, Stdio};

use divan::Bencher;

fn main() {
    divan::main();
}

#[divan::bench(args = ["--version", "list cases"], sample_count = 50)]
fn start(bencher: Bencher<'_, '_>, arguments: &str) {
    let program = std::env::var_os("PRIME_CTS").unwrap_or_else(|| env!("CARGO_BIN_EXE_prime-cts").into());
    bencher.bench_local(|| {
        let mut command = Command::new(&program);
        let status = command.args(arguments.split(' ')).stdout(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()));
    });
}
