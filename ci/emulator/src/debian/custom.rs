//! A kernel of our own, of Debian's source and a small configuration: what Debian's own kernels lack.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use spec::board::{Configuration, Emulate};

use crate::cache::{Cache, key};
use crate::command;
use crate::debian::archive::Archive;
use crate::debian::drivers::{self, Headers};
use crate::debian::index::{Package, packages};
use crate::debian::kernel::{Kernel, order};
use crate::debian::kernel_source;
use crate::error::{Error, Result};
use crate::machine::architecture::Machine;

/// The version of a folder's content in the cache.
const FORM: &str = "3";
/// The folder of it with what modules are built against.
const HEADERS: &str = "headers";
/// Where the files that a board file names are.
pub const FOLDER: &str = "fixtures/kernels";

/// The kernel, out of the cache or built.
///
/// # Errors
/// Those of downloads and of the compiler; a configuration that the kernel does not take as it stands.
pub fn kernel(
    root: &Path,
    cache: &Cache,
    emulate: &Emulate,
    configuration: &Configuration,
    machine: &'static Machine,
    refresh: bool,
    tell: &dyn Fn(&str),
) -> Result<(Kernel, Vec<PathBuf>)> {
    let (wanted, builds) = (&emulate.kernel, &emulate.build);
    // The source is the same for all architectures; that of the host is sure to be in the lists.
    let archive = Archive::open(cache, &wanted.suite, Machine::host()?.debian)?;
    let name = format!("source-{}-{}", wanted.suite, wanted.release.trim_end_matches('.'));
    let choose = || {
        tell(&format!("looking for the source of {} in {}", wanted.release, wanted.suite));
        archive.update()?;
        newest(&archive.index()?, &wanted.release).ok_or_else(|| Error::Archive {
            what: format!("{} has no source of {}*", wanted.suite, wanted.release),
            remedy: "change `emulate.kernel` in the board file to a suite and release that Debian has",
        })
    };
    let settings = settings(root, configuration)?;
    let compiler = command::output(
        Command::new(machine.linker()).arg("-dumpfullversion"),
        "build a kernel",
        machine.cross_package,
    )?;
    let with_headers = !builds.is_empty();
    cache.pinned(&name, refresh, choose, |source| {
        let key = key([
            FORM.as_bytes(),
            source.sha256.as_bytes(),
            machine.name.as_bytes(),
            &compiler,
            settings.as_bytes(),
            configuration.device_tree.as_deref().unwrap_or("").as_bytes(),
            if with_headers { HEADERS.as_bytes() } else { b"" },
        ]);
        let place = cache.entry("kernels", &key, |content| {
            let tar = kernel_source::tarball(&archive, source, tell)?;
            build(&Build { cache, tar: &tar, settings: &settings, configuration, with_headers, machine, tell }, content)
        })?;
        let kernel = built(&place)?;
        let headers = Headers { key: &key, folder: place.join(HEADERS), machine };
        Ok((kernel, drivers::build_own(root, cache, &headers, builds, tell)?))
    })
}

/// The newest `linux-source-X.Y` whose version begins so.
fn newest(index: &str, release: &str) -> Option<Package> {
    let series: Vec<&str> = release.split('.').take(2).collect();
    let name = format!("linux-source-{}", series.join("."));
    let found = packages(index, |package| package == name).into_iter();
    found.filter(|package| package.version.starts_with(release)).max_by(|a, b| order(&a.version, &b.version))
}

/// Returns the content of the board file's `settings`.
fn settings(root: &Path, configuration: &Configuration) -> Result<String> {
    let read = |name: &String| {
        let path = root.join(FOLDER).join(format!("{name}.config"));
        fs::read_to_string(&path).map_err(Error::file("read", &path))
    };
    configuration.settings.iter().map(read).collect()
}

struct Build<'a> {
    cache: &'a Cache,
    tar: &'a Path,
    settings: &'a str,
    configuration: &'a Configuration,
    with_headers: bool,
    machine: &'static Machine,
    tell: &'a dyn Fn(&str),
}

/// The kernel's own script for what external modules need; Debian's and Arch's packages are made with it.
const EXTMOD_BUILD: &str = "scripts/package/install-extmod-build";

/// Parts of the source that no board of ours needs, and that take as much room as all the rest.
const LEFT_OUT: [&str; 2] = ["*/drivers/gpu/drm/amd/*.[ch]", "*/tools/testing/selftests/*"];

