//! A machine's device tree with an overlay in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use spec::board::Qemu;
use tempfile::TempDir;

use crate::command;
use crate::debian::custom::FOLDER;
use crate::error::{Error, Result};
use crate::machine::architecture::Machine;
use crate::machine::emulator::Emulator;

const PACKAGE: &str = "device-tree-compiler";

/// A device tree in a file that is gone when this is dropped.
#[derive(Debug)]
pub struct DeviceTree {
    _folder: TempDir,
    file: PathBuf,
}

impl DeviceTree {
    /// The file, for QEMU's `-dtb`.
    pub fn path(&self) -> &Path {
        &self.file
    }
}

/// Puts the overlay that a board file names into `base`, or into the tree that QEMU makes for its machine.
///
/// # Errors
/// When the overlay cannot be read, compiled or applied; when the machine has no device tree.
pub fn with_overlay(
    root: &Path,
    machine: &Machine,
    emulator: &Emulator,
    qemu: &Qemu,
    base: Option<&Path>,
) -> Result<Option<DeviceTree>> {
    let Some(name) = &qemu.overlay else { return Ok(None) };
    let source = root.join(FOLDER).join(format!("{name}.dtso"));
    std::fs::metadata(&source).map_err(Error::file("read", &source))?;
    let folder = tempfile::tempdir().map_err(Error::file("create a folder in", &std::env::temp_dir()))?;
    let [binary, own, file] = ["overlay.dtbo", "machine.dtb", "board.dtb"].map(|name| folder.path().join(name));
    let base = match base {
        Some(base) => base,
        None => {
            command::output(&mut dump(emulator, qemu, &own), "tell the machine's device tree", machine.package)?;
            &own
        }
    };
    let mut compile = Command::new("dtc");
    compile.args(["-q", "-@", "-I", "dts", "-O", "dtb", "-o"]).arg(&binary).arg(&source);
    command::output(&mut compile, "compile the device tree's overlay", PACKAGE)?;
    let mut apply = Command::new("fdtoverlay");
    apply.arg("-i").arg(base).arg("-o").arg(&file).arg(&binary);
    command::output(&mut apply, "apply the device tree's overlay", PACKAGE)?;
    Ok(Some(DeviceTree { _folder: folder, file }))
}

/// Asks QEMU for the device tree that it would pass to the kernel.
fn dump(emulator: &Emulator, qemu: &Qemu, to: &Path) -> Command {
    let mut command = emulator.command();
    command.arg("-M").arg(format!("{},dumpdtb={}", qemu.machine, to.display())).args(["-cpu", &qemu.cpu]);
    command.arg("-smp").arg(qemu.processors.to_string()).arg("-m").arg(qemu.memory.to_string());
    command.args(["-nodefaults", "-nographic", "-vga", "none"]);
    command
}
