//! The cases: those embedded in the program, or a folder's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use spec::case::Case;
use spec::yaml::Diagnostic;

/// A JSON array, compressed: the area of each case and the case. build.rs makes it.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cases.json.gz"));

/// A catalogue that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The folder is not there or cannot be read.
    #[error("cannot read {path}: {source}; --cases takes a folder with one folder an area and one YAML file a case")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file is not there or cannot be read.
    #[error("cannot read {path}: {source}")]
    UnreadableFile {
        /// Which.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Cases with faults, all of them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"))]
    Faulty(Vec<Diagnostic>),
    /// One cell id for two rules.
    #[error("{first} and {second} are both the case '{id}'")]
    Twice {
        /// The case.
        id: String,
        /// A file.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
    /// A folder without a case.
    #[error("{0} holds no case: one folder an area, one YAML file a case")]
    Empty(PathBuf),
}

/// The cases that came with the program, which were checked when it was built.
pub fn embedded() -> Vec<Case> {
    // In a thread of its own, whose memory is its own too: what a parser leaves behind are holes all over the heap, and
    // every cell's process would copy the pages of those that it allocates in.
    std::thread::spawn(read_embedded).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn read_embedded() -> Vec<Case> {
    // The way by which the checks of a case read it, too: the program has it once.
    let written: Vec<(String, Value)> = crate::unpacked(EMBEDDED);
    let case =
        |(area, case): (String, Value)| Case { area, ..Case::deserialize(&case).expect("build.rs has checked it") };
    written.into_iter().map(case).collect()
}

/// The cases of a folder.
///
/// # Errors
/// An unreadable folder, or every fault in its files.
pub fn from_folder(folder: &Path) -> Result<Vec<Case>, CatalogueError> {
    parse(files(folder)?)
}

/// The cases' files with their texts.
fn files(folder: &Path) -> Result<Vec<(PathBuf, String)>, CatalogueError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| CatalogueError::Unreadable { path, source }
    };
    let mut files = Vec::new();
    for area in std::fs::read_dir(folder).map_err(unreadable(folder))?.flatten().filter(|area| area.path().is_dir()) {
        for file in std::fs::read_dir(area.path()).map_err(unreadable(&area.path()))?.flatten() {
            let path = file.path();
            if is_case(&path) {
                let text = std::fs::read_to_string(&path).map_err(unreadable(&path))?;
                files.push((path, text));
            }
        }
    }
    if files.is_empty() {
        return Err(CatalogueError::Empty(folder.to_owned()));
    }
    Ok(files)
}

/// The cases of files, which need not be in a catalogue.
///
/// # Errors
/// An unreadable file, or every fault of all of them.
pub fn from_files(paths: &[PathBuf]) -> Result<Vec<Case>, CatalogueError> {
    let mut known = BTreeMap::new();
    let (mut cases, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        match read(path)? {
            Ok(case) => {
                if let Some(first) = known.insert(case.id(), path.clone()) {
                    return Err(CatalogueError::Twice { id: case.id(), first, second: path.clone() });
                }
                cases.push(case);
            }
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() { Ok(cases) } else { Err(CatalogueError::Faulty(faults)) }
}

/// The case of one file, or all of its faults. The folder that a bare file name lies in is its area.
///
/// # Errors
/// The file cannot be read.
pub fn read(path: &Path) -> Result<Result<Case, Vec<Diagnostic>>, CatalogueError> {
    let unreadable = |source| CatalogueError::UnreadableFile { path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let bare = path.parent().and_then(Path::file_name).is_none();
    let whole = if bare { std::path::absolute(path).map_err(unreadable)? } else { path.to_owned() };
    Ok(Case::parse(&whole, &String::from_utf8_lossy(&bytes)))
}

fn is_case(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml")
}

fn parse(mut files: Vec<(PathBuf, String)>) -> Result<Vec<Case>, CatalogueError> {
    files.sort();
    let (mut cases, mut faults) = (Vec::new(), Vec::new());
    for (path, text) in files {
        match Case::parse(&path, &text) {
            Ok(case) => cases.push(case),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() { Ok(cases) } else { Err(CatalogueError::Faulty(faults)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_cases_are_sound_and_there_are_enough_of_them() {
        let cases = embedded();
        assert!(cases.len() >= 20, "{}", cases.len());
        for area in ["identity", "fd", "mapping", "coherence", "pages", "refusal", "leaks"] {
            assert!(cases.iter().any(|case| case.area == area), "{area}");
        }
    }

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");

    #[test]
    fn the_embedded_cases_are_those_of_the_folder() {
        let sorted = |mut cases: Vec<Case>| {
            cases.sort_by_key(Case::id);
            cases.iter().map(|case| format!("{case:#?}")).collect::<Vec<_>>()
        };
        let parsed = from_folder(Path::new(FOLDER)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(sorted(embedded()), sorted(parsed));
    }

    #[test]
    fn an_editor_finds_the_schema_of_every_case() {
        let files = files(Path::new(FOLDER)).unwrap();
        assert!(files.len() > 100);
        for (path, text) in files {
            let line = spec::schema::EDITOR_LINE;
            assert_eq!(text.lines().next(), Some(line), "{} has to begin with it", path.display());
        }
    }

    #[test]
    fn the_history_names_cases_that_there_are() {
        let text = include_str!("../cases/HISTORY.md");
        let cases = embedded();
        let named: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
        assert!(named.len() > 60);
        for name in named {
            let known = |id: String| if name.ends_with('.') { id.starts_with(name) } else { id == name };
            assert!(cases.iter().any(|case| known(case.id())), "cases/HISTORY.md names {name}, and there is none");
        }
    }

    #[test]
    fn every_fault_of_a_folder_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let area = folder.path().join("fd");
        std::fs::create_dir(&area).unwrap();
        std::fs::write(area.join("one.yaml"), "name: one\n").unwrap();
        std::fs::write(area.join("two.yaml"), "name: [\n").unwrap();
        let text = from_folder(folder.path()).unwrap_err().to_string();
        assert!(text.contains("one.yaml") && text.contains("two.yaml"), "{text}");
    }

    #[test]
    fn a_folder_without_cases_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(from_folder(folder.path()), Err(CatalogueError::Empty(_))));
        assert!(matches!(from_folder(&folder.path().join("none")), Err(CatalogueError::Unreadable { .. })));
    }
}