fn build(build: &Build<'_>, content: &Path) -> Result<()> {
    let Build { cache, tar, settings: wanted, machine, tell, .. } = build;
    tell("unpacking the kernel's source");
    let work = cache.scratch()?;
    let mut unpack = Command::new("tar");
    unpack.arg("-xJf").arg(tar).arg("-C").arg(work.path()).arg("--strip-components=1");
    unpack.args(LEFT_OUT.map(|pattern| format!("--exclude={pattern}")));
    command::output(&mut unpack, "unpack the kernel's source", "xz-utils")?;
    let settings = work.path().join("settings.config");
    fs::write(&settings, wanted).map_err(Error::file("write", &settings))?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let make = |goals: &[&str]| {
        let mut make = Command::new("make");
        make.arg("-s")
            .arg("-C")
            .arg(work.path())
            .arg(format!("-j{jobs}"))
            .arg(format!("ARCH={}", machine.kernel_architecture));
        make.arg(format!("CROSS_COMPILE={}-", machine.gcc)).env("KCONFIG_ALLCONFIG", &settings);
        // Names and times of this host have no place in the kernel.
        make.env("KBUILD_BUILD_USER", "prime-cts")
            .env("KBUILD_BUILD_HOST", "board")
            .env("KBUILD_BUILD_TIMESTAMP", "1970-01-01");
        make.args(goals);
        command::output(
            &mut make,
            &format!("build the kernel ({})", goals.join(" ")),
            "flex bison bc libelf-dev libssl-dev",
        )
    };
    make(&["allnoconfig"])?;
    let config = work.path().join(".config");
    let text = fs::read_to_string(&config).map_err(Error::file("read", &config))?;
    let lost = lost(wanted, &text);
    if !lost.is_empty() {
        let what = format!("the kernel's configuration has not become as it was asked for: {}", lost.join(", "));
        let remedy = format!("add what they depend on to the files in {FOLDER}, or leave them out");
        return Err(Error::usage(what, remedy));
    }
    // Before the minutes of compiling: a fault in it is to be heard of at once.
    device_tree(build, work.path(), &make, content)?;
    tell("building the kernel; this takes minutes, once");
    let release = make(&["kernelrelease"])?;
    let release = String::from_utf8_lossy(&release).trim().to_owned();
    let image = machine.kernel_image.rsplit('/').next().unwrap_or_default();
    make(&[image, "modules"])?;
    make(&[&format!("INSTALL_MOD_PATH={}", content.display()), "modules_install"])?;
    // It leads to a folder that is gone soon.
    let _ = fs::remove_file(content.join("lib/modules").join(&release).join("build"));
    let keep =
        |from: &Path, name: &str| fs::copy(from, content.join(name)).map(drop).map_err(Error::file("copy", from));
    keep(&work.path().join(machine.kernel_image), "image")?;
    keep(&config, &format!("config-{release}"))?;
    if build.with_headers {
        let into = content.join(HEADERS);
        make(&["run-command", &format!("KBUILD_RUN_COMMAND=$(srctree)/{EXTMOD_BUILD} {}", into.display())])?;
    }
    Ok(())
}

/// The board's device tree, as the kernel has it.
fn device_tree(
    build: &Build<'_>,
    work: &Path,
    make: &dyn Fn(&[&str]) -> Result<Vec<u8>>,
    content: &Path,
) -> Result<()> {
    let Some(tree) = &build.configuration.device_tree else { return Ok(()) };
    let (tree, board) = (tree.replace(".dts", ".dtb"), content.join("board.dtb"));
    // With symbols, so that an overlay can name nodes by their labels.
    make(&["DTC_FLAGS=-@", &tree])?;
    let base = work.join(format!("arch/{}/boot/dts", build.machine.kernel_architecture)).join(&tree);
    fs::copy(&base, &board).map(drop).map_err(Error::file("copy", &base))
}

/// The settings that a configuration has not.
fn lost<'a>(settings: &'a str, config: &str) -> Vec<&'a str> {
    let has: std::collections::HashSet<&str> = config.lines().collect();
    let wanted = settings.lines().filter(|line| line.starts_with("CONFIG_"));
    wanted.filter(|line| !has.contains(line)).collect()
}

/// The content of a folder of the cache.
fn built(place: &Path) -> Result<Kernel> {
    let entries = fs::read_dir(place).map_err(Error::file("read", place))?.flatten();
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let release = names.iter().find_map(|name| name.strip_prefix("config-")).map(str::to_owned);
    let device_tree = names.contains(&"board.dtb".to_owned()).then(|| place.join("board.dtb"));
    let modules =
        release.as_ref().map(|release| place.join("lib/modules").join(release)).filter(|folder| folder.is_dir());
    Ok(Kernel { image: place.join("image"), modules, release, device_tree })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_did_not_stick_is_named() {
        let config = "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_N=4\n";
        assert_eq!(lost("# why\nCONFIG_A=y\nCONFIG_N=4\n", config), Vec::<&str>::new());
        assert_eq!(lost("CONFIG_A=y\nCONFIG_B=y\nCONFIG_N=8\n", config), ["CONFIG_B=y", "CONFIG_N=8"]);
    }

    #[test]
    fn the_newest_source_of_a_series_is_taken() {
        let stanza =
            |name: &str, version: &str| format!("Package: {name}\nVersion: {version}\nSize: 1\nSHA256: {version}\n\n");
        let index =
            [("linux-source-6.1", "6.1.9-1"), ("linux-source-6.12", "6.12.9-1"), ("linux-source-6.12", "6.12.17-1")]
                .map(|(name, version)| stanza(name, version))
                .concat();
        assert_eq!(newest(&index, "6.12.").unwrap().version, "6.12.17-1");
        assert_eq!(newest(&index, "6.1.").unwrap().version, "6.1.9-1");
        assert!(newest(&index, "7.3.").is_none());
    }

    #[test]
    fn every_file_that_a_board_names_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        for path in crate::board::files(root).unwrap() {
            let board = spec::board::Board::parse(&path, &fs::read_to_string(&path).unwrap()).unwrap();
            let Some(emulate) = board.emulate else { continue };
            if let Some(configuration) = &emulate.kernel.configuration {
                assert!(!settings(root, configuration).unwrap().is_empty(), "{}", path.display());
            }
            let overlay = emulate.qemu.overlay.map(|name| root.join(FOLDER).join(format!("{name}.dtso")));
            assert!(overlay.is_none_or(|overlay| overlay.is_file()), "{}", path.display());
        }
    }
}
