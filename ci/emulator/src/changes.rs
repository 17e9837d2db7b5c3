//! Faults that are planted in a kernel of Debian's: a module of it is built again with a line of its source changed.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use spec::board::{Board, Build};
use spec::yaml;

use crate::error::{Error, Result};

/// A file of `fixtures/changes`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlantedChange {
    /// What the kernel does with it.
    pub what: String,
    /// The role in which it shows: `exporter` or `importer`.
    pub role: String,
    /// The endpoints of debian-amd64 that share it; a `*` stands for anything.
    pub endpoints: Vec<String>,
    /// The module, with the change.
    pub build: Build,
}

/// The names of all changes, sorted.
///
/// # Errors
/// When the folder cannot be read.
pub fn names(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("fixtures/changes");
    let entries = fs::read_dir(&folder).map_err(Error::file("read", &folder))?.flatten().map(|entry| entry.path());
    let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let mut names: Vec<String> =
        files.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

/// Reads a change.
///
/// # Errors
/// For an unknown change, naming the known ones, and for a faulty file.
pub fn read(root: &Path, name: &str) -> Result<PlantedChange> {
    let known = names(root)?;
    if !known.iter().any(|known| known == name) {
        return Err(Error::usage(format!("there is no change '{name}'"), format!("known: {}", known.join(", "))));
    }
    let path = root.join("fixtures/changes").join(format!("{name}.yaml"));
    let source = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    Ok(yaml::parse(path.strip_prefix(root).unwrap_or(&path), &source)?)
}

/// Plants changes in a board: the modules are built in addition to its own, and take the place of those of the same name.
///
/// # Errors
/// For an unknown change, and for a board that is not emulated.
pub fn plant(root: &Path, board: &mut Board, wanted: &[String]) -> Result<()> {
    for name in wanted {
        let change = read(root, name)?;
        crate::board::emulation(board)?;
        if let Some(emulate) = &mut board.emulate {
            let own = emulate.build.iter_mut().find(|build| build.module == change.build.module);
            match own {
                Some(own) => own.changes.extend(change.build.changes),
                None => emulate.build.push(change.build),
            }
        }
    }
    Ok(())
}

/// The name of the results of a board with changes.
pub fn place(board: &str, wanted: &[String]) -> String {
    std::iter::once(board).chain(wanted.iter().map(String::as_str)).collect::<Vec<_>>().join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
    }

    #[test]
    fn every_change_can_be_read_and_says_who_has_it() {
        let names = names(root()).unwrap();
        assert!(names.len() >= 12, "{names:?}");
        for name in names {
            let change = read(root(), &name).unwrap();
            assert!(["exporter", "importer"].contains(&change.role.as_str()), "{name}");
            assert!(!change.endpoints.is_empty() && change.build.changes.len() == 1, "{name}");
        }
    }

    #[test]
    fn a_change_is_built_beside_the_board_s_own_modules_and_two_of_one_module_together() {
        let (mut board, _) = crate::board::read(root(), "debian-amd64").unwrap();
        let before = board.emulate.as_ref().unwrap().build.len();
        plant(root(), &mut board, &["shmem-fault-page", "vmalloc-mmap", "vmalloc-size"].map(Into::into)).unwrap();
        let builds = &board.emulate.as_ref().unwrap().build;
        assert_eq!(builds.len(), before + 2);
        assert!(builds.iter().any(|build| build.module == "videobuf2-vmalloc" && build.changes.len() == 2));
        assert_eq!(place("b", &["x".into(), "y".into()]), "b+x+y");
        let error = plant(root(), &mut board, &["nowhere".into()]).unwrap_err().to_string();
        assert!(error.contains("no change 'nowhere'") && error.contains("shmem-fault-page"), "{error}");
    }
}
