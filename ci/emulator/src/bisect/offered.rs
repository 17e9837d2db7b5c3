//! The kernels that Debian's archive has for a machine.

use std::collections::BTreeSet;

use spec::board::{Board, Emulate};

use crate::bench::Bench;
use crate::board;
use crate::debian::archive::Archive;
use crate::debian::index::{offered, packages};
use crate::debian::kernel::order;
use crate::error::{Error, Result};
use crate::machine::architecture::Machine;

/// A kernel of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The suite that has it.
    pub suite: String,
    /// The output of `uname -r`.
    pub release: String,
    /// The version of its packages.
    pub version: String,
    /// True if a board runs it.
    pub of_board: bool,
}

/// The kernels of all suites that boards of the same machine take theirs from, the oldest first. For a board with drivers
/// of its own, those that they can be built against.
///
/// # Errors
/// For an unknown board or one without Debian's kernel, and when the archive cannot be reached.
pub fn kernels(bench: &Bench, name: &str) -> Result<Vec<Offered>> {
    let Bench { root, cache, report } = bench;
    let (board, _) = board::read(root, name)?;
    let emulate = board::emulation(&board)?;
    let machine = Machine::of(&board)?;
    if emulate.kernel.configuration.is_some() {
        let what = format!("board '{name}' has a kernel of its own, of which the archive has no other versions");
        return Err(Error::usage(what, "bisect it in a kernel tree: git bisect run, with ci/board run --bisect"));
    }
    let boards = board::all(root)?;
    let wanted = wanted(&board.architecture, emulate, &boards);
    let suites: BTreeSet<&str> = wanted.iter().map(|(suite, _)| suite.as_str()).collect();
    let _lock = cache.lock()?;
    let mut all: Vec<Offered> = Vec::new();
    for suite in suites {
        report.step(&format!("looking for the kernels of {suite}"));
        let archive = Archive::open(cache, suite, machine.debian)?;
        archive.update()?;
        let packages = packages(&archive.index()?, |name| name.starts_with("linux-"));
        let of_suite = offered(&packages, "", machine.flavour, !emulate.build.is_empty(), order);
        let first = all.len();
        all.extend(of_suite.into_iter().map(|choice| Offered {
            suite: suite.to_owned(),
            version: choice.version().to_owned(),
            release: choice.release,
            of_board: false,
        }));
        for (_, start) in wanted.iter().filter(|(of, _)| of == suite) {
            let newest = all[first..].iter_mut().rev().find(|kernel| kernel.release.starts_with(start.as_str()));
            newest.into_iter().for_each(|kernel| kernel.of_board = true);
        }
    }
    report.clear();
    Ok(in_order(all))
}

/// Suite and start of the release of each board that has the same machine: the devices are the same, so that each kernel
/// finds them.
fn wanted(architecture: &str, emulate: &Emulate, boards: &[Board]) -> BTreeSet<(String, String)> {
    let same = |other: &&Emulate| {
        let (one, other_qemu) = (&emulate.qemu, &other.qemu);
        one.machine == other_qemu.machine && one.devices == other_qemu.devices && other.kernel.configuration.is_none()
    };
    let fitting = boards.iter().filter(|board| board.architecture == architecture);
    let kernels = fitting.filter_map(|board| board.emulate.as_ref()).filter(same).map(|emulate| &emulate.kernel);
    kernels.map(|kernel| (kernel.suite.clone(), kernel.release.clone())).collect()
}

/// By version, and each release once: a suite may have what another has.
fn in_order(mut all: Vec<Offered>) -> Vec<Offered> {
    all.sort_by(|a, b| order(&a.version, &b.version).then_with(|| a.release.cmp(&b.release)));
    all.dedup_by(|later, kept| {
        let same = later.release == kept.release;
        kept.of_board |= same && later.of_board;
        same
    });
    all
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_kernels_are_those_of_every_board_with_the_same_devices() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let boards = board::all(root).unwrap();
        let of = |name: &str| {
            let (board, _) = board::read(root, name).unwrap();
            let wanted = wanted(&board.architecture, board.emulate.as_ref().unwrap(), &boards);
            wanted.into_iter().map(|(suite, release)| format!("{suite} {release}")).collect::<Vec<_>>()
        };
        let newest = of("debian-amd64-7.3");
        for kernel in ["bullseye 5.10.", "bookworm 6.1.", "bookworm-security 6.12.", "trixie-backports 7.3.4"] {
            assert!(newest.iter().any(|one| one == kernel), "{kernel}: {newest:?}");
        }
        assert_eq!(of("debian-amd64"), newest);
        assert!(of("debian-arm64").iter().all(|one| !one.starts_with("bullseye")));
    }

    #[test]
    fn a_release_that_two_suites_have_is_there_once() {
        let kernel = |suite: &str, version: &str, of_board| Offered {
            suite: suite.into(),
            release: version.into(),
            version: format!("{version}-1"),
            of_board,
        };
        let all = in_order(vec![kernel("b", "6.12.9", false), kernel("a", "6.1.5", false), kernel("b", "6.1.5", true)]);
        let names: Vec<(&str, bool)> = all.iter().map(|kernel| (kernel.release.as_str(), kernel.of_board)).collect();
        assert_eq!(names, [("6.1.5", true), ("6.12.9", false)]);
    }
}
