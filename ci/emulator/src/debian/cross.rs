//! A Rust compiler for another architecture: the host's own where it has the target, else Debian's.
//!
//! rustup has the targets where its server can be reached. Debian has `rustc-web`, the compiler that its browsers are built
//! with, for every release that still gets security updates, and its standard library for every architecture. They are
//! unpacked into the cache, and nothing is installed. Libraries of one version fit compilers of that version, whatever
//! the architecture and the release of Debian.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::cache::{Cache, key};
use crate::command;
use crate::debian::archive::{Archive, content_key};
use crate::debian::index::{Package, packages};
use crate::debian::kernel::order;
use crate::error::{Error, Result};
use crate::machine::architecture::Machine;

/// Where Debian's compiler comes from: it runs on newer releases too.
const COMPILER_SUITE: &str = "bookworm-security";
/// Where the standard library of the same version is looked for. The lists of one may lag behind another's.
const LIBRARY_SUITES: [&str; 3] = ["bookworm-security", "trixie-security", "trixie"];

/// The variables with which cargo builds for a machine that is not the host.
#[derive(Debug)]
pub struct Cross {
    /// The compiler; the host's own without one.
    rustc: Option<PathBuf>,
    /// The machine.
    machine: &'static Machine,
}

/// The packages of Debian's compiler and of the other architecture's standard library.
#[derive(Debug, Serialize, Deserialize)]
struct Choice {
    compiler: Vec<Package>,
    suite: String,
    library: Vec<Package>,
}

impl Cross {
    /// Fetches what is needed in addition to the host's cargo; nothing for the host's own architecture.
    ///
    /// # Errors
    /// Without a C compiler for the machine, and those of downloads.
    pub fn of(cache: &Cache, machine: &'static Machine, refresh: bool, tell: &dyn Fn(&str)) -> Result<Option<Self>> {
        if machine.is_host() {
            return Ok(None);
        }
        let purpose = format!("link programs for {}", machine.name);
        command::output(Command::new(machine.linker()).arg("--version"), &purpose, machine.cross_package)?;
        if has_target(machine.target) {
            return Ok(Some(Self { rustc: None, machine }));
        }
        let name = format!("rust-{}", machine.debian);
        let rustc = cache.pinned(
            &name,
            refresh,
            || choose(cache, machine, tell),
            |choice| {
                let target = Archive::open(cache, &choice.suite, machine.debian)?;
                let compiler = Archive::open(cache, COMPILER_SUITE, Machine::host()?.debian)?;
                let all = [content_key(&choice.compiler), content_key(&choice.library)];
                let place = cache.entry("rust", &key(all), |content| {
                    for (archive, wanted) in [(&compiler, &choice.compiler), (&target, &choice.library)] {
                        let tree = archive.unpacked(wanted, tell, |_| Ok(()))?;
                        let mut copy = Command::new("cp");
                        copy.arg("-al").arg(tree.join(".")).arg(content);
                        command::output(&mut copy, "put the compiler together", "coreutils")?;
                    }
                    wrapper(content)
                })?;
                Ok(place.join("rustc"))
            },
        )?;
        Ok(Some(Self { rustc: Some(rustc), machine }))
    }

    /// Tells cargo about it.
    pub fn apply(&self, cargo: &mut Command) {
        let Machine { target, .. } = self.machine;
        let variable = target.to_uppercase().replace('-', "_");
        cargo.env(format!("CARGO_TARGET_{variable}_LINKER"), self.machine.linker());
        // The headers that bindings are made of are the target's: the host's have no folder for it.
        let headers = format!("-I/usr/{}/include", self.machine.gcc);
        cargo.env(format!("BINDGEN_EXTRA_CLANG_ARGS_{}", target.replace('-', "_")), headers);
        if let Some(rustc) = &self.rustc {
            cargo.env("RUSTC", rustc).env_remove("RUSTUP_TOOLCHAIN");
        }
    }
}

