//! `ci/board run`, `shell` and `fetch`.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use nix::fcntl::{Flock, FlockArg};
use spec::board::Board;

use crate::Making;
use crate::board;
use crate::cache::Cache;
use crate::cross::Cross;
use crate::error::{Error, Exit, Result};
use crate::heard::Heard;
use crate::image::Task;
use crate::machine::Machine;
use crate::make::{debian, libraries, make};
use crate::qemu::{End, Ended};
use crate::report::Report;
use crate::results::Results;

/// `ci/board run`.
///
/// # Errors
/// Everything but what `prime-cts` itself says with its exit code.
pub fn run(
    root: &Path,
    cache: &Cache,
    report: &Report,
    making: &Making,
    limits: &Limits,
    arguments: &[String],
) -> Result<u8> {
    let begin = Instant::now();
    let (board, source) = board::read(root, &making.name)?;
    let emulate = board::emulation(&board)?;
    let machine = Machine::of(&board)?;
    let results = Results::open(root, &board.name)?;
    let _only = alone(root, &board)?;
    results.clear()?;
    let arguments = if arguments.is_empty() { &board.arguments } else { arguments };
    let made = make(root, cache, report, making, &board, &source, Task::Run(arguments))?;
    let start = made.start(emulate, machine, &results);
    let prepared = Instant::now();
    let mut boots = Boots::default();
    let (code, heard) = loop {
        report.step("booting");
        let mut heard = Heard::new(report, &results, Instant::now(), prepared + limits.timeout);
        let mut running = start.spawn()?;
        let end = running.follow(&results.console(), heard.deadline(), |bytes| heard.hear(bytes))?;
        let ended = running.kill();
        report.clear();
        match heard.verdict(end, &ended.words, limits.timeout) {
            Err(Error::Died { what, .. }) if end == End::Off && boots.again(&heard, &ended, &results, limits) => {
                let cell = results.open_cell().unwrap_or_default();
                report.warning(&format!("the board {what}; it was in {cell}, and is started again"));
            }
            verdict => break (verdict?, heard),
        }
    };
    let over = Instant::now();
    match results.summary() {
        // It says on its standard error why it has none.
        summary if summary.is_empty() => eprint!("{}", results.said()),
        summary => print!("{summary}"),
    }
    let seconds = |from: Instant, to: Instant| format!("{:.1} s", (to - from).as_secs_f64());
    let up = heard.run.unwrap_or(over);
    println!(
        "prepare {}, boot {}, run {}, total {}; results in {}",
        seconds(begin, prepared),
        seconds(prepared, up),
        seconds(up, over),
        seconds(begin, over),
        shown(results.folder())
    );
    Ok(code)
}

/// What makes a run end before its time.
#[derive(Debug, Clone, Copy, Args)]
pub struct Limits {
    /// Give up after so many seconds of emulation.
    #[arg(long, value_name = "SECONDS", default_value = "1800", value_parser = seconds)]
    pub timeout: Duration,
    /// Start the board again so many times after a cell has brought its kernel down.
    #[arg(long, value_name = "COUNT", default_value = "8")]
    pub restarts: u32,
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a whole number of seconds from 1 on".to_owned()),
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
    }
}

/// The boots of a run.
#[derive(Debug, Default)]
struct Boots {
    restarts: u32,
    /// The last cell that brought the board down.
    open: Option<String>,
}

impl Boots {
    /// Whether to start the board again: its kernel went down, not the emulator, and in another cell than before.
    fn again(&mut self, heard: &Heard<'_>, ended: &Ended, results: &Results, limits: &Limits) -> bool {
        let open = results.open_cell();
        let other = open.is_some() && open != self.open;
        self.open = open;
        let again = other && (heard.panicked() || ended.by_itself) && self.restarts < limits.restarts;
        self.restarts += u32::from(again);
        again
    }
}

/// `ci/board shell`.
///
/// # Errors
/// When the board cannot be made or started.
pub fn shell(root: &Path, cache: &Cache, report: &Report, making: &Making) -> Result<u8> {
    let (board, source) = board::read(root, &making.name)?;
    let emulate = board::emulation(&board)?;
    let results = Results::open(root, &board.name)?;
    let _only = alone(root, &board)?;
    let (rows, columns) = terminal_size();
    let made = make(root, cache, report, making, &board, &source, Task::Shell(rows, columns))?;
    report.clear();
    let start = made.start(emulate, Machine::of(&board)?, &results);
    eprintln!("/results is {}; leave with `exit`, or with Ctrl-A X", shown(results.folder()));
    start.interact()?;
    Ok(Exit::Success as u8)
}

/// `ci/board fetch`.
///
/// # Errors
/// Those of downloads and of the compiler.
pub fn fetch(root: &Path, cache: &Cache, report: &Report, name: &str, refresh: bool) -> Result<u8> {
    let (board, _) = board::read(root, name)?;
    let emulate = board::emulation(&board)?;
    let _lock = cache.lock()?;
    let machine = Machine::of(&board)?;
    libraries(cache, report, emulate, machine, refresh)?;
    let (kernel, _) = debian(root, cache, report, emulate, machine, refresh)?;
    report.clear();
    println!("{}", kernel.image.display());
    Ok(Exit::Success as u8)
}

/// `ci/board program`.
///
/// # Errors
/// For an architecture that is not known, and the compiler's.
pub fn program(root: &Path, cache: &Cache, report: &Report, architecture: &str, refresh: bool) -> Result<u8> {
    let machine = Machine::named(architecture).ok_or_else(|| {
        let known = format!("known: {}", Machine::names().join(", "));
        Error::usage(format!("there is no architecture '{architecture}' here"), known)
    })?;
    let _lock = cache.lock()?;
    let cross = Cross::of(cache, machine, refresh, &|what| report.step(what))?;
    report.step("building prime-cts");
    let program = crate::program::program(root, machine, cross.as_ref(), None, None)?;
    report.clear();
    println!("{}", program.display());
    Ok(Exit::Success as u8)
}

/// Keeps a second run of the same board away from this one's results.
fn alone(root: &Path, board: &Board) -> Result<Flock<File>> {
    let path = root.join("target/boards").join(format!("{}.lock", board.name));
    let file = File::create(&path).map_err(Error::file("create", &path))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| {
        let what = format!("board '{}' is running already, and its results would be lost", board.name);
        Error::usage(what, "wait for the other run, or stop it")
    })
}

/// A path as a person at this place would write it.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

fn terminal_size() -> (u16, u16) {
    let size = std::process::Command::new("stty").arg("size").stdin(std::process::Stdio::inherit()).output();
    let text = size.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let numbers: Vec<u16> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    match numbers[..] {
        [rows, columns] if rows > 0 && columns > 0 => (rows, columns),
        _ => (24, 80),
    }
}
