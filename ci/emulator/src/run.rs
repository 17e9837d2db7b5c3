//! From a board's name to its results.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use document::board::{Board, Emulate};
use nix::fcntl::{Flock, FlockArg};

use crate::Making;
use crate::archive::Archive;
use crate::board;
use crate::cache::Cache;
use crate::console::{Console, Event};
use crate::drivers;
use crate::error::{Error, Exit, Result, tail};
use crate::image::{Image, Parts, Task};
use crate::kernel::{self, Kernel};
use crate::machine::Machine;
use crate::program;
use crate::qemu::{self, End, Start};
use crate::report::Report;
use crate::results::{Archive as Sent, Results};
use crate::userland;

/// A kernel that has not started init by then never will: under emulation it takes seconds.
const BOOT: Duration = Duration::from_secs(120);
/// A machine whose program has ended switches itself off at once.
const POWER_OFF: Duration = Duration::from_secs(15);

/// What a shell ends with when its program is not there, or is none for this machine.
const NOT_STARTED: [u8; 2] = [126, 127];

/// `ci/board run`.
///
/// # Errors
/// Everything but what `prime-cts` itself says with its exit code.
pub fn run(
    root: &Path,
    cache: &Cache,
    report: &Report,
    making: &Making,
    timeout: Duration,
    arguments: &[String],
) -> Result<u8> {
    let begin = Instant::now();
    let (board, source) = board::read(root, &making.name)?;
    let emulate = board::emulation(&board)?;
    let machine = Machine::of(&board)?;
    let results = Results::open(root, &board.name)?;
    let _only = alone(root, &board)?;
    results.clear()?;
    let made = make(root, cache, report, making, &board, &source, Task::Run(arguments))?;
    let start = made.start(emulate, machine, &results);
    let prepared = Instant::now();
    report.step("booting");
    let mut heard = Heard::new(report, &results, prepared, timeout);
    let mut running = start.spawn()?;
    let end = running.follow(&results.console(), heard.deadline(), |bytes| heard.hear(bytes))?;
    let words = running.kill();
    let over = Instant::now();
    report.clear();
    let code = heard.verdict(end, &words, timeout)?;
    print!("{}", results.summary());
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
    let (kernel, _) = debian(cache, report, emulate, machine, refresh)?;
    report.clear();
    println!("{}", kernel.image.display());
    Ok(Exit::Success as u8)
}

/// A board that is ready to start.
struct Made {
    kernel: Kernel,
    image: Image,
    userland: Option<PathBuf>,
    races: bool,
}

impl Made {
    fn start<'a>(&'a self, emulate: &'a Emulate, machine: &'a Machine, results: &'a Results) -> Start<'a> {
        Start {
            machine,
            qemu: &emulate.qemu,
            kernel: &self.kernel.image,
            initramfs: self.image.initramfs.path(),
            append: &self.image.append,
            races: self.races,
            results: results.folder(),
            userland: self.userland.as_deref(),
        }
    }
}

fn make(
    root: &Path,
    cache: &Cache,
    report: &Report,
    making: &Making,
    board: &Board,
    source: &str,
    task: Task<'_>,
) -> Result<Made> {
    let emulate = board::emulation(board)?;
    let machine = Machine::of(board)?;
    let races = qemu::races(machine)?;
    // A wrong path on the command line is to be heard of before minutes of compiling.
    let given = making.kernel.as_deref().map(|kernel| Kernel::given(kernel, making.modules.as_deref())).transpose()?;
    let _lock = cache.lock()?;
    let userland = libraries(cache, report, emulate, machine, making.refresh)?;
    report.step("building prime-cts");
    let program =
        program::program(root, machine, emulate.userland.as_ref().zip(userland.as_deref()), making.binary.as_deref())?;
    report.step("preparing the kernel");
    let (kernel, built) = match given {
        Some(kernel) => (kernel, Vec::new()),
        None => debian(cache, report, emulate, machine, making.refresh)?,
    };
    let parts =
        Parts { board, source, kernel: &kernel, built: &built, userland: userland.is_some(), program: &program };
    let image = parts.image(cache, task)?;
    for module in &image.missing {
        report.warning(&format!("this kernel has no module '{module}'"));
    }
    Ok(Made { kernel, image, userland, races })
}

fn libraries(
    cache: &Cache,
    report: &Report,
    emulate: &Emulate,
    machine: &'static Machine,
    refresh: bool,
) -> Result<Option<PathBuf>> {
    let tell = |what: &str| report.step(what);
    emulate.userland.as_ref().map(|wanted| userland::userland(cache, wanted, machine, refresh, &tell)).transpose()
}

