//! The board file: how an emulated board is made, and what is expected of any board.
//!
//! Without an entry a cell is expected to pass. Everything else (a known fault, a refusal, a
//! property that this kernel cannot show) stands in `expect.cells` with its reason, so that a loss
//! of coverage is as visible as a new failure.

use std::path::Path;

use serde::Deserialize;

use crate::glob::Glob;
use crate::verdict::{Outcome, Verdict};
use crate::yaml::{self, Diagnostic};

/// One file in `fixtures/boards`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// The file's name without `.yaml`.
    pub name: String,
    /// One sentence for `ci/board list`.
    pub description: String,
    /// What the CPU is called by `uname -m`.
    pub architecture: String,
    /// The board whose kernel, machine and modules this one has too.
    pub like: Option<String>,
    /// What is run on it.
    #[serde(default)]
    pub command: BoardCommand,
    /// How QEMU makes it; absent for a board of wood and wires.
    pub emulate: Option<Emulate>,
    /// Modules that the board's init loads, in this order.
    #[serde(default)]
    pub modules: Vec<Module>,
    /// What is expected of it.
    #[serde(default)]
    pub expect: Expect,
}

/// What is run on a board.
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
    /// As `prime-cts` calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Mutants => "mutants",
        }
    }
}

/// How an emulated board is made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emulate {
    /// Where the kernel comes from.
    pub kernel: Kernel,
    /// Modules built out of tree against the kernel's own headers, in this order.
    #[serde(default)]
    pub build: Vec<Build>,
    /// Programs and libraries beside the static `prime-cts`.
    pub userland: Option<Userland>,
    /// The machine.
    pub qemu: Qemu,
}

/// A kernel of Debian's, fetched without installing it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// The suite, as in a `deb` line: `bookworm-security`, `trixie-backports`.
    pub suite: String,
    /// The start of the kernel's release: the newest package of the suite that begins so is taken, `6.12.` or `7.3.4`.
    pub release: String,
}

/// A driver that the kernel's packages lack, built from `linux-source` or from this repository.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The module's name.
    pub module: String,
    /// Files or folders of the kernel tree to unpack, relative to its top.
    #[serde(default)]
    pub source: Vec<String>,
    /// A folder of this repository, in place of `source`: it is the top of the tree.
    pub repository: Option<String>,
    /// The folder that holds the Makefile, relative to the tree's top.
    pub folder: String,
    /// Settings handed to make, `CONFIG_DRM_VKMS=m`.
    #[serde(default)]
    pub config: Vec<String>,
    /// A Kbuild file to write into `folder` in place of the kernel's Makefile.
    pub kbuild: Option<String>,
    /// Modules built before whose symbols this one uses.
    #[serde(default)]
    pub needs: Vec<String>,
}

/// A userland for features that a static binary cannot have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Userland {
    /// The suite whose packages are unpacked and mounted by the board; its libc must not be older than that of the
    /// host that `prime-cts` is built on.
    pub suite: String,
    /// The packages; what they depend on comes along. `prime-cts` is linked against their libraries, so those with
    /// the linker's links, `libgbm-dev`, belong to them.
    pub packages: Vec<String>,
    /// Cargo features of `suite` that the dynamic `prime-cts` of this board is built with.
    pub features: Vec<String>,
}

/// The emulated machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qemu {
    /// `-M`.
    pub machine: String,
    /// `-cpu`.
    pub cpu: String,
    /// `-smp`.
    pub processors: u32,
    /// `-m`, in MiB.
    pub memory: u32,
    /// The console's device in the guest, `ttyS0`.
    pub console: String,
    /// One `-device` each.
    #[serde(default)]
    pub devices: Vec<String>,
    /// Words added to the kernel's command line.
    #[serde(default)]
    pub append: String,
}

/// A module that the board loads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Its name for modprobe.
    pub name: String,
    /// Its parameters, `n_devs=2 allocators=0,1`.
    #[serde(default)]
    pub parameters: String,
}

