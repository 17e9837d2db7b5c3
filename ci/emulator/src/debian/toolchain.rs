//! The compiler of a kernel that the host is too old or too new for: Debian's packages, unpacked in the cache and not
//! installed. Every program there is made to run by itself, with the C library that came along: what a newer Debian
//! has compiled does not start with an older one's. That needs neither root nor a namespace, as a chroot would.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cache::{Cache, key};
use crate::command;
use crate::debian::archive::{Archive, content_key};
use crate::debian::index::Package;
use crate::error::{Error, Result};
use crate::image::program;

/// A compiler with all that it runs, and the libraries of the programs in a kernel's headers.
#[derive(Debug)]
pub struct Toolchain {
    folder: PathBuf,
    key: String,
}

impl Toolchain {
    /// The one that a kernel's headers want, out of the cache or the archive; nothing when the host has it.
    ///
    /// # Errors
    /// Those of downloads, of unpacking and of patchelf.
    pub fn of(cache: &Cache, archive: &Archive<'_>, headers: &[Package], tell: &dyn Fn(&str)) -> Result<Option<Self>> {
        let wanted = compiler(headers).filter(|name| !starts(name));
        wanted.map(|name| Self::fetch(cache, &archive.base()?, &name, headers, tell)).transpose()
    }

    fn fetch(
        cache: &Cache,
        archive: &Archive<'_>,
        compiler: &str,
        headers: &[Package],
        tell: &dyn Fn(&str),
    ) -> Result<Self> {
        let mut names = vec![compiler.to_owned(), "binutils".to_owned()];
        names.extend(libraries(headers));
        let choose = || {
            tell(&format!("looking for {compiler} in {}", archive.suite()));
            archive.update()?;
            archive.with_dependencies(&names)
        };
        let pin = format!("toolchain-{}-{}-{}", archive.suite(), archive.architecture(), &key(&names)[..16]);
        cache.pinned(&pin, false, choose, |packages: &Vec<Package>| {
            let key = content_key(packages);
            let toolchain = Self { folder: cache.folder().join("toolchains").join(&key), key: key.clone() };
            archive.unpacked_as("toolchains", &key, packages, tell, |tree| toolchain.adopt_from(tree, tree))?;
            Ok(toolchain)
        })
    }

    /// Returns what distinguishes it from another one.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Makes every program below a folder run with the libraries of this toolchain.
    ///
    /// # Errors
    /// Those of patchelf.
    pub fn adopt(&self, folder: &Path) -> Result<()> {
        self.adopt_from(&self.folder, folder)
    }

    /// The tree is at `tree` now, and in its own place when the programs are started.
    fn adopt_from(&self, tree: &Path, folder: &Path) -> Result<()> {
        let (loader, libraries) = loader(tree)?;
        let place = |path: &Path| self.folder.join(path.strip_prefix(tree).unwrap_or(path));
        let programs = programs(folder)?;
        if programs.is_empty() {
            return Ok(());
        }
        let mut patchelf = Command::new("patchelf");
        patchelf.arg("--set-interpreter").arg(place(&loader));
        // As an RPATH: it is also for what the libraries load, and goes before LD_LIBRARY_PATH.
        let libraries: Vec<OsString> = libraries.iter().map(|folder| place(folder).into_os_string()).collect();
        patchelf.arg("--force-rpath").arg("--set-rpath").arg(libraries.join(":".as_ref()));
        let purpose = format!("make the programs in {} run with their own libraries", folder.display());
        command::output(patchelf.args(programs), &purpose, "patchelf").map(drop)
    }

    /// A search path with its programs before the host's.
    pub fn path(&self, host: Option<OsString>) -> OsString {
        let mut path = self.folder.join("usr/bin").into_os_string();
        if let Some(host) = host {
            path.push(":");
            path.push(host);
        }
        path
    }
}

/// The compiler that the headers' package depends on, as kbuild calls it: `gcc-12`, in older ones through
/// `linux-compiler-gcc-12-x86`, in newer ones through `gcc-14-for-host`.
fn compiler(headers: &[Package]) -> Option<String> {
    let words = headers.iter().flat_map(|package| package.depends.split([',', ' ', '|', '\n', ':']));
    let version = |word: &str| {
        let number = match word.strip_prefix("linux-compiler-") {
            Some(word) => word.strip_prefix("gcc-")?.rsplit_once('-')?.0,
            None => word.strip_suffix("-for-host").unwrap_or(word).strip_prefix("gcc-")?,
        };
        number.parse::<u32>().ok()
    };
    words.filter_map(version).next().map(|version| format!("gcc-{version}"))
}

/// The libraries that kbuild's programs depend on: the headers come with modpost and objtool, compiled.
fn libraries(headers: &[Package]) -> impl Iterator<Item = String> {
    let kbuild = headers.iter().filter(|package| package.name.starts_with("linux-kbuild-"));
    let names = kbuild.flat_map(|package| package.depends.split(',').filter_map(|one| one.split_whitespace().next()));
    names.filter(|name| name.starts_with("lib") || name.starts_with("zlib")).map(str::to_owned)
}

