//! The programs of a board other than `prime-cts`: one static busybox.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::Cache;
use crate::command;
use crate::debian::archive::Archive;
use crate::debian::index::packages;
use crate::error::{Error, Result};
use crate::image::initramfs::Initramfs;
use crate::machine::architecture::Machine;

const PACKAGE: &str = "busybox-static";
/// Where another architecture's comes from; any release does.
const SUITE: &str = "bookworm";
/// The host's own, which the launcher has made sure of.
const OWN: &str = "/bin/busybox";

/// The busybox for a machine.
///
/// # Errors
/// Those of downloads.
pub fn busybox(cache: &Cache, machine: &Machine, refresh: bool, tell: &dyn Fn(&str)) -> Result<PathBuf> {
    if machine.is_host() {
        return Ok(OWN.into());
    }
    let archive = Archive::open(cache, SUITE, machine.debian)?;
    let choose = || {
        tell(&format!("looking for {PACKAGE} for {}", machine.name));
        archive.update()?;
        let found = packages(&archive.index()?, |name| name == PACKAGE);
        found.into_iter().max_by(|a, b| crate::debian::kernel::order(&a.version, &b.version)).ok_or_else(|| {
            Error::Archive {
                what: format!("{SUITE} has no {PACKAGE} for {}", machine.debian),
                remedy: "teach ci/emulator/src/busybox.rs another suite",
            }
        })
    };
    let name = format!("busybox-{}", machine.debian);
    let tree = cache
        .pinned(&name, refresh, choose, |package| archive.unpacked(std::slice::from_ref(package), tell, |_| Ok(())))?;
    let places = ["bin/busybox", "usr/bin/busybox"].map(|place| tree.join(place));
    places.into_iter().find(|place| place.is_file()).ok_or_else(|| Error::Archive {
        what: format!("{PACKAGE} for {} holds no busybox", machine.debian),
        remedy: "teach ci/emulator/src/busybox.rs where it is",
    })
}

/// Puts it into an image, with a link for each of its programs: those of the host's, of the same kind.
///
/// # Errors
/// When a file cannot be read.
pub fn install(initramfs: &mut Initramfs, busybox: &Path) -> Result<()> {
    let list = command::output(Command::new(OWN).arg("--list"), "list the programs in it", PACKAGE)?;
    initramfs.copy("bin/busybox", 0o755, busybox)?;
    for name in String::from_utf8_lossy(&list).lines().filter(|name| *name != "busybox") {
        initramfs.link(&format!("bin/{name}"), "busybox");
    }
    // The kernel calls it by this path when it wants a module.
    initramfs.link("sbin/modprobe", "../bin/busybox");
    Ok(())
}
