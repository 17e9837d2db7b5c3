//! The kernel's source as Debian packs it: one archive in a package.

use std::fs;
use std::path::PathBuf;

use crate::debian::archive::Archive;
use crate::debian::index::Package;
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
