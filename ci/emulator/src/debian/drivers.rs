//! Drivers that Debian's kernel lacks, built against its own headers: from its own source, or from this repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use spec::board::{Build, Change};

use crate::cache::{Cache, key};
use crate::command;
use crate::debian::archive::{Archive, content_key};
use crate::debian::index::Choice;
use crate::debian::kernel_source;
use crate::debian::toolchain::Toolchain;
use crate::error::{Error, Result};
use crate::machine::architecture::Machine;

/// The headers of a kernel of our own, for modules.
#[derive(Debug)]
pub struct Headers<'a> {
    /// The kernel's key.
    pub key: &'a str,
    /// The folder, as `make -C` takes it.
    pub folder: PathBuf,
    /// The architecture of the kernel.
    pub machine: &'static Machine,
}

/// Builds what the board file asks for, in its order, and gives all modules that came out.
///
/// # Errors
/// Those of downloads, and the compiler's.
pub fn build(
    root: &Path,
    cache: &Cache,
    archive: &Archive<'_>,
    choice: &Choice,
    builds: &[Build],
    tell: &dyn Fn(&str),
) -> Result<Vec<PathBuf>> {
    in_order(root, cache, &told_by(choice), builds, |build, own, symbols, content| {
        let toolchain = Toolchain::of(cache, archive, &choice.headers, tell)?;
        let headers = headers(cache, archive, choice, toolchain.as_ref(), tell)?;
        let source = match own {
            Some(folder) => folder.to_owned(),
            None => source(cache, archive, choice, builds, tell)?,
        };
        tell(&format!("building {} for {}", build.module, choice.release));
        let mut command = Command::new("make");
        if let Some(toolchain) = &toolchain {
            command.env("PATH", toolchain.path(std::env::var_os("PATH")));
        }
        make(build, command, &source, &headers, symbols, content)
    })
}

/// The same for a kernel of our own: the modules of this repository. What the kernel's source has is an option of its
/// configuration.
///
/// # Errors
/// For a driver of the kernel's source; those of the compiler.
pub fn build_own(
    root: &Path,
    cache: &Cache,
    headers: &Headers<'_>,
    builds: &[Build],
    tell: &dyn Fn(&str),
) -> Result<Vec<PathBuf>> {
    in_order(root, cache, &[headers.key], builds, |build, own, symbols, content| {
        let source = own.ok_or_else(|| {
            let what = format!("'{}' is a driver of the kernel's, and the board has a kernel of our own", build.module);
            Error::usage(what, "switch it on in the kernel's configuration, in fixtures/kernels")
        })?;
        tell(&format!("building {}", build.module));
        let mut command = Command::new("make");
        command.arg(format!("ARCH={}", headers.machine.kernel_architecture));
        command.arg(format!("CROSS_COMPILE={}-", headers.machine.gcc));
        make(build, command, source, &headers.folder, symbols, content)
    })
}

/// Goes through the list, each driver with the symbols of those that it needs, and gives all modules.
fn in_order(
    root: &Path,
    cache: &Cache,
    kernel: &[&str],
    builds: &[Build],
    make: impl Fn(&Build, Option<&Path>, &[PathBuf], &Path) -> Result<()>,
) -> Result<Vec<PathBuf>> {
    let mut built: Vec<(&str, String, PathBuf)> = Vec::new();
    for build in builds {
        let needs = build.needs.iter().map(|need| {
            built.iter().find(|(name, ..)| name == need).ok_or_else(|| {
                let what =
                    format!("the board file builds '{}' with '{need}', which is not built before it", build.module);
                Error::usage(what, "put it further up in `emulate.build`")
            })
        });
        let needs: Vec<_> = needs.collect::<Result<_>>()?;
        let own = build.repository.as_ref().map(|folder| root.join(folder));
        let content = own.as_deref().map(content_of).transpose()?;
        let name = name(kernel, build, needs.iter().map(|(_, key, _)| key.as_str()).chain(content.as_deref()));
        let symbols: Vec<PathBuf> = needs.iter().map(|(.., folder)| folder.join("Module.symvers")).collect();
        let folder = cache.entry("drivers", &name, |content| make(build, own.as_deref(), &symbols, content))?;
        built.push((&build.module, name, folder));
    }
    let mut modules = Vec::new();
    for (.., folder) in &built {
        let files = fs::read_dir(folder).map_err(Error::file("read", folder))?.flatten().map(|entry| entry.path());
        modules.extend(files.filter(|file| file.extension().is_some_and(|extension| extension == "ko")));
    }
    Ok(modules)
}

