//! `ci/board run all`, or several names: as many boards at a time as the host has room for, and one table.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use spec::board::{Board, BoardCommand};

use crate::ALL;
use crate::board;
use crate::error::{Error, Exit, Result};
use crate::report::Report;

/// What became of a board.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    board: String,
    kernel: String,
    endpoints: usize,
    implementations: usize,
    verdicts: BTreeMap<String, usize>,
    unexpected: usize,
    seconds: u64,
    /// The exit code of `ci/board run`.
    code: Option<i32>,
}

/// Runs the boards of these names, or with `all` among them every emulated one, and prints the table. The words of each run
/// are beside its results' folder, in `NAME.log`.
///
/// # Errors
/// When a board file cannot be read, a name is no board's, or a run cannot be started.
pub fn run(root: &Path, report: &Report, names: &[String], arguments: &[String]) -> Result<u8> {
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
                    match one(root, &board.name, arguments) {
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

fn one(root: &Path, name: &str, arguments: &[String]) -> Result<Row> {
    let results = root.join("target/boards");
    fs::create_dir_all(&results).map_err(Error::file("create", &results))?;
    // Beside the results: their folder is cleared when the run begins.
    let log = results.join(format!("{name}.log"));
    let words = fs::File::create(&log).map_err(Error::file("create", &log))?;
    // As it runs now: where its file is, another may have been built meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command.env("PRIME_CTS_ROOT", root).args(["run", name]);
    if !arguments.is_empty() {
        command.arg("--").args(arguments);
    }
    let errors = words.try_clone().map_err(Error::file("open", &log))?;
    let begin = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(words).stderr(errors).status();
    let status = status.map_err(Error::file("start", Path::new("this program")))?;
    let journal: PathBuf = results.join(name).join("run.jsonl");
    let text = fs::read_to_string(&journal).unwrap_or_default();
    Ok(Row { code: status.code(), ..Row::read(name, &text, begin.elapsed()) })
}

impl Row {
    /// What a journal tells.
    fn read(board: &str, journal: &str, time: Duration) -> Self {
        let mut row = Self { board: board.to_owned(), seconds: time.as_secs(), ..Self::default() };
        let mut symbols = BTreeSet::new();
        let events = journal.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        for event in events {
            let found = |value: &Value| value["symbol"].as_str().map(str::to_owned);
            match event["event"].as_str() {
                Some("run") => event["kernel"].as_str().unwrap_or_default().clone_into(&mut row.kernel),
                Some("endpoint") => {
                    row.endpoints += 1;
                    symbols.extend(found(&event["map_dma_buf"]));
                }
                Some("cell") => {
                    let verdict = event["verdict"].as_str().unwrap_or_default().to_owned();
                    *row.verdicts.entry(verdict).or_default() += 1;
                    row.unexpected += usize::from(!matches!(event["outcome"].as_str(), Some("expected" | "flake")));
                    symbols.extend(event["map_dma_buf"].as_array().into_iter().flatten().filter_map(found));
                }
                Some("missing") => row.unexpected += 1,
                _ => {}
            }
        }
        row.implementations = symbols.len();
        row
    }

    fn cells(&self) -> String {
        let one = |(verdict, count): (&String, &usize)| format!("{count} {verdict}");
        if self.verdicts.is_empty() {
            "none".to_owned()
        } else {
            self.verdicts.iter().map(one).collect::<Vec<_>>().join(", ")
        }
    }

    fn end(&self) -> String {
        match self.code {
            Some(0) => format!("as expected, {} s", self.seconds),
            Some(code) => format!("exit code {code}, {} s; see target/boards/{}.log", self.seconds, self.board),
            None => format!("killed after {} s", self.seconds),
        }
    }
}

/// The table, in columns.
fn table(rows: &[Row]) -> String {
    let head =
        ["BOARD", "KERNEL", "ENDPOINTS", "MAP_DMA_BUF", "UNEXPECTED", "EXIT", "SECONDS", "CELLS"].map(str::to_owned);
    let columns = |row: &Row| {
        let code = row.code.map_or("killed".to_owned(), |code| code.to_string());
        let [endpoints, implementations, unexpected] =
            [row.endpoints, row.implementations, row.unexpected].map(|n| n.to_string());
        [
            row.board.clone(),
            row.kernel.clone(),
            endpoints,
            implementations,
            unexpected,
            code,
            row.seconds.to_string(),
            row.cells(),
        ]
    };
    let all: Vec<[String; 8]> = std::iter::once(head).chain(rows.iter().map(columns)).collect();
    let width = |column: usize| all.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let line = |row: &[String; 8]| {
        let cells: Vec<String> =
            row.iter().enumerate().map(|(at, text)| format!("{text:width$}", width = width(at))).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    all.iter().map(line).collect()
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

    const JOURNAL: &str = r#"{"event":"run","kernel":"6.12"}
{"event":"endpoint","key":"a","map_dma_buf":{"symbol":"one"}}
{"event":"endpoint","key":"b","map_dma_buf":null}
{"event":"cell","verdict":"pass","outcome":"expected","map_dma_buf":[{"symbol":"one"},{"symbol":"two"}]}
{"event":"cell","verdict":"fail","outcome":"regression","map_dma_buf":[]}
{"event":"missing","name":"x"}
{"event":"cell","verd"#;

    #[test]
    fn a_row_is_what_a_journal_tells_as_far_as_it_goes() {
        let row = Row::read("b", JOURNAL, Duration::from_secs(7));
        assert_eq!((row.kernel.as_str(), row.endpoints, row.implementations), ("6.12", 2, 2));
        assert_eq!((row.unexpected, row.cells().as_str(), row.seconds), (2, "1 fail, 1 pass", 7));
        let none = Row::read("b", "", Duration::ZERO);
        assert_eq!((none.cells().as_str(), none.unexpected), ("none", 0));
    }

    #[test]
    fn the_table_has_a_line_a_board() {
        let row = |board: &str, code| Row { code, ..Row::read(board, JOURNAL, Duration::from_secs(7)) };
        let text = table(&[row("one", Some(0)), row("longer-name", None)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("BOARD        KERNEL") && lines[2].contains("killed"), "{text}");
        assert!(lines[1].ends_with("1 fail, 1 pass"), "{text}");
    }

    #[test]
    fn there_is_room_for_one_board_at_least() {
        assert_eq!(places(Some(100), 1024), 1);
        assert_eq!(places(None, 1024), 1);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(places(Some(1 << 40), 1024), processors);
    }
}
