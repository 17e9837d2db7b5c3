//! The kernel's source as Debian packs it: one archive in a package.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::cache::{Cache, key};
use crate::command;
use crate::debian::archive::Archive;
use crate::debian::index::{Choice, Package};
use crate::error::{Error, Result};

/// The `linux-source-*.tar.xz` of a package, out of the cache or the archive.
///
/// # Errors
/// Those of downloads, and for a package that holds none.
pub fn tarball(archive: &Archive<'_>, source: &Package, tell: &dyn Fn(&str)) -> Result<PathBuf> {
    let folder = archive.unpacked(std::slice::from_ref(source), tell, |_| Ok(()))?.join("usr/src");
    let entries = fs::read_dir(&folder).map_err(Error::file("read", &folder))?.flatten().map(|entry| entry.path());
    let is_source = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("linux-source-") && name.ends_with(".tar.xz")
    };
    entries.into_iter().find(is_source).ok_or_else(|| Error::Archive {
        what: format!("{} holds no linux-source-*.tar.xz", folder.display()),
        remedy: "Debian may have changed its source packages: teach ci/emulator/src/source.rs",
    })
}

/// These paths of a kernel's source, unpacked in one folder of the cache: it takes a while to get at them, the whole
/// being more than a gigabyte.
///
/// # Errors
/// Those of downloads and of unpacking, and for a kernel without source.
pub fn paths<'a>(
    cache: &Cache,
    archive: &Archive<'_>,
    choice: &Choice,
    paths: impl Iterator<Item = &'a str>,
    tell: &dyn Fn(&str),
) -> Result<PathBuf> {
    let paths = tops(paths);
    let parts = choice.source.iter().map(|package| package.sha256.as_str()).chain(paths.iter().copied());
    cache.entry("sources", &key(parts), |content| {
        let package = choice.source.as_ref().ok_or_else(|| Error::Archive {
            what: format!("{} has no source of {}", archive.suite(), choice.release),
            remedy: "change `emulate.kernel` in the board file to a suite and release that Debian has",
        })?;
        let tar = tarball(archive, package, tell)?;
        tell("unpacking the kernel's source");
        let top = tar.file_name().unwrap_or_default().to_string_lossy().replace(".tar.xz", "");
        let mut command = Command::new("tar");
        // A path may have a '*', which stands for anything but a '/'.
        command.arg("-xJf").arg(&tar).arg("-C").arg(content).args(["--strip-components=1", "--wildcards"]);
        command.arg("--no-wildcards-match-slash");
        command.args(paths.iter().map(|path| format!("{top}/{path}")));
        command::output(&mut command, "unpack the kernel's source", "xz-utils").map(drop)
    })
}

/// Paths without those that lie below another one: tar finds nothing left for them.
fn tops<'a>(paths: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let all: BTreeSet<&str> = paths.map(|path| path.trim_end_matches('/')).collect();
    let below = |path: &str| all.iter().any(|top| path.strip_prefix(top).is_some_and(|rest| rest.starts_with('/')));
    all.iter().copied().filter(|path| !below(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_another_is_not_unpacked_twice() {
        let paths = tops(["a/b/c.c", "a/b/", "a/b-c", "d"].into_iter());
        assert_eq!(paths.into_iter().collect::<Vec<_>>(), ["a/b", "a/b-c", "d"]);
    }
}
