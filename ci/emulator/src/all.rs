//! `ci/board run all`, or several names: as many boards at a time as the host has room for, and one table.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use event::journal::Events;
use spec::board::{Board, BoardCommand};

use crate::arguments::ALL;
use crate::bench::Bench;
use crate::board;
use crate::command;
use crate::error::{Error, Exit, Result};
use crate::results::table::{Row, table};

/// Runs the boards of these names, or with `all` among them every emulated one, and prints the table. The words of each run
/// are beside its results' folder, in `NAME.log`.
///
/// # Errors
/// When a board file cannot be read, a name is not a board's, or a run cannot be started.
pub fn run(bench: &Bench, names: &[String], resume: bool, arguments: &[String]) -> Result<u8> {
    let Bench { root, report, .. } = bench;
    let every = names.iter().any(|name| name == ALL);
    for name in names.iter().filter(|name| *name != ALL) {
        board::read(root, name)?;
    }
    // Arguments are those of `prime-cts run`: to another command they would mean something else.
    let takes = |board: &Board| arguments.is_empty() || board.command == BoardCommand::Run;
    let wanted = |board: &Board| {
        if every { board.emulate.is_some() && takes(board) } else { names.contains(&board.name) }
    };
    let boards: Vec<Board> = board::all(root)?.into_iter().filter(wanted).collect();
    let memory = boards.iter().filter_map(|board| board.emulate.as_ref()).map(|emulate| emulate.qemu.memory).max();
    let places = places(available(), memory.unwrap_or(0));
    let waiting: Mutex<VecDeque<&Board>> = Mutex::new(boards.iter().collect());
    let done: Mutex<Vec<Row>> = Mutex::new(Vec::new());
    let failed: Mutex<Option<Error>> = Mutex::new(None);
    let next = || waiting.lock().ok()?.pop_front();
    report.step(&format!("{} boards, {places} at a time", boards.len()));
    std::thread::scope(|scope| {
        for _ in 0..places {
            scope.spawn(|| {
                while let Some(board) = next() {
                    match one(root, &board.name, resume, arguments) {
                        Ok(row) => {
                            eprintln!("{}: {}", row.board, row.end());
                            done.lock().map(|mut done| done.push(row)).unwrap_or_default();
                        }
                        Err(error) => failed.lock().map(|mut failed| *failed = Some(error)).unwrap_or_default(),
                    }
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().ok().flatten() {
        return Err(error);
    }
    let mut rows = done.into_inner().unwrap_or_default();
    rows.sort_by(|a, b| a.board.cmp(&b.board));
    print!("{}", table(&rows));
    let worst = rows.iter().filter_map(|row| row.code).find(|code| *code != 0);
    Ok(worst.map_or(Exit::Success as u8, |code| u8::try_from(code).unwrap_or(Exit::Board as u8)))
}

fn one(root: &Path, name: &str, resume: bool, arguments: &[String]) -> Result<Row> {
    let results = root.join("target/boards");
    fs::create_dir_all(&results).map_err(Error::file("create", &results))?;
    // Beside the results: their folder is cleared when the run begins.
    let log = results.join(format!("{name}.log"));
    let words = fs::File::create(&log).map_err(Error::file("create", &log))?;
    let mut command = command::again(root);
    command.args(["run", name]);
    if resume {
        command.arg("--resume");
    }
    if !arguments.is_empty() {
        command.arg("--").args(arguments);
    }
    let errors = words.try_clone().map_err(Error::file("open", &log))?;
    let begin = Instant::now();
    let status = command.stdout(words).stderr(errors).status();
    let status = status.map_err(Error::file("start", Path::new("this program")))?;
    // A run that could not begin has none.
    let journal = Events::open(&results.join(name).join("run.jsonl"));
    let events = journal.into_iter().flatten().map_while(|event| event.ok());
    Ok(Row { code: status.code(), ..Row::of(name, events, begin.elapsed()) })
}

/// How many boards run at a time: each has a processor and its memory, and half as much again for QEMU.
fn places(available: Option<u64>, memory: u32) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let each = u64::from(memory).max(1) * 3 / 2;
    let by_memory = available.map_or(1, |megabytes| usize::try_from(megabytes / each).unwrap_or(usize::MAX));
    processors.min(by_memory).max(1)
}

/// MemAvailable of the host, in MiB.
fn available() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_one_board_at_least() {
        assert_eq!(places(Some(100), 1024), 1);
        assert_eq!(places(None, 1024), 1);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(places(Some(1 << 40), 1024), processors);
    }
}