/// Returns whether the host's compiler has the target's standard library, or rustup brings it.
fn has_target(target: &str) -> bool {
    let installed = || {
        let mut rustc = Command::new("rustc");
        let folder =
            command::output(rustc.args(["--print", "target-libdir", "--target", target]), "ask", "rustc").ok()?;
        let folder = PathBuf::from(String::from_utf8_lossy(&folder).trim().to_owned());
        fs::read_dir(folder).ok()?.flatten().find(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
    };
    // A rustup without its server fails, and then Debian's packages are there.
    installed().is_some()
        || (command::output(Command::new("rustup").args(["target", "add", target]), "ask", "rustup").is_ok()
            && installed().is_some())
}

fn choose(cache: &Cache, machine: &Machine, tell: &dyn Fn(&str)) -> Result<Choice> {
    tell(&format!("looking for a Rust compiler for {}", machine.name));
    let missing = |what: &str| Error::Archive {
        what: format!("{COMPILER_SUITE} has no {what}"),
        remedy: "install the target with rustup: rustup target add",
    };
    let host = Archive::open(cache, COMPILER_SUITE, Machine::host()?.debian)?;
    host.update()?;
    let all = packages(&host.index()?, |name| {
        name.starts_with("libstd-rust-web") || name.starts_with("libllvm") || name == "rustc-web"
    });
    let rustc = newest(&all, |package| package.name == "rustc-web").ok_or_else(|| missing("rustc-web"))?;
    let own = newest(&all, |package| package.name == LIBRARY && package.version == rustc.version);
    let mut compiler = vec![rustc.clone(), own.ok_or_else(|| missing(LIBRARY))?];
    // What it is linked with: its own part of the standard library, and LLVM.
    for start in ["libstd-rust-web-1", "libllvm"] {
        let name = compiler.iter().find_map(|package| needed(&package.depends, start)).ok_or_else(|| missing(start))?;
        let found = newest(&all, |package| package.name == name);
        compiler.push(found.ok_or_else(|| missing(&name))?);
    }
    for suite in LIBRARY_SUITES {
        let target = Archive::open(cache, suite, machine.debian)?;
        // A suite without the architecture is not a fault while another has it.
        let Ok(text) = target.update().and_then(|()| target.index()) else { continue };
        let all = packages(&text, |name| name == LIBRARY);
        if let Some(library) = newest(&all, |package| upstream(&package.version) == upstream(&rustc.version)) {
            return Ok(Choice { compiler, suite: suite.to_owned(), library: vec![library] });
        }
    }
    Err(missing(&format!("{LIBRARY} {} for {}", upstream(&rustc.version), machine.debian)))
}

const LIBRARY: &str = "libstd-rust-web-dev";

fn newest(all: &[Package], wanted: impl Fn(&Package) -> bool) -> Option<Package> {
    let found = all.iter().filter(|package| wanted(package));
    found.max_by(|a, b| order(&a.version, &b.version)).cloned()
}

/// The name of a package that another depends on, by how it begins.
fn needed(depends: &str, start: &str) -> Option<String> {
    let names = depends.split([',', '|']).filter_map(|part| part.split_whitespace().next());
    names.map(|name| name.split(':').next().unwrap_or(name)).find(|name| name.starts_with(start)).map(str::to_owned)
}

/// A version without Debian's own part of it.
fn upstream(version: &str) -> &str {
    version.rsplit_once('-').map_or(version, |(upstream, _)| upstream)
}

/// A program that starts the compiler with its own libraries, wherever the folder is.
fn wrapper(folder: &Path) -> Result<()> {
    let path = folder.join("rustc");
    let text = "#!/bin/sh\nroot=$(dirname \"$0\")\nset -- \"$root/usr/bin/rustc\" \"$@\"\nfor folder in \"$root\"/usr/lib/*-linux-gnu*; do\n\t\
        libraries=${libraries:+$libraries:}$folder\ndone\nLD_LIBRARY_PATH=$libraries exec \"$@\"\n";
    fs::write(&path, text).map_err(Error::file("write", &path))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(Error::file("write", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_two_releases_are_one_without_debian_s_part() {
        assert_eq!(upstream("1.96.0+dfsg1-1~deb12u2"), upstream("1.96.0+dfsg1-1~deb13u1+b1"));
        assert_ne!(upstream("1.96.0+dfsg1-1"), upstream("1.95.0+dfsg1-1"));
    }

    #[test]
    fn a_dependency_is_found_by_how_it_begins() {
        let depends =
            "libc6 (>= 2.34), libllvm22 (>= 1:22~), gcc:any | clang, libstd-rust-web-1.96 (= 1.96.0+dfsg1-1~deb12u2)";
        assert_eq!(needed(depends, "libllvm").as_deref(), Some("libllvm22"));
        assert_eq!(needed(depends, "libstd-rust-web-1").as_deref(), Some("libstd-rust-web-1.96"));
        assert_eq!(needed(depends, "clang").as_deref(), Some("clang"));
        assert_eq!(needed(depends, "gcc-"), None);
    }

    #[test]
    fn the_wrapper_hands_over_arguments_and_libraries_from_any_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("a b");
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        fs::create_dir_all(root.join("usr/lib/x86_64-linux-gnu")).unwrap();
        let real = root.join("usr/bin/rustc");
        fs::write(&real, "#!/bin/sh\nprintf '%s|' \"$LD_LIBRARY_PATH\" \"$@\"\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o755)).unwrap();
        wrapper(&root).unwrap();
        let said = command::output(Command::new(root.join("rustc")).args(["-C", "x y"]), "ask", "sh").unwrap();
        let libraries = root.join("usr/lib/x86_64-linux-gnu").display().to_string();
        assert_eq!(String::from_utf8_lossy(&said), format!("{libraries}|-C|x y|"));
    }
}
