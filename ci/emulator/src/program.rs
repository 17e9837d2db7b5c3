//! The static `prime-cts` that runs on the board.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command;
use crate::error::{Error, Result};
use crate::machine::Machine;

/// Builds `prime-cts` for a machine, or checks the one that was given.
///
/// # Errors
/// The compiler's, whose words have been seen, and for a program that the board could not start.
pub fn program(root: &Path, machine: &Machine, given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        let content = fs::read(given).map_err(Error::file("read", given))?;
        return match interpreter(&content) {
            Some(false) => Ok(given.to_owned()),
            Some(true) => {
                let what = format!("{} is linked dynamically: the board has no libraries for it", given.display());
                Err(Error::usage(what, "build it with RUSTFLAGS='-C target-feature=+crt-static'"))
            }
            None => {
                Err(Error::usage(format!("{} is not a 64-bit ELF program", given.display()), "give a static prime-cts"))
            }
        };
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // A folder of its own: these flags would make cargo build everything in the usual one anew.
    let target = root.join("target/static");
    cargo.current_dir(root).args(["build", "--quiet", "--release", "-p", "suite", "--bin", "prime-cts"]);
    cargo.args(["--target", machine.target]).arg("--target-dir").arg(&target);
    cargo
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stderr(Stdio::inherit());
    command::shown(&mut cargo, "build the static prime-cts", "cargo (or rustup)")?;
    Ok(target.join(machine.target).join("release/prime-cts"))
}

/// Whether an ELF program asks for a dynamic loader; nothing for what is no such program.
fn interpreter(content: &[u8]) -> Option<bool> {
    const PT_INTERP: u32 = 3;
    let number = |at: usize, size: usize| {
        let bytes = content.get(at..at.checked_add(size)?)?;
        Some(bytes.iter().rev().fold(0u64, |all, &byte| all << 8 | u64::from(byte)))
    };
    if !content.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, size, count) = (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?);
    let mut kinds = (0..count).map(|index| {
        let at = usize::try_from(table.checked_add(index * size)?).ok()?;
        number(at, 4).map(|kind| kind == u64::from(PT_INTERP))
    });
    kinds.try_fold(false, |any, kind| Some(any | kind?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF header with one program header of this kind.
    fn elf(kind: u32) -> Vec<u8> {
        let mut content = vec![0; 0x78];
        content[..6].copy_from_slice(b"\x7fELF\x02\x01");
        content[0x20] = 0x40;
        content[0x36] = 0x38;
        content[0x38] = 1;
        content[0x40..0x44].copy_from_slice(&kind.to_le_bytes());
        content
    }

    #[test]
    fn dynamic_programs_are_told_from_static_ones() {
        assert_eq!(interpreter(&elf(1)), Some(false));
        assert_eq!(interpreter(&elf(3)), Some(true));
        assert_eq!(interpreter(b"#!/bin/sh\n"), None);
        assert_eq!(interpreter(&elf(3)[..0x41]), None);
    }

    #[test]
    fn this_test_is_dynamic_or_static_but_elf() {
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(interpreter(&own).is_some());
    }
}