/// Debian's kernel with the drivers built for it.
fn debian(
    cache: &Cache,
    report: &Report,
    emulate: &Emulate,
    machine: &'static Machine,
    refresh: bool,
) -> Result<(Kernel, Vec<PathBuf>)> {
    let (wanted, builds) = (&emulate.kernel, &emulate.build);
    let tell = |what: &str| report.step(what);
    let archive = Archive::open(cache, &wanted.suite, machine.debian)?;
    let build = !builds.is_empty();
    let kind = if build { "built" } else { "plain" };
    let name = format!("kernel-{}-{}-{}-{kind}", wanted.suite, machine.debian, wanted.release.trim_end_matches('.'));
    let choose = || {
        report.step(&format!("looking for the newest kernel {}* in {}", wanted.release, wanted.suite));
        kernel::newest(&archive, wanted, machine, build)
    };
    cache.pinned(&name, refresh, choose, |choice| {
        let kernel = Kernel::fetch(&archive, choice, &tell)?;
        Ok((kernel, drivers::build(cache, &archive, choice, builds, &tell)?))
    })
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

/// What was heard of a board so far.
struct Heard<'a> {
    report: &'a Report,
    results: &'a Results,
    console: Console,
    archive: Sent,
    start: Instant,
    end: Instant,
    up: bool,
    run: Option<Instant>,
    done: Option<Instant>,
    panic: Option<String>,
    progress: Option<(u64, u64)>,
}

impl<'a> Heard<'a> {
    fn new(report: &'a Report, results: &'a Results, start: Instant, timeout: Duration) -> Self {
        let (console, archive) = (Console::default(), Sent::default());
        let end = start + timeout;
        Self {
            report,
            results,
            console,
            archive,
            start,
            end,
            up: false,
            run: None,
            done: None,
            panic: None,
            progress: None,
        }
    }

    fn deadline(&self) -> Instant {
        match self.done {
            Some(done) => done + POWER_OFF,
            None if self.up => self.end,
            None => self.end.min(self.start + BOOT),
        }
    }

    fn hear(&mut self, bytes: &[u8]) -> Option<Instant> {
        for event in self.console.feed(bytes) {
            match event {
                Event::Up => self.up = true,
                Event::Run => {
                    self.run = Some(Instant::now());
                    self.report.step("running prime-cts");
                }
                Event::Warning(what) => self.report.warning(&what),
                Event::Progress(at, of) => {
                    self.progress = Some((at, of));
                    self.report.progress(at, of);
                }
                Event::ArchiveBegin(digest) => self.archive.begin(digest),
                Event::ArchiveLine(line) => self.archive.line(&line),
                Event::ArchiveEnd => self.archive.end(),
                Event::Done(_) => self.done = Some(Instant::now()),
                // QEMU ends by itself after it, once the kernel has said its last words.
                Event::Panic(why) => {
                    self.panic.get_or_insert(why);
                    self.done.get_or_insert_with(Instant::now);
                }
            }
        }
        Some(self.deadline())
    }

    /// The program's exit code, or why there is none.
    fn verdict(&self, end: End, words: &str, timeout: Duration) -> Result<u8> {
        if end == End::Interrupted {
            return Err(Error::Interrupted { results: self.results.folder().to_owned() });
        }
        if self.archive.is_begun() {
            self.results.unpack(&self.archive)?;
        }
        let exit = self.results.exit();
        if let (Some(code), None) = (exit, &self.panic)
            && !NOT_STARTED.contains(&code)
        {
            return Ok(code);
        }
        let at = self.progress.map_or(String::new(), |(at, of)| format!(" after cell {at} of {of}"));
        let what = match &self.panic {
            Some(why) => format!("died{at}: {why}"),
            None if exit.is_some() => "could not start prime-cts".to_owned(),
            None if end == End::Late && self.up => format!("was not done within {} s: it hangs{at}", timeout.as_secs()),
            None if end == End::Late => {
                format!("did not start init within {} s", timeout.min(BOOT).as_secs())
            }
            None if self.up => format!("was switched off before prime-cts had ended{at}"),
            None => "was switched off before its kernel had started init".to_owned(),
        };
        let tail = [tail(words, 20), self.console.tail()].concat();
        Err(Error::Died { what, tail, console: self.results.console() })
    }
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
