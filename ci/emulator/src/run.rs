//! `ci/board run`, `shell` and `fetch`.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use event::exit::Exit::RestartWanted as Restart;
use nix::fcntl::{Flock, FlockArg};
use spec::board::BoardCommand;

use crate::arguments::{Limits, Making};
use crate::bench::Bench;
use crate::board;
use crate::boots::Boots;
use crate::debian::cross::Cross;
use crate::error::{Error, Exit, Result};
use crate::image::parts::Task;
use crate::machine::architecture::Machine;
use crate::machine::follower::ConsoleFollower;
use crate::machine::qemu::{End, Ended, Start};
use crate::make::{debian, emulator, libraries, make, place, wanted};
use crate::results::folder::Results;

/// `ci/board run`.
///
/// # Errors
/// Everything but what `prime-cts` itself says with its exit code.
pub fn run(bench: &Bench, making: &Making, limits: &Limits, arguments: &[String]) -> Result<u8> {
    let begin = Instant::now();
    let Bench { root, report, .. } = bench;
    let (board, source) = wanted(root, making)?;
    let emulate = board::emulation(&board)?;
    let machine = Machine::of(&board)?;
    if limits.bisect && board.command != BoardCommand::Run {
        let what =
            format!("board '{}' does not run cells by themselves, so that --bisect has nothing to go by", board.name);
        return Err(Error::usage(what, "choose a board without `command` in its file"));
    }
    let place = place(making);
    let results = Results::open(root, &place)?;
    let _only = alone(root, &place)?;
    if !limits.resume {
        results.clear()?;
    }
    let arguments = if arguments.is_empty() { &board.arguments } else { arguments };
    let made = make(bench, making, &board, &source, Task::Run(arguments))?;
    let start = made.start(emulate, machine, &results);
    let prepared = Instant::now();
    let mut boots = Boots::default();
    let (verdict, heard) = loop {
        report.step("booting");
        results.forget_exit();
        let mut heard = ConsoleFollower::new(report, &results, Instant::now(), prepared + limits.timeout);
        if board.command == BoardCommand::Run {
            heard = heard.with_journal();
        }
        let followed = follow(&start, &results, &mut heard, boots.after_damage(limits));
        report.clear();
        let (end, ended) = match followed {
            Ok(followed) => followed,
            Err(error) => break (Err(error), heard),
        };
        match heard.verdict(end, &ended.words, limits.timeout) {
            Ok(code) if code == Restart as u8 && boots.asked(limits) => {
                report.warning("the board asks for a restart, and is started again");
            }
            Err(Error::Died { what, .. }) if boots.again(end, &heard, &ended, results.head(), limits) => {
                report.warning(&format!("the board {what}; it {}, and is started again", boots.was()));
            }
            verdict => break (verdict, heard),
        }
    };
    let over = Instant::now();
    let verdict = if board.command == BoardCommand::Run { results.or_no_room(verdict) } else { verdict };
    let code = match (verdict, results.summary()) {
        (Ok(code), summary) => {
            // It says on its standard error why it has none.
            if summary.is_empty() {
                eprint!("{}", results.said())
            } else {
                print!("{summary}")
            }
            code
        }
        // It is no kernel's fault.
        (Err(error), _) if limits.bisect && error.exit() == Exit::CutShort => return Err(error),
        // However it ended, what had been finished is reported; of a run that had come to its end, that is all.
        (Err(error), _) => match results.so_far() {
            None => return Err(error),
            Some((summary, exit)) => {
                print!("{summary}");
                eprintln!("ci/board: {error}");
                exit as u8
            }
        },
    };
    let seconds = |from: Instant, to: Instant| format!("{:.1} s", (to - from).as_secs_f64());
    let up = heard.run.unwrap_or(over);
    println!(
        "prepare {}, boot {}, run {}, total {}{}; results in {}",
        seconds(begin, prepared),
        seconds(prepared, up),
        seconds(up, over),
        seconds(begin, over),
        boots.told(),
        shown(results.folder())
    );
    Ok(code)
}

/// Follows a boot to its end, which may be that of the place for its results.
fn follow(
    start: &Start<'_>,
    results: &Results,
    heard: &mut ConsoleFollower<'_>,
    after_damage: &str,
) -> Result<(End, Ended)> {
    results.after_damage(after_damage)?;
    let mut running = start.spawn()?;
    let end = running.follow(&results.console(), heard.deadline(), |bytes| heard.hear(bytes));
    let ended = running.kill();
    Ok((end?, ended))
}

/// `ci/board shell`.
///
/// # Errors
/// When the board cannot be made or started.
pub fn shell(bench: &Bench, making: &Making) -> Result<u8> {
    let Bench { root, report, .. } = bench;
    let (board, source) = wanted(root, making)?;
    let emulate = board::emulation(&board)?;
    let place = place(making);
    let results = Results::open(root, &place)?;
    let _only = alone(root, &place)?;
    let (rows, columns) = terminal_size();
    let made = make(bench, making, &board, &source, Task::Shell(rows, columns))?;
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
pub fn fetch(bench: &Bench, name: &str, refresh: bool) -> Result<u8> {
    let Bench { root, cache, report } = bench;
    let (board, _) = board::read(root, name)?;
    let emulate = board::emulation(&board)?;
    let _lock = cache.lock()?;
    let machine = Machine::of(&board)?;
    emulator(bench, emulate, machine, refresh)?;
    libraries(bench, emulate, machine, refresh)?;
    let (kernel, _) = debian(bench, emulate, machine, refresh)?;
    report.clear();
    println!("{}", kernel.image.display());
    Ok(Exit::Success as u8)
}

/// `ci/board program`.
///
/// # Errors
/// For an architecture that is not known, and the compiler's.
pub fn program(bench: &Bench, architecture: &str, refresh: bool) -> Result<u8> {
    let Bench { root, cache, report } = bench;
    let machine = Machine::named(architecture).ok_or_else(|| {
        let known = format!("known: {}", Machine::names().join(", "));
        Error::usage(format!("there is no architecture '{architecture}' here"), known)
    })?;
    let _lock = cache.lock()?;
    let cross = Cross::of(cache, machine, refresh, &|what| report.step(what))?;
    report.step("building prime-cts");
    let program = crate::image::program::program(root, machine, cross.as_ref(), None, None)?;
    report.clear();
    println!("{}", program.display());
    Ok(Exit::Success as u8)
}

/// Keeps a second run of the same board away from this one's results.
fn alone(root: &Path, place: &str) -> Result<Flock<File>> {
    let path = root.join("target/boards").join(format!("{place}.lock"));
    let file = File::create(&path).map_err(Error::file("create", &path))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| {
        let what = format!("board '{place}' is running already, and its results would be lost");
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
