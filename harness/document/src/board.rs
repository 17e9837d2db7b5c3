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
    /// The kernel in place of the one of the board that this one is like.
    pub kernel: Option<Kernel>,
    /// Words added to the kernel's command line of the board that this one is like.
    #[serde(default)]
    pub append: String,
    /// What is run on it.
    #[serde(default)]
    pub command: BoardCommand,
    /// The command's arguments, where the user gives none.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// How QEMU makes it; absent for a board of wood and wires.
    pub emulate: Option<Emulate>,
    /// Modules that the board's init loads, in this order; of those that a board has which this one is like, the ones
    /// of the same name are left out.
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
    /// Builds it from Debian's source, in place of taking Debian's build.
    pub configuration: Option<Configuration>,
}

/// How a kernel of our own is configured. What is not listed is not built.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// Files in `fixtures/kernels`, without their `.config`.
    pub settings: Vec<String>,
    /// The board's device tree below the architecture's `dts`, `arm/vexpress-v2p-ca9.dts`.
    pub device_tree: Option<String>,
    /// An overlay for it in `fixtures/kernels`, without its `.dtso`.
    pub overlay: Option<String>,
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
    /// The device that carries the results.
    #[serde(default = "pci_share")]
    pub share: String,
    /// One `-device` each.
    #[serde(default)]
    pub devices: Vec<String>,
    /// Words added to the kernel's command line.
    #[serde(default)]
    pub append: String,
}

fn pci_share() -> String {
    "virtio-9p-pci".to_owned()
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
    /// Cells that are not expected to pass. The first entry that matches counts, and before any of `pairs`.
    #[serde(default)]
    pub cells: Vec<CellsEntry>,
    /// Importers that do not take what an exporter gives, in whatever cell they meet.
    #[serde(default)]
    pub pairs: Vec<PairsEntry>,
}

/// An expectation that is not `pass`, of some cells.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellsEntry {
    /// Cell ids.
    pub ids: Vec<Glob>,
    /// The verdict; more than one makes it a flake.
    pub verdict: Vec<Verdict>,
    /// Why, in a sentence.
    pub reason: String,
    /// Where it is discussed or documented.
    pub link: Option<String>,
}

/// What is expected of every cell in which one of these importers is to import from one of these exporters.
///
/// A cell that is there to see what a refusal leaves behind passes, and is as expected if the import was refused in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairsEntry {
    /// Keys of exporters, or `itself`.
    pub exporters: Vec<Glob>,
    /// Keys of importers.
    pub importers: Vec<Glob>,
    /// Keys of exporters that this is not said of, or `itself`.
    #[serde(default)]
    pub except: Vec<Glob>,
    /// The verdict.
    #[serde(default = "refused")]
    pub verdict: Verdict,
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

fn refused() -> Verdict {
    Verdict::Refused
}

/// In the place of an exporter's key: the importer's own buffers.
const ITSELF: &str = "itself";

impl PairsEntry {
    fn speaks_of(&self, exporter: &str, importer: &str) -> bool {
        let named = |globs: &[Glob]| {
            let own = exporter == importer && globs.iter().any(|glob| glob.matches(ITSELF));
            own || globs.iter().any(|glob| glob.matches(exporter))
        };
        self.importers.iter().any(|glob| glob.matches(importer)) && named(&self.exporters) && !named(&self.except)
    }
}

impl Expect {
    /// Holds a cell's verdict against the board file, and says with what reason; `refused` tells whether an import was
    /// refused in it.
    pub fn outcome(&self, id: &str, verdict: Verdict, refused: bool) -> (Outcome, Option<&str>) {
        if let Some(entry) = self.cells.iter().find(|entry| entry.ids.iter().any(|glob| glob.matches(id))) {
            return (outcome(&entry.verdict, verdict), Some(&entry.reason));
        }
        let pairs = self.pairs_of(id);
        let Some(first) = pairs.first() else { return (outcome(&[Verdict::Pass], verdict), None) };
        let tolerated =
            verdict == Verdict::Pass && refused && pairs.iter().any(|pair| pair.verdict == Verdict::Refused);
        match pairs.iter().find(|pair| pair.verdict == verdict) {
            Some(pair) => (Outcome::Expected, Some(&pair.reason)),
            None if tolerated => (Outcome::Expected, Some(&first.reason)),
            None => (outcome(&[first.verdict], verdict), Some(&first.reason)),
        }
    }

