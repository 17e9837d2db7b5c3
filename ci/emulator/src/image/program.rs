//! The `prime-cts` that runs on the board: static, unless the board brings libraries for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use spec::board::Userland;

use crate::command;
use crate::debian::cross::Cross;
use crate::error::{Error, Result};
use crate::machine::architecture::Machine;

/// Builds `prime-cts` for a machine, or checks the one that was given. `cross` is what it takes where the machine is not
/// the host; `libraries` is the board file's userland and where it is.
///
/// # Errors
/// The compiler's, whose words have been seen, and for a program that the board could not start.
pub fn program(
    root: &Path,
    machine: &Machine,
    cross: Option<&Cross>,
    libraries: Option<(&Userland, &Path)>,
    given: Option<&Path>,
) -> Result<PathBuf> {
    let libraries = libraries.filter(|(userland, _)| !userland.features.is_empty());
    if let Some(given) = given {
        return check(given, libraries.is_some());
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["build", "--quiet", "--release", "-p", "prime-cts", "--bin", "prime-cts"]);
    let (folder, flags) = match libraries {
        // At a fixed address: without relocations it is smaller, and starts sooner.
        None => (
            "target/static",
            "-C target-feature=+crt-static -C relocation-model=static -C force-unwind-tables=no".to_owned(),
        ),
        Some((userland, tree)) => {
            cargo.arg("--features").arg(userland.features.join(","));
            let folder = tree.join("usr/lib").join(machine.triplet);
            // The board's libraries may want a newer libc than this host's: it is the board that must have it.
            let flags = format!("-L native={} -C link-arg=-Wl,--allow-shlib-undefined", folder.display());
            ("target/dynamic", flags)
        }
    };
    // Folders of their own: these flags would make cargo build everything in the usual one again.
    // Another compiler too.
    let folder = if cross.is_some() { format!("{folder}-{}", machine.name) } else { folder.to_owned() };
    let target = root.join(folder);
    if let Some(cross) = cross {
        cross.apply(&mut cargo);
    }
    cargo.args(["--target", machine.target]).arg("--target-dir").arg(&target);
    cargo
        .env("RUSTFLAGS", format!("{flags} {}", machine.rustflags).trim())
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stderr(Stdio::inherit());
    command::shown(&mut cargo, "build prime-cts for the board", "cargo (or rustup)")?;
    Ok(target.join(machine.target).join("release/prime-cts"))
}

fn check(given: &Path, libraries: bool) -> Result<PathBuf> {
    let content = fs::read(given).map_err(|error| {
        Error::usage(format!("cannot read the program {}: {error}", given.display()), "give a static prime-cts")
    })?;
    match interpreter(&content) {
        Some(dynamic) if libraries || !dynamic => Ok(given.to_owned()),
        Some(_) => {
            let what = format!("{} is linked dynamically: the board has no libraries for it", given.display());
            Err(Error::usage(what, "build it with RUSTFLAGS='-C target-feature=+crt-static'"))
        }
        None => Err(Error::usage(format!("{} is not an ELF program", given.display()), "give a static prime-cts")),
    }
}

/// Returns whether an ELF program asks for a dynamic loader; nothing for a file that is not such a program.
pub fn interpreter(content: &[u8]) -> Option<bool> {
    const PT_INTERP: u32 = 3;
    let number = |at: usize, size: usize| {
        let bytes = content.get(at..at.checked_add(size)?)?;
        Some(bytes.iter().rev().fold(0u64, |all, &byte| all << 8 | u64::from(byte)))
    };
    // `e_phoff`, `e_phentsize` and `e_phnum` of `struct elf64_hdr` and `elf32_hdr` (include/uapi/linux/elf.h).
    let (table, size, count) = match content.get(..6)? {
        b"\x7fELF\x02\x01" => (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?),
        b"\x7fELF\x01\x01" => (number(0x1c, 4)?, number(0x2a, 2)?, number(0x2c, 2)?),
        _ => return None,
    };
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
        let mut narrow = vec![0; 0x54];
        narrow[..6].copy_from_slice(b"\x7fELF\x01\x01");
        (narrow[0x1c], narrow[0x2a], narrow[0x2c], narrow[0x34]) = (0x34, 0x20, 1, 3);
        assert_eq!(interpreter(&narrow), Some(true), "32 bits");
        assert_eq!(interpreter(b"#!/bin/sh\n"), None);
        assert_eq!(interpreter(&elf(3)[..0x41]), None);
    }

    #[test]
    fn a_dynamic_program_needs_a_board_with_libraries() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prime-cts");
        fs::write(&path, elf(3)).unwrap();
        assert!(check(&path, false).unwrap_err().to_string().contains("linked dynamically"));
        check(&path, true).unwrap();
        fs::write(&path, "#!/bin/sh\n").unwrap();
        assert!(check(&path, true).unwrap_err().to_string().contains("not an ELF program"));
    }

    #[test]
    fn this_test_is_dynamic_or_static_but_elf() {
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(interpreter(&own).is_some());
    }
}
