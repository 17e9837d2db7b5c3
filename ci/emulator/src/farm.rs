//! `ci/board image`: what a board farm boots.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::arguments::Making;
use crate::bench::Bench;
use crate::board;
use crate::error::{Error, Exit, Result};
use crate::image::parts::Task;
use crate::machine::architecture::Machine;
use crate::make::{make, wanted};
use crate::results::folder::Results;

/// The content of `board.json`: how a farm starts the board.
#[derive(Debug, Serialize)]
struct About<'a> {
    /// The board file's.
    name: &'a str,
    /// `uname -m`.
    architecture: &'a str,
    /// The program that emulates it.
    qemu: &'a str,
    /// The kernel's name of its console.
    console: &'a str,
    /// The kernel's command line.
    append: String,
    /// QEMU's command line but for what it boots and where its console is.
    options: Vec<String>,
    /// The files next to this one.
    kernel: &'a str,
    initramfs: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_tree: Option<&'a str>,
}

const KERNEL: &str = "kernel";
const INITRAMFS: &str = "initramfs.gz";
const DEVICE_TREE: &str = "board.dtb";

/// `ci/board image`.
///
/// # Errors
/// When the board cannot be made, has libraries that it mounts, or its files cannot be written.
pub fn image(bench: &Bench, making: &Making, output: &Path) -> Result<u8> {
    let Bench { root, report, .. } = bench;
    let (board, source) = wanted(root, making)?;
    let emulate = board::emulation(&board)?;
    let machine = Machine::of(&board)?;
    if emulate.userland.is_some() {
        let what = format!("board '{}' mounts its libraries from this host, and a farm's board cannot", board.name);
        return Err(Error::usage(what, "choose a board without emulate.userland"));
    }
    let made = make(bench, making, &board, &source, Task::Login)?;
    let results = Results::open(root, &board.name)?;
    let start = made.start(emulate, machine, &results);
    fs::create_dir_all(output).map_err(Error::file("create", output))?;
    let copy = |from: &Path, name: &str| fs::copy(from, output.join(name)).map_err(Error::file("copy", from));
    copy(start.kernel, KERNEL)?;
    start.device_tree.map(|tree| copy(tree, DEVICE_TREE)).transpose()?;
    let initramfs = output.join(INITRAMFS);
    compress(start.initramfs, &initramfs).map_err(Error::file("write", &initramfs))?;
    let about = About {
        name: &board.name,
        architecture: &board.architecture,
        qemu: machine.qemu,
        console: &emulate.qemu.console,
        append: start.kernel_words(""),
        options: start.options(),
        kernel: KERNEL,
        initramfs: INITRAMFS,
        device_tree: start.device_tree.map(|_| DEVICE_TREE),
    };
    let path = output.join("board.json");
    let text = serde_json::to_string_pretty(&about).expect("texts and lists of them");
    fs::write(&path, text + "\n").map_err(Error::file("write", &path))?;
    report.clear();
    println!("{}", path.display());
    Ok(Exit::Success as u8)
}

fn compress(from: &Path, to: &Path) -> io::Result<()> {
    let mut encoder = GzEncoder::new(File::create(to)?, Compression::fast());
    io::copy(&mut BufReader::new(File::open(from)?), &mut encoder)?;
    encoder.finish()?.sync_all()
}
