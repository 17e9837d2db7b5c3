//! The kernel of a board: one of Debian's, kept in the cache, or the one that someone has just built.

use std::cmp::Ordering;
use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use spec::board::Kernel as Wanted;

use crate::command;
use crate::debian::archive::Archive;
use crate::debian::index::{Choice, choose, packages};
use crate::error::{Error, Result};
use crate::machine::architecture::Machine;

/// A kernel that can be booted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The image that QEMU boots.
    pub image: PathBuf,
    /// Its modules' folder, `.../lib/modules/RELEASE`; absent when there are none.
    pub modules: Option<PathBuf>,
    /// The output of `uname -r`, where that is known without modules.
    pub release: Option<String>,
    /// The machine's device tree, where QEMU makes none.
    pub device_tree: Option<PathBuf>,
}

impl Kernel {
    /// Its release and its configuration, which Debian's packages have next to the image or the modules.
    pub fn config(&self) -> Option<(String, PathBuf)> {
        let of_folder = |folder: &PathBuf| Some(folder.file_name()?.to_string_lossy().into_owned());
        let release = self.release.clone().or_else(|| of_folder(self.modules.as_ref()?))?;
        let beside = self.image.with_file_name(format!("config-{release}"));
        let within = self.modules.as_ref().map(|folder| folder.join("config"));
        let config = std::iter::once(beside).chain(within).find(|path| path.is_file())?;
        Some((release, config))
    }
}

/// Looks for the newest kernel that a board wants. `build` asks for one that drivers can be built against.
///
/// # Errors
/// When the archive cannot be reached or has no such kernel.
pub fn newest(archive: &Archive<'_>, wanted: &Wanted, machine: &Machine, build: bool) -> Result<Choice> {
    archive.update()?;
    let all = packages(&archive.index()?, |name| name.starts_with("linux-"));
    choose(&all, &wanted.release, machine.flavour, build, order).ok_or_else(|| Error::Archive {
        what: format!(
            "{} has no kernel {}* for {}{}",
            wanted.suite,
            wanted.release,
            machine.debian,
            if build { " with headers and source of the same version" } else { "" }
        ),
        remedy: "change `emulate.kernel` in the board file to a suite and release that Debian has",
    })
}

impl Kernel {
    /// A kernel out of the cache or the archive.
    ///
    /// # Errors
    /// Those of downloads, and for packages of a layout that is not known.
    pub fn fetch(archive: &Archive<'_>, choice: &Choice, tell: &dyn Fn(&str)) -> Result<Kernel> {
        let release = &choice.release;
        let tree = archive.unpacked(&choice.image, tell, |tree| {
            // New packages use only /usr/lib; depmod 30 looks below /lib.
            if !tree.join("lib").exists() {
                symlink("usr/lib", tree.join("lib")).map_err(Error::file("create", &tree.join("lib")))?;
            }
            command::output(
                Command::new("depmod").arg("-b").arg(tree).arg(release),
                "index the kernel's modules",
                "kmod",
            )
            .map(drop)
        })?;
        let modules = tree.join("lib/modules").join(release);
        let places = [tree.join(format!("boot/vmlinuz-{release}")), modules.join("vmlinuz")];
        let image = places.into_iter().find(|place| place.is_file()).ok_or_else(|| Error::Archive {
            what: format!("the packages of {release} in {} hold no vmlinuz", tree.display()),
            remedy: "Debian may have changed its kernel packages again: teach ci/emulator/src/kernel.rs",
        })?;
        Ok(Self { image, modules: Some(modules), release: None, device_tree: None })
    }

    /// A kernel given on the command line. `modules` is what `modules_install` wrote, or the folder of one release in it.
    ///
    /// # Errors
    /// When the file is not a kernel, or the modules are of another one.
    pub fn given(image: &Path, modules: Option<&Path>) -> Result<Self> {
        let release = release_of(image)?;
        let modules = modules.map(|folder| modules_of(folder, release.as_deref())).transpose()?;
        Ok(Self { image: image.to_owned(), modules, release: None, device_tree: None })
    }
}

/// Returns the release of a bzImage; a bare vmlinux has none.
fn release_of(image: &Path) -> Result<Option<String>> {
    let remedy = "give the arch/x86/boot/bzImage that the kernel's build made";
    let file = fs::File::open(image)
        .map_err(|error| Error::usage(format!("cannot read the kernel {}: {error}", image.display()), remedy))?;
    let mut head = [0; 0x210];
    let whole = file.read_exact_at(&mut head, 0).is_ok();
    if head.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    if !whole || &head[0x202..0x206] != b"HdrS" {
        let what = format!("{} is not a kernel: it has no bzImage header and is no ELF file", image.display());
        return Err(Error::usage(what, remedy));
    }
    let at = 0x200 + u64::from(u16::from_le_bytes([head[0x20e], head[0x20f]]));
    let mut name = [0; 128];
    let length = file.read_at(&mut name, at).map_err(Error::file("read the kernel", image))?;
    let name = String::from_utf8_lossy(&name[..length]);
    Ok(name.split([' ', '\0']).next().filter(|name| !name.is_empty()).map(str::to_owned))
}

