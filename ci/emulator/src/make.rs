//! From a board file to a board that can be started.

use std::path::{Path, PathBuf};

use spec::board::{Board, Emulate};

use crate::arguments::Making;
use crate::bench::Bench;
use crate::board;
use crate::changes;
use crate::debian::archive::Archive;
use crate::debian::cross::Cross;
use crate::debian::custom;
use crate::debian::drivers;
use crate::debian::index::Choice;
use crate::debian::kernel::{self, Kernel};
use crate::debian::qemu;
use crate::error::Result;
use crate::image::busybox;
use crate::image::parts::{Image, Parts, Task};
use crate::image::program;
use crate::image::userland;
use crate::machine::architecture::Machine;
use crate::machine::device_tree::{self, DeviceTree};
use crate::machine::emulator::Emulator;
use crate::machine::qemu::Start;
use crate::results::folder::Results;

/// A board that is ready to start.
#[derive(Debug)]
pub struct MadeBoard {
    kernel: Kernel,
    image: Image,
    userland: Option<PathBuf>,
    device_tree: Option<DeviceTree>,
    emulator: Emulator,
}

impl MadeBoard {
    /// Returns the arguments to start it.
    pub fn start<'a>(&'a self, emulate: &'a Emulate, machine: &'a Machine, results: &'a Results) -> Start<'a> {
        Start {
            machine,
            qemu: &emulate.qemu,
            kernel: &self.kernel.image,
            device_tree: self.device_tree.as_ref().map(DeviceTree::path).or(self.kernel.device_tree.as_deref()),
            initramfs: self.image.initramfs.path(),
            append: &self.image.append,
            emulator: &self.emulator,
            results: results.folder(),
            userland: self.userland.as_deref(),
        }
    }
}

/// The board with the kernel and the faults that were asked for, and its file's text.
///
/// # Errors
/// For an unknown board or change, and a faulty file.
pub fn wanted(root: &Path, making: &Making) -> Result<(Board, String)> {
    let (mut board, source) = board::read(root, &making.name)?;
    if let Some((suite, release)) = &making.debian {
        board::with_kernel(&mut board, suite, release)?;
    }
    changes::plant(root, &mut board, &making.changes)?;
    Ok((board, source))
}

/// The name of the folder in `target/boards` for its results.
pub fn place(making: &Making) -> String {
    let release = making.debian.as_ref().map(|(_, release)| format!("@{release}")).unwrap_or_default();
    changes::place(&format!("{}{release}", making.name), &making.changes)
}

/// Makes a board: its kernel and drivers, its libraries, `prime-cts` and the initramfs.
///
/// # Errors
/// When any of them cannot be made.
pub fn make(bench: &Bench, making: &Making, board: &Board, source: &str, task: Task<'_>) -> Result<MadeBoard> {
    let Bench { root, cache, report } = bench;
    let emulate = board::emulation(board)?;
    let machine = Machine::of(board)?;
    // A wrong path on the command line is reported before minutes of compiling.
    let given = making.kernel.as_deref().map(|kernel| Kernel::given(kernel, making.modules.as_deref())).transpose()?;
    let _lock = cache.lock()?;
    let emulator = match task {
        // Only cells that run at the same time gain by processors that do: by itself the newer one is slower by a tenth.
        Task::Run(arguments) if asks_for_jobs(arguments) => emulator(bench, emulate, machine, making.refresh)?,
        // What emulates it on a farm is the farm's, of which the host's is the best guess.
        _ => Emulator::of_host(machine)?,
    };
    let userland = libraries(bench, emulate, machine, making.refresh)?;
    let cross = match &making.binary {
        None => Cross::of(cache, machine, making.refresh, &|what| report.step(what))?,
        Some(_) => None,
    };
    report.step("building prime-cts");
    let program = program::program(
        root,
        machine,
        cross.as_ref(),
        emulate.userland.as_ref().zip(userland.as_deref()),
        making.binary.as_deref(),
    )?;
    report.step("preparing the kernel");
    let (kernel, built) = match given {
        Some(kernel) => (kernel, Vec::new()),
        None => debian(bench, emulate, machine, making.refresh)?,
    };
    let device_tree =
        device_tree::with_overlay(root, machine, &emulator, &emulate.qemu, kernel.device_tree.as_deref())?;
    let busybox = busybox::busybox(cache, machine, making.refresh, &|what| report.step(what))?;
    let userland_is_there = userland.is_some();
    let (kernel_of_it, program, busybox) = (&kernel, program.as_path(), busybox.as_path());
    let parts =
        Parts { board, source, kernel: kernel_of_it, built: &built, userland: userland_is_there, busybox, program };
    let image = parts.image(cache, task)?;
    for module in &image.missing {
        report.warning(&format!("this kernel has no module '{module}'"));
    }
    Ok(MadeBoard { kernel, image, userland, device_tree, emulator })
}