fn starts(compiler: &str) -> bool {
    let mut version = Command::new(compiler);
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// The dynamic loader in a tree of packages, and the folders with libraries.
fn loader(tree: &Path) -> Result<(PathBuf, Vec<PathBuf>)> {
    let shelves = ["usr/lib", "lib"].map(|shelf| tree.join(shelf));
    let entries = shelves.iter().filter_map(|shelf| fs::read_dir(shelf).ok()).flatten().flatten();
    let is_triplet = |path: &PathBuf| path.to_string_lossy().contains("-linux-gnu") && path.is_dir();
    let folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_triplet).collect();
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let is_loader = |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("ld-linux"));
    match files.map(|entry| entry.path()).find(is_loader) {
        Some(loader) => Ok((loader, folders)),
        None => Err(Error::Archive {
            what: format!("the packages in {} hold no dynamic loader", tree.display()),
            remedy: "Debian may have moved it: teach ci/emulator/src/toolchain.rs",
        }),
    }
}

/// The programs below a folder that ask for a dynamic loader.
fn programs(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut programs = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::file("read", folder))? {
        let entry = entry.map_err(Error::file("read", folder))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(Error::file("read", folder))?);
        if kind.is_dir() {
            programs.extend(self::programs(&path)?);
        } else if kind.is_file() {
            let content = fs::read(&path).map_err(Error::file("read", &path))?;
            programs.extend((program::interpreter(&content) == Some(true)).then_some(path));
        }
    }
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, depends: &str) -> Package {
        let (version, sha256) = ("1".to_owned(), "aa".to_owned());
        Package { name: name.into(), version, size: 1, sha256, depends: depends.into() }
    }

    #[test]
    fn the_compiler_is_read_from_the_headers() {
        let of = |depends: &str| compiler(&[package("linux-headers-7", depends)]);
        assert_eq!(of(""), None);
        assert_eq!(of("linux-base (>= 4.12~), linux-kbuild-6.12, gcc-12").as_deref(), Some("gcc-12"));
        assert_eq!(of("linux-kbuild-6.1, linux-compiler-gcc-12-x86 (>= 6.1.8-1)").as_deref(), Some("gcc-12"));
        assert_eq!(of("gcc-14-for-host, linux-base (>= 4.12~)").as_deref(), Some("gcc-14"));
        assert_eq!(of("gcc-x, gcc-13-plugin-dev, gcc-14:any, x").as_deref(), Some("gcc-14"));
    }

    #[test]
    fn the_libraries_are_those_of_the_programs_in_the_headers() {
        let kbuild = package("linux-kbuild-7", "pahole, libc6 (>= 2.38), libelf1t64 (>= 0.144), zlib1g (>= 1:1)");
        let headers = [package("linux-headers-7", "libno"), kbuild];
        assert_eq!(libraries(&headers).collect::<Vec<_>>(), ["libc6", "libelf1t64", "zlib1g"]);
    }

    #[test]
    fn a_compiler_that_starts_is_on_the_host() {
        assert!(starts("true") && !starts("gcc-0"));
    }

    #[test]
    fn a_tree_without_a_loader_is_refused() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("usr/lib/x86_64-linux-gnu")).unwrap();
        let error = loader(tree.path()).unwrap_err().to_string();
        assert!(error.contains("no dynamic loader") && error.contains("toolchain.rs"), "{error}");
    }

    /// The test itself is the program: a copy of it is given the loader of a tree that is not there yet.
    #[test]
    fn programs_are_given_the_loader_of_the_place_where_the_tree_will_be() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, place) = (folder.path().join("unfinished"), folder.path().join("place"));
        let libraries = tree.join("usr/lib/x86_64-linux-gnu");
        fs::create_dir_all(&libraries).unwrap();
        fs::write(libraries.join("ld-linux-x86-64.so.2"), "").unwrap();
        fs::create_dir_all(tree.join("usr/bin")).unwrap();
        let program = tree.join("usr/bin/program");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        fs::write(tree.join("usr/bin/script"), "#!/bin/sh\n").unwrap();
        let toolchain = Toolchain { folder: place.clone(), key: "k".to_owned() };
        toolchain.adopt_from(&tree, &tree).unwrap();
        let say = |option: &str| {
            let said = Command::new("patchelf").arg(option).arg(&program).output().unwrap().stdout;
            PathBuf::from(String::from_utf8(said).unwrap().trim())
        };
        assert_eq!(say("--print-interpreter"), place.join("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"));
        assert_eq!(say("--print-rpath"), place.join("usr/lib/x86_64-linux-gnu"));
        assert_eq!(fs::read(tree.join("usr/bin/script")).unwrap(), b"#!/bin/sh\n");
        let path = toolchain.path(Some("/bin".into())).into_string().unwrap();
        assert_eq!(path, format!("{}/usr/bin:/bin", place.display()));
    }
}
