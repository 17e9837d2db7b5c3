//! `prime-cts fuzz-canary`.

use std::path::Path;

use suite::exit::Exit;
use suite::fuzz;
use suite::run::{Sources, Watch};

use super::Trouble;
use crate::arguments::Fuzz;

/// Makes malformed calls, and looks what the kernel says of them.
pub fn run(wanted: &Fuzz) -> Result<Exit, Trouble> {
    let node = Path::new("/dev/prime_canary");
    std::fs::metadata(node).map_err(|source| Trouble::Unreadable { path: node.to_owned(), source })?;
    let mut watch = Watch::start(&Sources::default());
    watch.begin();
    let answers = fuzz::run(node, wanted.calls, wanted.seed);
    let seen = watch.end(0, "prime_canary");
    println!("{} calls from seed {}: {} allowed", wanted.calls, wanted.seed, answers.allowed);
    for (errno, count) in &answers.refused {
        println!("{count:8} {errno}");
    }
    for broken in &answers.broken {
        println!("broken: {broken}");
    }
    for splat in &seen.splats {
        println!("{}", splat.title);
        splat.lines.iter().for_each(|line| println!("    {line}"));
    }
    let missing: Vec<_> = watch.states().into_iter().filter(|state| state.oracle == "kernel-log").collect();
    if let Some(missing) = missing.iter().find_map(|state| state.missing.as_ref()) {
        println!("the kernel's log cannot be read: {missing}");
        return Ok(Exit::NothingVerified);
    }
    let harmed = !answers.broken.is_empty() || !seen.splats.is_empty() || seen.taint != 0;
    println!("{}", if harmed { "the kernel was harmed" } else { "the kernel has nothing to complain of" });
    Ok(if harmed { Exit::Regression } else { Exit::Success })
}
