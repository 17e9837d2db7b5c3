//! `prime-cts fuzz-canary`.

use std::path::Path;

use clap::Args;
use event::exit::Exit;
use runner::fuzz;
use runner::run::{Sources, Watch};

use crate::error::CommandError;

/// The arguments of `fuzz-canary`.
#[derive(Debug, Args)]
pub struct Fuzz {
    /// Number of calls.
    #[arg(long, default_value = "200000")]
    pub calls: u64,
    /// Seed of the sequence: the same seed makes the same calls.
    #[arg(long, default_value = "1")]
    pub seed: u64,
}

/// Makes malformed calls, and checks what the kernel logs.
pub fn run(wanted: &Fuzz) -> Result<Exit, CommandError> {
    let node = Path::new("/dev/prime_canary");
    std::fs::metadata(node).map_err(|source| CommandError::Unreadable { path: node.to_owned(), source })?;
    let mut watch = Watch::start(&Sources::default());
    watch.leave_contract();
    watch.begin();
    let answers = fuzz::run(node, wanted.calls, wanted.seed);
    let seen = watch.end(0, "prime_canary");
    println!("{} calls from seed {}", wanted.calls, wanted.seed);
    for (what, counts) in [("allowed", &answers.allowed), ("refused", &answers.refused)] {
        counts.iter().for_each(|(name, count)| println!("{what} {count:8} {name}"));
    }
    for broken in &answers.broken {
        println!("broken: {broken}");
    }
    for splat in seen.splats.iter().chain(&seen.dumps) {
        println!("{}", splat.title);
        splat.lines.iter().for_each(|line| println!("    {line}"));
    }
    let missing: Vec<_> = watch.states().into_iter().filter(|state| state.oracle == "kernel-log").collect();
    if let Some(missing) = missing.iter().find_map(|state| state.missing.as_ref()) {
        println!("the kernel's log cannot be read: {missing}");
        return Ok(Exit::NothingVerified);
    }
    let untried = answers.never_allowed();
    if !untried.is_empty() {
        println!("none of these was ever allowed, so that little of them was tried: {}", untried.join(", "));
        return Ok(Exit::NothingVerified);
    }
    let harmed = !answers.broken.is_empty() || !seen.splats.is_empty() || !seen.dumps.is_empty() || seen.taint != 0;
    println!("{}", if harmed { "the kernel was harmed" } else { "the kernel has nothing to complain of" });
    Ok(if harmed { Exit::Regression } else { Exit::Success })
}