fn modules_of(folder: &Path, release: Option<&str>) -> Result<PathBuf> {
    let shelves = [folder.join("lib/modules"), folder.join("usr/lib/modules")];
    let mut found: Vec<PathBuf> = shelves
        .iter()
        .filter_map(|shelf| fs::read_dir(shelf).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect();
    if folder.join("modules.order").exists() || folder.join("modules.dep").exists() {
        found.push(folder.to_owned());
    }
    let name = |path: &PathBuf| {
        path.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
    };
    let names: Vec<String> = found.iter().filter_map(name).collect();
    let fits = |path: &&PathBuf| release.is_none_or(|release| name(path).as_deref() == Some(release));
    let modules = found.iter().find(fits).ok_or_else(|| {
        let of = release.map_or(String::new(), |release| format!(" of the kernel's release {release}"));
        let seen =
            if names.is_empty() { "there are none".to_owned() } else { format!("there are: {}", names.join(", ")) };
        Error::usage(
            format!("{} holds no modules{of}; {seen}", folder.display()),
            "give the folder that `make modules_install INSTALL_MOD_PATH=FOLDER` wrote, from the same build",
        )
    })?;
    if !modules.join("modules.dep").is_file() {
        let base = modules.ancestors().nth(3).unwrap_or(modules);
        let what = format!("{} has no modules.dep", modules.display());
        return Err(Error::usage(what, format!("depmod -b {} {}", base.display(), name(modules).unwrap_or_default())));
    }
    Ok(modules.clone())
}

/// The order of versions, as dpkg has it.
pub fn order(a: &str, b: &str) -> Ordering {
    let older = |operator| {
        Command::new("dpkg").args(["--compare-versions", a, operator, b]).status().is_ok_and(|s| s.success())
    };
    if older("lt") {
        Ordering::Less
    } else if older("eq") {
        Ordering::Equal
    } else {
        Ordering::Greater
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(folder: &Path, release: &str) -> PathBuf {
        let mut content = vec![0; 0x400];
        content[0x202..0x206].copy_from_slice(b"HdrS");
        content[0x20e..0x210].copy_from_slice(&0x100u16.to_le_bytes());
        let name = format!("{release} (me@here) #1\0");
        content[0x300..0x300 + name.len()].copy_from_slice(name.as_bytes());
        let path = folder.join("bzImage");
        fs::write(&path, content).unwrap();
        path
    }

    fn modules(folder: &Path, release: &str) -> PathBuf {
        let path = folder.join("lib/modules").join(release);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("modules.order"), "").unwrap();
        fs::write(path.join("modules.dep"), "").unwrap();
        path
    }

    #[test]
    fn both_folders_are_understood() {
        let folder = tempfile::tempdir().unwrap();
        let (kernel, modules) = (image(folder.path(), "6.19.0-mine"), modules(folder.path(), "6.19.0-mine"));
        let expected =
            Kernel { image: kernel.clone(), modules: Some(modules.clone()), release: None, device_tree: None };
        assert_eq!(Kernel::given(&kernel, Some(folder.path())).unwrap(), expected);
        assert_eq!(Kernel::given(&kernel, Some(&modules)).unwrap(), expected);
    }

    #[test]
    fn modules_of_another_kernel_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        modules(folder.path(), "6.18.0");
        let error = Kernel::given(&image(folder.path(), "6.19.0"), Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("6.19.0") && error.contains("there are: 6.18.0"), "{error}");
    }

    #[test]
    fn modules_without_an_index_are_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        fs::remove_file(modules(folder.path(), "6.19.0").join("modules.dep")).unwrap();
        let error = Kernel::given(&image(folder.path(), "6.19.0"), Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains(&format!("depmod -b {} 6.19.0", folder.path().display())), "{error}");
    }

    #[test]
    fn what_is_no_kernel_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        let absent = Kernel::given(&path, None).unwrap_err();
        assert_eq!(absent.exit(), crate::error::Exit::Usage);
        let absent = absent.to_string();
        assert!(absent.contains("cannot read the kernel") && absent.contains("notes.txt"), "{absent}");
        fs::write(&path, "hello").unwrap();
        let error = Kernel::given(&path, None).unwrap_err();
        assert!(error.to_string().contains("is not a kernel"), "{error}");
        assert_eq!(error.exit(), crate::error::Exit::Usage);
    }
}