/// What is expected of a board.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Keys of endpoints that must be found.
    #[serde(default)]
    pub endpoints: Vec<String>,
    /// Names of map_dma_buf implementations that cells must have gone through.
    #[serde(default)]
    pub map_dma_buf: Vec<String>,
    /// Cells that are not expected to pass. The first entry that matches counts.
    #[serde(default)]
    pub cells: Vec<Entry>,
}

/// An expectation that is not `pass`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Cell ids.
    pub id: Glob,
    /// The verdict; more than one makes it a flake.
    pub verdict: Vec<Verdict>,
    /// Why, in a sentence.
    pub reason: String,
    /// Where it is discussed or documented.
    pub link: Option<String>,
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
        let builds = board.emulate.iter().flat_map(|emulate| &emulate.build);
        if let Some(build) = builds.into_iter().find(|build| build.repository.is_some() != build.source.is_empty()) {
            let message = format!("'{}' is built from `source` or from `repository`: one of the two", build.module);
            return Err(Diagnostic::new(path, source, yaml::place_of_key(source, "emulate"), message));
        }
        Ok(board)
    }
}

impl Expect {
    /// The entry that speaks of a cell.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.cells.iter().find(|entry| entry.id.matches(id))
    }

    /// Holds a verdict against the board file.
    pub fn outcome(&self, id: &str, verdict: Verdict) -> Outcome {
        let expected = self.entry(id).map_or(&[Verdict::Pass][..], |entry| &entry.verdict);
        match (expected.contains(&verdict), expected.len()) {
            (true, 1) => Outcome::Expected,
            (true, _) => Outcome::Flake,
            (false, _) if verdict == Verdict::Pass => Outcome::UnexpectedPass,
            (false, _) => Outcome::Regression,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOARD: &str = "name: b\ndescription: d\narchitecture: x86_64\nexpect:\n  cells:\n    - id: mapping.at-offset.drm-vgem\n      \
        verdict: [fail]\n      reason: known\n    - id: fd.**\n      verdict: [pass, refused]\n      reason: sometimes\n";

    #[test]
    fn what_is_not_listed_must_pass() {
        let board = Board::parse(Path::new("b.yaml"), BOARD).unwrap();
        let outcome = |id, verdict| board.expect.outcome(id, verdict);
        assert_eq!(outcome("mapping.whole.drm-vgem", Verdict::Pass), Outcome::Expected);
        assert_eq!(outcome("mapping.whole.drm-vgem", Verdict::NotObservable), Outcome::Regression);
        assert_eq!(outcome("mapping.whole.drm-vgem", Verdict::Refused), Outcome::Regression);
    }

    #[test]
    fn a_known_fault_is_expected_and_its_end_is_seen() {
        let board = Board::parse(Path::new("b.yaml"), BOARD).unwrap();
        let outcome = |verdict| board.expect.outcome("mapping.at-offset.drm-vgem", verdict);
        assert_eq!(outcome(Verdict::Fail), Outcome::Expected);
        assert_eq!(outcome(Verdict::Pass), Outcome::UnexpectedPass);
        assert_eq!(outcome(Verdict::Crash), Outcome::Regression);
    }

    #[test]
    fn two_allowed_verdicts_make_a_flake() {
        let board = Board::parse(Path::new("b.yaml"), BOARD).unwrap();
        assert_eq!(board.expect.outcome("fd.size.udmabuf", Verdict::Refused), Outcome::Flake);
        assert_eq!(board.expect.outcome("fd.size.udmabuf", Verdict::Fail), Outcome::Regression);
    }

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
    fn a_file_must_be_called_as_the_board_in_it() {
        let error = Board::parse(Path::new("other.yaml"), BOARD).unwrap_err();
        assert_eq!(error.place, Some((1, 1)));
        assert!(error.to_string().contains("other.yaml"), "{error}");
    }
}