/// Returns whether arguments of `prime-cts run` ask for more than one cell at a time.
fn asks_for_jobs(arguments: &[String]) -> bool {
    let behind = arguments.windows(2).filter(|pair| pair[0] == "--jobs").map(|pair| pair[1].as_str());
    let within = arguments.iter().filter_map(|argument| argument.strip_prefix("--jobs="));
    behind.chain(within).last().is_some_and(|jobs| jobs != "1")
}

/// The program that emulates the board when several cells run at a time.
///
/// # Errors
/// When there is none.
pub fn emulator(bench: &Bench, emulate: &Emulate, machine: &'static Machine, refresh: bool) -> Result<Emulator> {
    let Bench { cache, report, .. } = bench;
    let (tell, warn) = (|what: &str| report.step(what), |what: &str| report.warning(what));
    qemu::emulator(cache, machine, emulate.qemu.processors, refresh, &tell, &warn)
}

/// The board's libraries, if it has some.
///
/// # Errors
/// Those of downloads.
pub fn libraries(
    bench: &Bench,
    emulate: &Emulate,
    machine: &'static Machine,
    refresh: bool,
) -> Result<Option<PathBuf>> {
    let Bench { cache, report, .. } = bench;
    let tell = |what: &str| report.step(what);
    emulate.userland.as_ref().map(|wanted| userland::userland(cache, wanted, machine, refresh, &tell)).transpose()
}

/// Debian's kernel with the drivers built for it, or one of our own.
///
/// # Errors
/// Those of downloads and of the compiler.
pub fn debian(
    bench: &Bench,
    emulate: &Emulate,
    machine: &'static Machine,
    refresh: bool,
) -> Result<(Kernel, Vec<PathBuf>)> {
    let Bench { root, cache, report } = bench;
    let tell = |what: &str| report.step(what);
    if let Some(configuration) = &emulate.kernel.configuration {
        return custom::kernel(root, cache, emulate, configuration, machine, refresh, &tell);
    }
    chosen(bench, emulate, machine, refresh, |archive, choice| {
        let kernel = Kernel::fetch(archive, choice, &tell)?;
        Ok((kernel, drivers::build(root, cache, archive, choice, &emulate.build, &tell)?))
    })
}

/// Makes something from the packages of the board's kernel: from those that were chosen last, or with `refresh` from the
/// newest.
///
/// # Errors
/// Those of downloads and of `make`.
pub fn chosen<T>(
    bench: &Bench,
    emulate: &Emulate,
    machine: &'static Machine,
    refresh: bool,
    make: impl Fn(&Archive<'_>, &Choice) -> Result<T>,
) -> Result<T> {
    let Bench { cache, report, .. } = bench;
    let wanted = &emulate.kernel;
    let archive = Archive::open(cache, &wanted.suite, machine.debian)?;
    let build = !emulate.build.is_empty();
    let kind = if build { "built" } else { "plain" };
    let name = format!("kernel-{}-{}-{}-{kind}", wanted.suite, machine.debian, wanted.release.trim_end_matches('.'));
    let choose = || {
        report.step(&format!("looking for the newest kernel {}* in {}", wanted.release, wanted.suite));
        kernel::newest(&archive, wanted, machine, build)
    };
    cache.pinned(&name, refresh, choose, |choice| make(&archive, choice))
}

#[cfg(test)]
mod tests {
    use super::asks_for_jobs;

    #[test]
    fn only_several_jobs_need_several_threads() {
        let asks = |line: &str| asks_for_jobs(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert!(asks("--jobs 2 fd.") && asks("--jobs=4"));
        assert!(!asks("fd.") && !asks("--jobs 1") && !asks("--jobs=2 --jobs=1"));
    }
}
