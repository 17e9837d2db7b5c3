//! Which QEMU emulates a board: the host's, or a newer one that is not installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::error::Result;
use crate::machine::architecture::Machine;

/// A program that emulates machines, and what it has to be told to find its own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emulator {
    program: PathBuf,
    /// Where its packages were unpacked, if they are not installed.
    tree: Option<PathBuf>,
    /// See [`Emulator::races`].
    races: bool,
}

/// Where a Debian QEMU looks for firmware and keymaps.
const DATA: [&str; 2] = ["usr/share/seabios", "usr/share/qemu"];

impl Emulator {
    /// The host's.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn of_host(machine: &Machine) -> Result<Self> {
        Self { program: machine.qemu.into(), tree: None, races: true }.asked(machine)
    }

    /// One whose packages were unpacked in a folder.
    ///
    /// # Errors
    /// When it cannot be started: libraries that it needs may be missing on the host.
    pub fn unpacked(machine: &Machine, tree: &Path) -> Result<Self> {
        let program = tree.join("usr/bin").join(machine.qemu);
        Self { program, tree: Some(tree.to_owned()), races: true }.asked(machine)
    }

    fn asked(self, machine: &Machine) -> Result<Self> {
        let words = command::output(self.command().arg("--version"), "ask for its version", machine.package)?;
        Ok(Self { races: is_older(&String::from_utf8_lossy(&words), (8, 1)), ..self })
    }

    /// Returns whether it is older than 8.1. Such a one may run stale instructions after another of the guest's processors has
    /// changed them: a kernel that sets a probe or flips a static key dies of a stray `int3` now and then. (Fixed by
    /// "accel/tcg: Always lock pages before translation".) With its processors in one thread it is sound.
    pub fn races(&self) -> bool {
        self.races
    }

    /// Its name, for messages.
    pub fn name(&self) -> String {
        self.program.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The command that starts it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(tree) = &self.tree {
            // Modules of another version are refused, so it must not see the host's.
            command.env("QEMU_MODULE_DIR", modules(tree));
            // Behind its own, the host's: not every suite has a firmware of its own.
            for place in [tree, Path::new("/")].iter().flat_map(|root| DATA.map(|folder| root.join(folder))) {
                command.arg("-L").arg(place);
            }
        }
        command
    }
}

/// The folder with QEMU's modules, which is named after the host's architecture.
fn modules(tree: &Path) -> PathBuf {
    let shelves = std::fs::read_dir(tree.join("usr/lib")).into_iter().flatten().flatten();
    let folders = shelves.map(|entry| entry.path().join("qemu"));
    let is_triplet = |path: &PathBuf| path.to_string_lossy().contains("-linux-gnu") && path.is_dir();
    folders.into_iter().find(is_triplet).unwrap_or_else(|| tree.join("usr/lib/qemu"))
}

/// A version that cannot be read counts as an old one.
fn is_older(words: &str, than: (u32, u32)) -> bool {
    let version = words.split_whitespace().skip_while(|word| *word != "version").nth(1).unwrap_or_default();
    let mut numbers = version.split(|character: char| !character.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < than,
        _ => true,
    }
}

#[cfg(test)]
impl Emulator {
    /// One that is never started.
    pub fn imagined(races: bool) -> Self {
        Self { program: "qemu".into(), tree: None, races }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn versions_before_8_1_and_unknown_ones_are_old() {
        assert!(is_older("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright", (8, 1)));
        assert!(is_older("QEMU emulator version 8.0.4", (8, 1)));
        assert!(!is_older("QEMU emulator version 8.1.0", (8, 1)));
        assert!(!is_older("QEMU emulator version 10.0.8 (Debian 1:10.0.8)", (8, 1)));
        assert!(is_older("something else", (8, 1)));
    }

    /// A tree with a program that says a version, and then its module folder and its arguments.
    fn tree(version: &str) -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("usr/bin")).unwrap();
        fs::create_dir_all(tree.path().join("usr/lib/x86_64-linux-gnu/qemu")).unwrap();
        let program = tree.path().join("usr/bin/qemu-system-x86_64");
        let text = format!("#!/bin/sh\necho QEMU emulator version {version}\necho \"$QEMU_MODULE_DIR\" \"$@\"\n");
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        tree
    }

    #[test]
    fn an_unpacked_one_is_told_where_its_own_files_are() {
        let (machine, tree) = (Machine::named("x86_64").unwrap(), tree("10.0.2"));
        let emulator = Emulator::unpacked(machine, tree.path()).unwrap();
        assert_eq!((emulator.races(), emulator.name().as_str()), (false, "qemu-system-x86_64"));
        let said = command::output(&mut emulator.command(), "ask", "sh").unwrap();
        let root = tree.path().display();
        let own = format!("{root}/usr/lib/x86_64-linux-gnu/qemu -L {root}/usr/share/seabios -L {root}/usr/share/qemu");
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(&format!("{own} -L /usr/share/seabios -L /usr/share/qemu")), "{said}");
    }

    #[test]
    fn an_old_one_races_and_one_that_does_not_start_is_an_error() {
        let (machine, old) = (Machine::named("x86_64").unwrap(), tree("7.2.22"));
        assert!(Emulator::unpacked(machine, old.path()).unwrap().races());
        Emulator::unpacked(machine, Path::new("/nowhere")).unwrap_err();
    }
}