/// Returns the digest of a folder of the repository.
fn content_of(folder: &Path) -> Result<String> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::file("read", &folder))? {
            let path = entry.map_err(Error::file("read", &folder))?.path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut parts = Vec::new();
    for file in files {
        let place = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().into_owned();
        parts.push(place.into_bytes());
        parts.push(fs::read(&file).map_err(Error::file("read", &file))?);
    }
    Ok(key(parts))
}

/// Returns what distinguishes one of Debian's kernels from another.
fn told_by(choice: &Choice) -> Vec<&str> {
    let packages = choice.headers.iter().chain(&choice.source).map(|package| package.sha256.as_str());
    std::iter::once(choice.release.as_str()).chain(packages).collect()
}

/// Everything that the built module depends on: what identifies the kernel, its entry in the board file, and `needs`,
/// the keys of what it is built with and of its own source.
fn name<'a>(kernel: &[&'a str], build: &'a Build, needs: impl Iterator<Item = &'a str>) -> String {
    let (release, packages) = kernel.split_first().expect("a kernel is identified by something");
    let parts = [*release, &build.folder, build.kbuild.as_deref().unwrap_or("")];
    let lists = build.source.iter().chain(&build.config).map(String::as_str);
    let changes = build.changes.iter().flat_map(|change| [&*change.file, &*change.from, &*change.to]);
    let lists = lists.chain(changes);
    key(parts.into_iter().chain(packages.iter().copied()).chain(lists).chain(needs))
}

/// The headers as a folder that kbuild takes, wherever the cache is. With a toolchain, the programs in them run with its
/// libraries; that is then another tree than the one for the host's compiler.
fn headers(
    cache: &Cache,
    archive: &Archive<'_>,
    choice: &Choice,
    toolchain: Option<&Toolchain>,
    tell: &dyn Fn(&str),
) -> Result<PathBuf> {
    let content = content_key(&choice.headers);
    let (kind, name) = match toolchain {
        Some(toolchain) => ("headers", key([&content, toolchain.key()])),
        None => ("packages", content),
    };
    let place = cache.folder().join(kind).join(&name);
    let own = |root: &Path| root.join("usr/src").join(format!("linux-headers-{}", choice.release));
    let tree = archive.unpacked_as(kind, &name, &choice.headers, tell, |tree| {
        // The one path in it that takes the package for installed; it must name the place where the tree will be.
        let makefile = own(tree).join("Makefile");
        let text = fs::read_to_string(&makefile).map_err(Error::file("read", &makefile))?;
        let text = text.replace("/usr/src/", &format!("{}/usr/src/", place.display()));
        fs::write(&makefile, text).map_err(Error::file("write", &makefile))?;
        toolchain.map_or(Ok(()), |toolchain| toolchain.adopt(tree))
    })?;
    Ok(own(&tree))
}

/// Builds in a copy of the source and leaves the modules and the symbols that they export in `content`.
fn make(
    build: &Build,
    mut make: Command,
    source: &Path,
    headers: &Path,
    symbols: &[PathBuf],
    content: &Path,
) -> Result<()> {
    let work = tempfile::tempdir().map_err(Error::file("create a folder in", &std::env::temp_dir()))?;
    command::output(
        Command::new("cp").arg("-r").arg(source.join(".")).arg(work.path()),
        "copy the source",
        "coreutils",
    )?;
    for change in &build.changes {
        apply(change, work.path())?;
    }
    let folder = work.path().join(&build.folder);
    if let Some(kbuild) = &build.kbuild {
        fs::write(folder.join("Kbuild"), kbuild).map_err(Error::file("write", &folder.join("Kbuild")))?;
        // Files from elsewhere in the tree are built in the folder itself.
        for path in build.source.iter().map(|path| work.path().join(path)).filter(|path| path.is_file()) {
            let beside = folder.join(path.file_name().unwrap_or_default());
            if beside != path {
                fs::copy(&path, &beside).map_err(Error::file("copy", &path))?;
            }
        }
    }
    let symbols: Vec<String> = symbols.iter().map(|path| path.display().to_string()).collect();
    make.arg("-C").arg(headers).arg(format!("M={}", folder.display())).args(&build.config);
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    // Type information for BPF would need pahole, and no one here asks for it.
    make.arg(format!("-j{jobs}")).arg("CONFIG_DEBUG_INFO_BTF_MODULES=");
    make.arg(format!("KBUILD_EXTRA_SYMBOLS={}", symbols.join(" "))).arg("modules");
    command::output(&mut make, &format!("build the module {}", build.module), "make")?;
    for result in fs::read_dir(&folder).map_err(Error::file("read", &folder))?.flatten().map(|entry| entry.path()) {
        let name = result.file_name().unwrap_or_default();
        if name == "Module.symvers" || result.extension().is_some_and(|extension| extension == "ko") {
            fs::copy(&result, content.join(name)).map_err(Error::file("copy", &result))?;
        }
    }
    Ok(())
}

