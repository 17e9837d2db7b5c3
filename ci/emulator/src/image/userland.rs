//! Libraries for the features that a static `prime-cts` cannot have: Debian's packages, unpacked and not
//! installed. The board mounts them from the host, read-only: Mesa by itself is larger than the rest of a board.

use std::path::PathBuf;

use spec::board::Userland;

use crate::cache::{Cache, key};
use crate::debian::archive::Archive;
use crate::error::Result;
use crate::machine::architecture::Machine;

/// The folder with the packages' content.
///
/// # Errors
/// Those of downloads and unpacking.
pub fn userland(
    cache: &Cache,
    userland: &Userland,
    machine: &Machine,
    refresh: bool,
    tell: &dyn Fn(&str),
) -> Result<PathBuf> {
    let archive = Archive::open(cache, &userland.suite, machine.debian)?;
    let name = format!("userland-{}-{}-{}", userland.suite, machine.debian, &key(&userland.packages)[..16]);
    let choose = || {
        tell(&format!("looking for {} in {}", userland.packages.join(", "), userland.suite));
        archive.update()?;
        archive.with_dependencies(&userland.packages)
    };
    cache.pinned(&name, refresh, choose, |packages| archive.unpacked(packages, tell, |_| Ok(())))
}
