//! A QEMU that runs the processors of a guest at the same time, where the host's cannot: that of the backports of the host's
//! own release, whose libraries it is made for. It is unpacked into the cache, and nothing is installed.

use std::fs;
use std::path::Path;

use crate::cache::Cache;
use crate::debian::archive::Archive;
use crate::debian::index::{Package, packages};
use crate::debian::kernel::order;
use crate::error::{Error, Result};
use crate::machine::architecture::Machine;
use crate::machine::emulator::Emulator;

/// What the program needs beside its own package, in the same version.
const PARTS: [&str; 2] = ["qemu-system-common", "qemu-system-data"];

/// The firmware of PCs and their displays, of its own version. Where a suite has none, the host's serves.
const FIRMWARE: &str = "seabios";

/// The emulator of a board with this many processors: the host's, but for one of several that it would run in one thread.
/// Where there is no other, that is reported, and the host's is taken.
///
/// # Errors
/// When the host's cannot be started.
pub fn emulator(
    cache: &Cache,
    machine: &'static Machine,
    processors: u32,
    refresh: bool,
    tell: &dyn Fn(&str),
    warn: &dyn Fn(&str),
) -> Result<Emulator> {
    let of_host = Emulator::of_host(machine)?;
    Ok(one_for(of_host, processors, || newer(cache, machine, refresh, tell), warn))
}

fn one_for(
    of_host: Emulator,
    processors: u32,
    newer: impl FnOnce() -> Result<Emulator>,
    warn: &dyn Fn(&str),
) -> Emulator {
    if processors < 2 || !of_host.races() {
        return of_host;
    }
    let why = match newer() {
        Ok(newer) if !newer.races() => return newer,
        Ok(_) => "the one of Debian's backports is, too".to_owned(),
        Err(error) => error.to_string(),
    };
    let name = of_host.name();
    warn(&format!("the host's {name} is older than 8.1 and runs the {processors} processors in one thread: {why}"));
    of_host
}

fn newer(cache: &Cache, machine: &'static Machine, refresh: bool, tell: &dyn Fn(&str)) -> Result<Emulator> {
    let suite = backports(Path::new("/etc"))?;
    let archive = Archive::open(cache, &suite, Machine::host()?.debian)?;
    let choose_newest = || {
        tell(&format!("looking for the newest {} in {suite}", machine.package));
        archive.update()?;
        let all =
            packages(&archive.index()?, |name| name == machine.package || name == FIRMWARE || PARTS.contains(&name));
        choose(&all, machine.package).ok_or_else(|| Error::Archive {
            what: format!("{suite} has no {} with {}", machine.package, PARTS.join(" and ")),
            remedy: "install a QEMU from 8.1 on, or go on without",
        })
    };
    let name = format!("{}-{suite}-{}", machine.package, archive.architecture());
    let unpack = |chosen: &Vec<Package>| archive.unpacked(chosen, tell, |_| Ok(()));
    Emulator::unpacked(machine, &cache.pinned(&name, refresh, choose_newest, unpack)?)
}

/// The newest program of which all parts are there, with them and with the newest firmware.
fn choose(all: &[Package], program: &str) -> Option<Vec<Package>> {
    let find = |name: &str, version: &str| all.iter().find(|one| one.name == name && one.version == version).cloned();
    let newest = |name: &str| {
        let mut found: Vec<&Package> = all.iter().filter(|package| package.name == name).collect();
        found.sort_by(|a, b| order(&b.version, &a.version));
        found
    };
    let whole = newest(program).into_iter().find_map(|program| {
        let parts: Option<Vec<Package>> = PARTS.iter().map(|part| find(part, &program.version)).collect();
        Some(std::iter::once(program.clone()).chain(parts?).collect::<Vec<_>>())
    });
    let firmware = newest(FIRMWARE).into_iter().next().cloned();
    whole.map(|whole| whole.into_iter().chain(firmware).collect())
}

/// The backports of the host's release.
fn backports(etc: &Path) -> Result<String> {
    let release = fs::read_to_string(etc.join("os-release")).unwrap_or_default();
    let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).unwrap_or("");
    match codename.trim_matches('"') {
        "" => Err(Error::usage("this host does not say which release of Debian it is", "install a QEMU from 8.1 on")),
        codename => Ok(format!("{codename}-backports")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package { name: name.into(), version: version.into(), size: 1, sha256: "0".into(), depends: String::new() }
    }

    fn chosen(all: &[(&str, &str)]) -> Option<Vec<String>> {
        let all: Vec<Package> = all.iter().map(|(name, version)| package(name, version)).collect();
        let chosen = choose(&all, "qemu-system-x86")?;
        Some(chosen.iter().map(|package| format!("{} {}", package.name, package.version)).collect())
    }

    #[test]
    fn the_newest_that_is_whole_is_chosen() {
        let all = [
            ("qemu-system-x86", "1:9.2-1"),
            ("qemu-system-x86", "1:10.0-2"),
            ("qemu-system-x86", "1:10.1-1"),
            ("qemu-system-common", "1:9.2-1"),
            ("qemu-system-common", "1:10.0-2"),
            ("qemu-system-data", "1:9.2-1"),
            ("qemu-system-data", "1:10.0-2"),
            ("qemu-system-data", "1:10.1-1"),
            ("seabios", "1.16.3-1"),
            ("seabios", "1.16.3-2"),
        ];
        let expected = [
            "qemu-system-x86 1:10.0-2",
            "qemu-system-common 1:10.0-2",
            "qemu-system-data 1:10.0-2",
            "seabios 1.16.3-2",
        ];
        assert_eq!(chosen(&all).unwrap(), expected);
    }

    #[test]
    fn firmware_may_be_missing_and_parts_may_not() {
        let all =
            [("qemu-system-x86", "1:10.0-2"), ("qemu-system-common", "1:10.0-2"), ("qemu-system-data", "1:10.0-2")];
        assert_eq!(chosen(&all).unwrap().len(), 3);
        assert_eq!(chosen(&all[..2]), None);
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn the_host_s_own_is_taken_where_it_is_as_good_or_there_is_no_other() {
        let said = std::cell::RefCell::new(Vec::new());
        let taken = |races, processors, newer: Result<bool>| {
            let newer = || newer.map(Emulator::imagined);
            let warn = |what: &str| said.borrow_mut().push(what.to_owned());
            one_for(Emulator::imagined(races), processors, newer, &warn).races()
        };
        let none = || Err(Error::usage("no network", "plug it in"));
        assert!(taken(true, 1, none()) && !taken(false, 2, none()) && !taken(true, 2, Ok(false)));
        assert_eq!(said.take(), Vec::<String>::new());
        assert!(taken(true, 2, none()) && taken(true, 2, Ok(true)));
        let said = said.take();
        assert!(said[0].contains("in one thread: no network\n  plug it in"), "{said:?}");
        assert!(said[1].contains("one thread: the one of Debian's backports is, too"), "{said:?}");
    }

    #[test]
    fn the_suite_is_that_of_the_host_s_release() {
        let etc = tempfile::tempdir().unwrap();
        assert!(backports(etc.path()).unwrap_err().to_string().contains("which release of Debian"));
        fs::write(etc.path().join("os-release"), "ID=debian\nVERSION_CODENAME=bookworm\n").unwrap();
        assert_eq!(backports(etc.path()).unwrap(), "bookworm-backports");
    }
}
