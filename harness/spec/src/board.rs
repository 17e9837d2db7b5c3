//! The board file: how an emulated board is made, and what is expected of any board.
//!
//! Without an entry a cell is expected to pass. Everything else (a known fault, a refusal, a
//! property that this kernel cannot show) stands in `expect.cells` with its reason, so that a loss
//! of coverage is as visible as a new failure.

use std::path::Path;

use serde::Deserialize;

use crate::yaml::{self, Diagnostic};

mod emulate;
mod expect;

pub use emulate::{Build, Change, Configuration, Emulate, Kernel, Module, Qemu, Userland, Write};
pub use expect::{CellsEntry, Expect, PairsEntry};

/// One file in `fixtures/boards`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// The file's name without `.yaml`.
    pub name: String,
    /// One sentence for `ci/board list`.
    pub description: String,
    /// The CPU's name, as `uname -m` has it.
    pub architecture: String,
    /// The board whose kernel, machine and modules this one has too.
    pub like: Option<String>,
    /// The kernel in place of the one of the board that this one is like.
    pub kernel: Option<Kernel>,
    /// Words added to the kernel's command line of the board that this one is like.
    #[serde(default)]
    pub append: String,
    /// The command that is run on it.
    #[serde(default)]
    pub command: BoardCommand,
    /// The command's arguments, where the user gives none.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// The emulated machine; absent for real hardware.
    pub emulate: Option<Emulate>,
    /// Modules that the board's init loads, in this order; of those that a board has which this one is like, the ones
    /// of the same name are left out.
    #[serde(default)]
    pub modules: Vec<Module>,
    /// The values that its init then writes into sysfs, in this order; those of a board that this one is like come first.
    #[serde(default)]
    pub writes: Vec<Write>,
    /// The expectations of it.
    #[serde(default)]
    pub expect: Expect,
}

/// The command that is run on a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BoardCommand {
    /// `prime-cts run`: the cells.
    #[default]
    Run,
    /// `prime-cts mutants`: the faults that the modules of fixtures/kmod plant.
    Mutants,
}

impl BoardCommand {
    /// Returns the word of `prime-cts` for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Mutants => "mutants",
        }
    }
}

impl Board {
    /// Reads a board file.
    ///
    /// # Errors
    /// A [`Diagnostic`] with the place of the first fault; also when the name in it is not the file's.
    pub fn parse(path: &Path, source: &str) -> Result<Self, Diagnostic> {
        let board: Self = yaml::parse(path, source)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        if board.name != stem {
            let message = format!("the board is called '{}' here, but its file '{stem}.yaml'", board.name);
            return Err(Diagnostic::new(path, source, yaml::place_of_key(source, "name"), message));
        }
        let more = [("kernel", board.kernel.is_some()), ("append", !board.append.is_empty())];
        if let Some((key, _)) = more.iter().find(|(_, given)| *given && board.like.is_none()) {
            let message = format!("`{key}` changes the board that this one is `like`, and there is none");
            return Err(Diagnostic::new(path, source, yaml::place_of_key(source, key), message));
        }
        let builds = board.emulate.iter().flat_map(|emulate| &emulate.build);
        if let Some(build) = builds.into_iter().find(|build| build.repository.is_some() != build.source.is_empty()) {
            let message = format!("'{}' is built from `source` or from `repository`: one of the two", build.module);
            return Err(Diagnostic::new(path, source, yaml::place_of_key(source, "emulate"), message));
        }
        Ok(board)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOARD: &str = "name: b\ndescription: d\narchitecture: x86_64\n";

    #[test]
    fn a_driver_is_built_from_one_source() {
        let emulate = "name: b\ndescription: d\narchitecture: x86_64\nemulate:\n  kernel: {suite: s, release: \"6\"}\n  \
            qemu: {machine: q35, cpu: max, processors: 1, memory: 1, console: c}\n  build:\n    - ";
        let parse = |build: &str| Board::parse(Path::new("b.yaml"), &format!("{emulate}{build}\n"));
        parse("{module: m, source: [a.c], folder: .}").unwrap();
        parse("{module: m, repository: fixtures/kmod, folder: m}").unwrap();
        for wrong in ["{module: m, folder: m}", "{module: m, source: [a.c], repository: fixtures/kmod, folder: m}"] {
            let error = parse(wrong).unwrap_err();
            assert!(error.to_string().contains("`repository`"), "{error}");
        }
    }

    #[test]
    fn another_board_is_changed_only_where_there_is_one() {
        let parse = |more: &str| {
            Board::parse(Path::new("b.yaml"), &format!("name: b\ndescription: d\narchitecture: x86_64\n{more}\n"))
        };
        for more in ["kernel: {suite: s, release: \"6.1.\"}", "append: quiet"] {
            parse(&format!("{more}\nlike: c")).unwrap();
            let error = parse(more).unwrap_err();
            assert_eq!(error.place, Some((4, 1)));
            assert!(error.to_string().contains("`like`"), "{error}");
        }
    }

    #[test]
    fn a_file_must_be_called_as_the_board_in_it() {
        let error = Board::parse(Path::new("other.yaml"), BOARD).unwrap_err();
        assert_eq!(error.place, Some((1, 1)));
        assert!(error.to_string().contains("other.yaml"), "{error}");
    }
}
