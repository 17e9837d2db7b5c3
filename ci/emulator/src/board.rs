//! The board files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

use spec::board::{Board, Emulate, Kernel, Module};

use crate::error::{Error, Result};

/// Reads a board and its file's text.
///
/// # Errors
/// For an unknown board, naming the known ones, and for a faulty board file.
pub fn read(root: &Path, name: &str) -> Result<(Board, String)> {
    let (mut board, source) = read_one(root, name)?;
    if let Some(like) = &board.like {
        let (other, _) = read_one(root, like)?;
        board.emulate = board.emulate.or(other.emulate);
        if let Some(emulate) = &mut board.emulate {
            emulate.qemu.append = format!("{} {}", emulate.qemu.append, board.append).trim().to_owned();
            emulate.kernel = board.kernel.clone().unwrap_or_else(|| emulate.kernel.clone());
        }
        let own = std::mem::take(&mut board.modules);
        let replaced = |module: &Module| own.iter().any(|own| own.name == module.name);
        let others = other.modules.into_iter().filter(|module| !replaced(module));
        board.modules = others.chain(own.iter().cloned()).collect();
        board.writes = other.writes.into_iter().chain(board.writes).collect();
    }
    Ok((board, source))
}

fn read_one(root: &Path, name: &str) -> Result<(Board, String)> {
    let known = files(root)?;
    let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let path = known.iter().find(|path| stem(path) == name).ok_or_else(|| {
        let names: Vec<String> = known.iter().map(stem).collect();
        Error::usage(format!("there is no board '{name}'"), format!("known: {}", names.join(", ")))
    })?;
    let source = fs::read_to_string(path).map_err(Error::file("read", path))?;
    let board = Board::parse(path.strip_prefix(root).unwrap_or(path), &source)?;
    Ok((board, source))
}

/// Gives a board another kernel of Debian's.
///
/// # Errors
/// For a board of wood and wires.
pub fn with_kernel(board: &mut Board, suite: &str, release: &str) -> Result<()> {
    emulation(board)?;
    if let Some(emulate) = &mut board.emulate {
        emulate.kernel = Kernel { suite: suite.to_owned(), release: release.to_owned(), configuration: None };
    }
    Ok(())
}

/// Returns how a board is emulated.
///
/// # Errors
/// For a board of wood and wires.
pub fn emulation(board: &Board) -> Result<&Emulate> {
    board.emulate.as_ref().ok_or_else(|| {
        let what = format!("board '{}' is not emulated: its file has no `emulate`", board.name);
        Error::usage(what, "run prime-cts on the board itself, or through ci/run-on-board")
    })
}

/// Every board, in the order of their names.
///
/// # Errors
/// For a faulty board file.
pub fn all(root: &Path) -> Result<Vec<Board>> {
    let name = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    files(root)?.iter().map(|path| Ok(read(root, &name(path))?.0)).collect()
}

/// Every board in a line of columns.
///
/// # Errors
/// For a faulty board file.
pub fn list(root: &Path) -> Result<String> {
    let mut rows = vec![["NAME", "ARCHITECTURE", "KERNEL", "DESCRIPTION"].map(str::to_owned)];
    for board in all(root)? {
        let kernel = board.emulate.map(|emulate| format!("{} {}", emulate.kernel.suite, emulate.kernel.release));
        rows.push([board.name, board.architecture, kernel.unwrap_or_else(|| "its own".to_owned()), board.description]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (name, architecture, kernel) = (width(0), width(1), width(2));
    let line =
        |row: &[String; 4]| format!("{:name$}  {:architecture$}  {:kernel$}  {}\n", row[0], row[1], row[2], row[3]);
    Ok(rows.iter().map(line).collect())
}

/// The board files, by name.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join("fixtures/boards");
    let entries = fs::read_dir(&folder).map_err(Error::file("read", &folder))?.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort_by_key(|path| path.file_stem().map(ToOwned::to_owned));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_of_the_repository_can_be_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let text = list(root).unwrap();
        assert!(text.contains("debian-amd64 ") && text.contains("mutants "), "{text}");
        let (mutants, _) = read(root, "mutants").unwrap();
        assert!(mutants.emulate.unwrap().qemu.append.ends_with("swiotlb=force"));
    }

    fn repository(name: &str, text: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("fixtures/boards")).unwrap();
        fs::write(root.path().join("fixtures/boards").join(name), text).unwrap();
        root
    }

    #[test]
    fn a_board_may_have_another_kernel_than_the_one_that_it_is_like() {
        let root = repository(
            "one.yaml",
            "name: one\ndescription: d\narchitecture: x86_64\nemulate:\n  kernel: {suite: s, release: \"6.12.\"}\n  \
                qemu: {machine: q35, cpu: max, processors: 1, memory: 1, console: c, append: quiet}\n",
        );
        let two = "name: two\ndescription: d\narchitecture: x86_64\nlike: one\n";
        let kernel = |more: &str| {
            fs::write(root.path().join("fixtures/boards/two.yaml"), format!("{two}{more}")).unwrap();
            let emulate = read(root.path(), "two").unwrap().0.emulate.unwrap();
            assert_eq!(emulate.qemu.append, "quiet");
            format!("{} {}", emulate.kernel.suite, emulate.kernel.release)
        };
        assert_eq!(kernel(""), "s 6.12.");
        assert_eq!(kernel("kernel: {suite: t, release: \"7.3.4\"}\n"), "t 7.3.4");
    }

    #[test]
    fn a_board_writes_what_the_one_that_it_is_like_writes_and_then_its_own() {
        let board = |name: &str, more: &str| format!("name: {name}\ndescription: d\narchitecture: x86_64\n{more}\n");
        let root = repository("one.yaml", &board("one", "writes: [{file: /sys/a, text: b c}]"));
        let two = board("two", "like: one\nwrites: [{file: /sys/d, text: e}]");
        fs::write(root.path().join("fixtures/boards/two.yaml"), two).unwrap();
        let writes = read(root.path(), "two").unwrap().0.writes;
        let lines: Vec<String> = writes.iter().map(|write| format!("{} {}", write.file, write.text)).collect();
        assert_eq!(lines, ["/sys/a b c", "/sys/d e"]);
    }

    #[test]
    fn an_unknown_board_names_the_known_ones() {
        let root = repository("one.yaml", "name: one\ndescription: d\narchitecture: x86_64\n");
        let error = read(root.path(), "two").unwrap_err().to_string();
        assert!(error.contains("no board 'two'") && error.contains("known: one"), "{error}");
    }

    #[test]
    fn a_faulty_board_is_pointed_at() {
        let root = repository("one.yaml", "name: one\ndescription: d\narchitecture: x86_64\ncernel: x\n");
        let error = read(root.path(), "one").unwrap_err();
        assert!(
            error.to_string().contains("fixtures/boards/one.yaml:4:1") && error.to_string().contains('^'),
            "{error}"
        );
        assert_eq!(error.exit(), crate::error::Exit::Usage);
    }

    #[test]
    fn a_real_board_is_not_emulated() {
        let root = repository("one.yaml", "name: one\ndescription: d\narchitecture: x86_64\n");
        let (board, _) = read(root.path(), "one").unwrap();
        assert!(emulation(&board).unwrap_err().to_string().contains("ci/run-on-board"));
        assert!(list(root.path()).unwrap().contains("its own"));
    }
}