/// Plants a fault in a copy of the source.
fn apply(change: &Change, top: &Path) -> Result<()> {
    let path = top.join(&change.file);
    let text = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    match text.matches(&change.from).count() {
        1 => fs::write(&path, text.replace(&change.from, &change.to)).map_err(Error::file("write", &path)),
        count => {
            let what =
                format!("{} has {count} times the text that is to be changed: {}", change.file, change.from.trim());
            Err(Error::usage(what, "change `from` in the file of fixtures/changes: it has to be there once"))
        }
    }
}

/// The paths of the kernel's source that the board file lists, unpacked once for all drivers.
fn source(
    cache: &Cache,
    archive: &Archive<'_>,
    choice: &Choice,
    builds: &[Build],
    tell: &dyn Fn(&str),
) -> Result<PathBuf> {
    let paths = builds.iter().flat_map(|build| &build.source).map(String::as_str);
    kernel_source::paths(cache, archive, choice, paths, tell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::debian::index::Package;

    fn choice() -> Choice {
        let package =
            Package { name: "h".into(), version: "1".into(), size: 1, sha256: "aa".into(), depends: String::new() };
        Choice { release: "6.12".into(), image: vec![], headers: vec![package.clone()], source: Some(package) }
    }

    fn vkms() -> Build {
        let text =
            "module: vkms\nsource: [drivers/gpu/drm/vkms]\nfolder: drivers/gpu/drm/vkms\nconfig: [CONFIG_DRM_VKMS=m]\n";
        spec::yaml::parse(Path::new("x.yaml"), text).unwrap()
    }

    #[test]
    fn whatever_goes_into_a_driver_changes_its_key() {
        let key = |change: &dyn Fn(&mut Choice, &mut Build)| {
            let (mut choice, mut build) = (choice(), vkms());
            change(&mut choice, &mut build);
            name(&told_by(&choice), &build, std::iter::empty())
        };
        let plain = key(&|_, _| ());
        assert_eq!(plain, key(&|_, _| ()));
        assert_ne!(plain, key(&|choice, _| choice.release.push('1')));
        assert_ne!(plain, key(&|choice, _| choice.headers[0].sha256.push('1')));
        assert_ne!(plain, key(&|choice, _| choice.source = None));
        assert_ne!(plain, key(&|_, build| build.config.clear()));
        assert_ne!(plain, key(&|_, build| build.kbuild = Some("obj-m := a.o".into())));
        assert_ne!(plain, name(&told_by(&choice()), &vkms(), ["other"].into_iter()));
    }

    #[test]
    fn source_of_our_own_is_known_by_its_content() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("m")).unwrap();
        let write = |file: &str, text: &str| fs::write(root.path().join(file), text).unwrap();
        write("m/main.c", "int a;");
        let first = content_of(root.path()).unwrap();
        assert_eq!(first, content_of(root.path()).unwrap());
        write("m/main.c", "int b;");
        let changed = content_of(root.path()).unwrap();
        assert_ne!(first, changed);
        write("m/new.h", "");
        assert_ne!(changed, content_of(root.path()).unwrap());
        assert!(content_of(&root.path().join("absent")).unwrap_err().to_string().contains("absent"));
    }
}
