//! The modules that a board loads, with all that they depend on, made ready for an initramfs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::error::{Error, Result};

/// Modules of one kernel.
#[derive(Debug)]
pub struct Modules {
    folder: PathBuf,
    /// By name: the file, and the names of what must be loaded before.
    known: BTreeMap<String, Module>,
    builtin: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Module {
    file: PathBuf,
    needs: Vec<String>,
}

impl Modules {
    /// Reads `modules.dep` and `modules.builtin` of `lib/modules/RELEASE`.
    ///
    /// # Errors
    /// When there is no `modules.dep`.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("modules.dep");
        let text = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
        let builtin = fs::read_to_string(folder.join("modules.builtin")).unwrap_or_default();
        let known = known(&text)
            .into_iter()
            .map(|(name, module)| (name, Module { file: folder.join(&module.file), needs: module.needs }));
        Ok(Self { folder: folder.to_owned(), known: known.collect(), builtin: builtin.lines().map(name_of).collect() })
    }

    /// Adds a module built outside the kernel.
    ///
    /// # Errors
    /// When it is not a module.
    pub fn add(&mut self, file: &Path) -> Result<()> {
        let purpose = format!("read what {} depends on", file.display());
        let needs = command::output(Command::new("modinfo").args(["-F", "depends"]).arg(file), &purpose, "kmod")?;
        let needs = String::from_utf8_lossy(&needs);
        let needs = needs.trim().split(',').filter(|name| !name.is_empty()).map(name_of).collect();
        self.known.insert(name_of(&file.to_string_lossy()), Module { file: file.to_owned(), needs });
        Ok(())
    }

    /// Returns whether a module is part of the kernel itself.
    pub fn is_builtin(&self, name: &str) -> bool {
        self.builtin.contains(&name_of(name))
    }

    /// The files of these modules and of all that they need, and the names that this kernel does not have.
    pub fn closure<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> (Vec<PathBuf>, Vec<String>) {
        let mut open: Vec<String> = names.into_iter().map(name_of).collect();
        let (mut files, mut missing, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        while let Some(name) = open.pop() {
            if self.builtin.contains(&name) || !seen.insert(name.clone()) {
                continue;
            }
            match self.known.get(&name) {
                Some(module) => {
                    files.push(module.file.clone());
                    open.extend(module.needs.iter().cloned());
                }
                None => missing.push(name),
            }
        }
        files.sort();
        missing.sort();
        (files, missing)
    }

    /// Copies modules, unpacked and indexed, to `root/lib/modules/RELEASE`.
    ///
    /// # Errors
    /// When one cannot be read or unpacked.
    pub fn stage(&self, files: &[PathBuf], root: &Path) -> Result<()> {
        let release = self.folder.file_name().unwrap_or_default();
        let shelf = root.join("lib/modules").join(release);
        for file in files {
            let place = file.strip_prefix(&self.folder).unwrap_or(Path::new(file.file_name().unwrap_or_default()));
            // Ours go where modprobe looks first.
            let place =
                if file.starts_with(&self.folder) { place.to_owned() } else { Path::new("updates").join(place) };
            let stem = format!("{}.ko", file_stem(&place.to_string_lossy()));
            let place = shelf.join(place).with_file_name(stem);
            let folder = place.parent().unwrap_or(&shelf);
            fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
            fs::write(&place, content(file)?).map_err(Error::file("write", &place))?;
        }
        fs::create_dir_all(&shelf).map_err(Error::file("create", &shelf))?;
        for index in ["modules.order", "modules.builtin", "modules.builtin.modinfo"] {
            // A kernel without modules has none of these, and depmod does without.
            let _ = fs::copy(self.folder.join(index), shelf.join(index));
        }
        let mut depmod = Command::new("depmod");
        command::output(depmod.arg("-b").arg(root).arg(release), "index the board's modules", "kmod").map(drop)
    }
}

/// A module's content, unpacked: the board's busybox would take seconds for it.
fn content(file: &Path) -> Result<Vec<u8>> {
    let purpose = format!("unpack {}", file.display());
    let (program, package) = match file.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => ("xz", "xz-utils"),
        Some("zst") => ("zstd", "zstd"),
        Some("gz") => ("gzip", "gzip"),
        _ => return fs::read(file).map_err(Error::file("read", file)),
    };
    command::output(Command::new(program).args(["-q", "-d", "-c"]).arg(file), &purpose, package)
}

fn known(text: &str) -> BTreeMap<String, Module> {
    let read = |line: &str| {
        let (file, needs) = line.split_once(':')?;
        let needs = needs.split_whitespace().map(name_of).collect();
        Some((name_of(file), Module { file: PathBuf::from(file), needs }))
    };
    text.lines().filter_map(read).collect()
}

fn file_stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split(".ko").next().unwrap_or(file)
}

/// `kernel/a/virtio-gpu.ko.xz` and `virtio-gpu` are both `virtio_gpu` to the kernel.
fn name_of(path: &str) -> String {
    file_stem(path).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(dep: &str) -> (tempfile::TempDir, Modules) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("modules.dep"), dep).unwrap();
        fs::write(folder.path().join("modules.builtin"), "kernel/a/loop-core.ko\n").unwrap();
        let modules = Modules::read(folder.path()).unwrap();
        (folder, modules)
    }

    const DEP: &str = "kernel/g/virtio-gpu.ko.xz: kernel/g/drm_kms.ko.xz kernel/g/drm.ko.xz\nkernel/g/drm_kms.ko.xz: \
        kernel/g/drm.ko.xz\nkernel/g/drm.ko.xz:\nkernel/x/a.ko: kernel/x/b.ko\nkernel/x/b.ko: kernel/x/a.ko\n";

    #[test]
    fn all_that_is_needed_comes_along() {
        let (_folder, modules) = tree(DEP);
        let (files, missing) = modules.closure(["virtio_gpu"]);
        let names: Vec<String> = files.iter().map(|file| name_of(&file.to_string_lossy())).collect();
        assert_eq!(names, ["drm", "drm_kms", "virtio_gpu"]);
        assert!(missing.is_empty());
    }

    #[test]
    fn what_is_missing_is_named_and_what_is_built_in_is_not() {
        let (_folder, modules) = tree(DEP);
        let (files, missing) = modules.closure(["loop-core", "vgem"]);
        assert!(files.is_empty());
        assert_eq!(missing, ["vgem"]);
        assert!(modules.is_builtin("loop_core") && !modules.is_builtin("drm"));
    }

    #[test]
    fn a_torn_index_names_what_it_lost() {
        let (_folder, modules) = tree("kernel/a.ko: kernel/lost.ko\n");
        assert_eq!(modules.closure(["a"]).1, ["lost"]);
    }

    #[test]
    fn a_circle_ends() {
        let (_folder, modules) = tree(DEP);
        assert_eq!(modules.closure(["a"]).0.len(), 2);
    }

    #[test]
    fn a_folder_without_index_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Modules::read(folder.path()).unwrap_err().to_string().contains("modules.dep"));
    }
}