    /// The entries of `pairs` for a cell id, which is `<area>.<case>.<exporter>.<importer>[.<second importer>]`.
    fn pairs_of(&self, id: &str) -> Vec<&PairsEntry> {
        let mut keys = id.split('.').skip(2);
        let Some(exporter) = keys.next() else { return Vec::new() };
        let of = |importer| self.pairs.iter().find(|pair| pair.speaks_of(exporter, importer));
        keys.filter_map(of).collect()
    }
}

fn outcome(expected: &[Verdict], verdict: Verdict) -> Outcome {
    match (expected.contains(&verdict), expected.len()) {
        (true, 1) => Outcome::Expected,
        (true, _) => Outcome::Flake,
        (false, _) if verdict == Verdict::Pass => Outcome::UnexpectedPass,
        (false, _) => Outcome::Regression,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOARD: &str = "name: b
description: d
architecture: x86_64
expect:
  cells:
    - ids: [mapping.at-offset.drm-vgem, mapping.at-offset.udmabuf]
      verdict: [fail]
      reason: known
    - ids: [fd.**]
      verdict: [pass, refused]
      reason: sometimes
  pairs:
    - {exporters: [itself], importers: [v4l2-b], reason: busy}
    - {exporters: [drm-*], importers: [drm-x], except: [itself, drm-y], reason: strange}
    - {exporters: [heap-*], importers: [v4l2-b], verdict: not-observable, reason: small}
";

    fn expect() -> Expect {
        Board::parse(Path::new("b.yaml"), BOARD).unwrap().expect
    }

    #[test]
    fn what_is_not_listed_must_pass() {
        let outcome = |verdict| expect().outcome("mapping.whole.drm-vgem", verdict, false).0;
        assert_eq!(outcome(Verdict::Pass), Outcome::Expected);
        assert_eq!(outcome(Verdict::NotObservable), Outcome::Regression);
        assert_eq!(outcome(Verdict::Refused), Outcome::Regression);
    }

    #[test]
    fn a_known_fault_is_expected_and_its_end_is_seen() {
        for id in ["mapping.at-offset.drm-vgem", "mapping.at-offset.udmabuf"] {
            assert_eq!(expect().outcome(id, Verdict::Fail, false), (Outcome::Expected, Some("known")));
            assert_eq!(expect().outcome(id, Verdict::Pass, false).0, Outcome::UnexpectedPass);
            assert_eq!(expect().outcome(id, Verdict::Crash, false).0, Outcome::Regression);
        }
    }

    #[test]
    fn two_allowed_verdicts_make_a_flake() {
        assert_eq!(expect().outcome("fd.size.udmabuf", Verdict::Refused, true), (Outcome::Flake, Some("sometimes")));
        assert_eq!(expect().outcome("fd.size.udmabuf", Verdict::Fail, false).0, Outcome::Regression);
    }

    #[test]
    fn a_pair_that_does_not_go_together_is_refused_wherever_it_meets() {
        let expect = expect();
        let ids = ["a.c.v4l2-b.v4l2-b", "a.c.drm-a.drm-x", "a.c.drm-a.drm-b.drm-x", "a.c.drm-a.drm-x.drm-b"];
        for id in ids {
            assert_eq!(expect.outcome(id, Verdict::Refused, true).0, Outcome::Expected, "{id}");
            assert_eq!(expect.outcome(id, Verdict::Pass, true).0, Outcome::Expected, "refused in {id}, which goes on");
            assert_eq!(expect.outcome(id, Verdict::Pass, false).0, Outcome::UnexpectedPass, "{id}: it took it");
            assert_eq!(expect.outcome(id, Verdict::Fail, true).0, Outcome::Regression, "{id}");
        }
        for id in ["a.c.v4l2-b", "a.c.v4l2-b.drm-x", "a.c.drm-x.drm-x", "a.c.drm-y.drm-x", "a.c.drm-a.drm-b"] {
            assert_eq!(expect.outcome(id, Verdict::Pass, false), (Outcome::Expected, None), "{id}");
            assert_eq!(expect.outcome(id, Verdict::Refused, true).0, Outcome::Regression, "{id}");
        }
    }

    #[test]
    fn a_chain_may_end_at_either_of_its_imports() {
        let expect = expect();
        let outcome = |verdict| expect.outcome("a.c.heap-s.v4l2-b.v4l2-b", verdict, false);
        assert_eq!(outcome(Verdict::NotObservable), (Outcome::Expected, Some("small")));
        assert_eq!(outcome(Verdict::Refused).0, Outcome::Regression);
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
