//! `ci/board lint`: whether the kernel modules of this repository keep to the kernel's own rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use spec::board::Build;

use crate::bench::Bench;
use crate::board;
use crate::command;
use crate::debian::{drivers, kernel_source};
use crate::error::{Error, Exit, Result};
use crate::machine::architecture::Machine;
use crate::make::chosen;

/// The kernel's script for style, with the lists that it looks up words in. No package but the kernel's source has it.
const CHECKPATCH: &str = "scripts/checkpatch.pl";
const LISTS: [&str; 2] = ["scripts/spelling.txt", "scripts/const_structs.checkpatch"];

/// How it is called.
const OPTIONS: [&str; 6] =
    ["--strict", "--no-tree", "--max-line-length=100", "--terse", "--show-types", "--no-summary"];

/// What a file is allowed that no other is: a module for several kernels must compare their versions, in one place.
const ALLOWED: (&str, &str) = ("include/prime_compat.h", "--ignore=LINUX_VERSION_CODE,CONSTANT_COMPARISON");

/// Runs sparse on every file that is compiled, and fails for a warning.
const SPARSE: [&str; 2] = ["C=2", "CF=-Wsparse-error"];

/// `ci/board lint`.
///
/// # Errors
/// The words of checkpatch.pl or of sparse; those of downloads and of the compiler.
pub fn lint(bench: &Bench, name: &str) -> Result<u8> {
    let Bench { root, cache, report } = bench;
    let (board, _) = board::read(root, name)?;
    let emulate = board::emulation(&board)?;
    let folders: BTreeSet<&String> = emulate.build.iter().filter_map(|build| build.repository.as_ref()).collect();
    if folders.is_empty() || emulate.kernel.configuration.is_some() {
        let what = format!("board '{name}' does not build modules of this repository for a kernel of Debian's");
        return Err(Error::usage(what, "ci/board lint debian-amd64-kmod"));
    }
    let builds: Vec<Build> = emulate.build.iter().map(with_sparse).collect();
    let _lock = cache.lock()?;
    let tell = |what: &str| report.step(what);
    chosen(bench, emulate, Machine::of(&board)?, false, |archive, choice| {
        let paths = std::iter::once(CHECKPATCH).chain(LISTS);
        let source = kernel_source::paths(cache, archive, choice, paths, &tell)?;
        for folder in &folders {
            tell(&format!("checking the style of {folder}"));
            checkpatch(&source.join(CHECKPATCH), &root.join(folder))?;
        }
        drivers::build(root, cache, archive, choice, &builds, &tell).map(drop)
    })?;
    report.clear();
    println!("checkpatch.pl and sparse have nothing to say about the modules of {name}");
    Ok(Exit::Success as u8)
}

/// A module of this repository, checked by sparse as it is built; any other as it is.
fn with_sparse(build: &Build) -> Build {
    let mut build = build.clone();
    if build.repository.is_some() {
        build.config.extend(SPARSE.map(str::to_owned));
    }
    build
}

/// Runs checkpatch.pl on every file of C and every Kbuild below a folder.
fn checkpatch(script: &Path, folder: &Path) -> Result<()> {
    let (allowed, ignore) = ALLOWED;
    let (special, plain): (Vec<_>, Vec<_>) =
        sources(folder, Path::new(""))?.into_iter().partition(|file| file == Path::new(allowed));
    let check = |files: &[PathBuf], more: &[&str]| {
        let mut perl = Command::new("perl");
        // The user's own configuration is in the home folder.
        perl.env("HOME", folder).current_dir(folder).arg(script).args(OPTIONS).args(more).arg("--file").args(files);
        command::output(&mut perl, &format!("let {} pass checkpatch.pl", folder.display()), "perl").map(drop)
    };
    check(&plain, &[])?;
    if special.is_empty() { Ok(()) } else { check(&special, &[ignore]) }
}

/// The files to check below `place`, as they are called from `folder`: checkpatch.pl has other rules for include/uapi.
fn sources(folder: &Path, place: &Path) -> Result<Vec<PathBuf>> {
    let here = folder.join(place);
    let mut files = Vec::new();
    for entry in fs::read_dir(&here).map_err(Error::file("read", &here))? {
        let name = entry.map_err(Error::file("read", &here))?.file_name();
        let path = place.join(&name);
        let extension = path.extension().and_then(|extension| extension.to_str());
        if here.join(&name).is_dir() {
            files.extend(sources(folder, &path)?);
        } else if matches!(extension, Some("c" | "h")) || name == "Kbuild" {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
    }

    #[test]
    fn every_file_of_the_modules_is_checked() {
        let files = sources(&root().join("fixtures/kmod"), Path::new("")).unwrap();
        for file in [ALLOWED.0, "include/uapi/prime_canary.h", "prime_drm/Kbuild", "prime_v4l2/copy.c"] {
            assert!(files.contains(&PathBuf::from(file)), "{file}: {files:?}");
        }
        assert!(!files.contains(&PathBuf::from("README.md")));
    }

    #[test]
    fn only_modules_of_this_repository_are_given_to_sparse() {
        let (board, _) = board::read(root(), "debian-amd64-kmod").unwrap();
        let builds = board.emulate.unwrap().build;
        let checked = builds.iter().map(with_sparse).filter(|build| build.config.ends_with(&SPARSE.map(str::to_owned)));
        assert_eq!(
            checked.map(|build| build.module).collect::<Vec<_>>(),
            ["prime_canary", "prime_common", "prime_drm", "prime_v4l2"]
        );
    }
}
