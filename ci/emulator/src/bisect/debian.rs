//! `ci/board bisect`: which of Debian's kernels has a fault first.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::Bench;
use crate::bisect::judge::Word;
use crate::bisect::offered::{Offered, kernels};
use crate::bisect::search::{changes, search};
use crate::command;
use crate::error::{Error, Exit, Result, tail};

/// Runs cells with the kernels of the boards that have this machine, and between two with different results with those that
/// the archive has there, unless `boards` asks for no more. Prints a table, and where the result changes.
///
/// # Errors
/// For an unknown board, when the archive cannot be reached, and when a run ends for what is no kernel's fault.
pub fn run(bench: &Bench, name: &str, cells: &[String], binary: Option<&Path>, boards: bool) -> Result<u8> {
    let Bench { root, report, .. } = bench;
    let mut all = kernels(bench, name)?;
    if boards {
        all.retain(|kernel| kernel.of_board);
    }
    let first: Vec<usize> = (0..all.len()).filter(|&at| all[at].of_board).collect();
    let mut why = vec![String::new(); all.len()];
    report.step(&format!("{} kernels, of which boards have {}", all.len(), first.len()));
    let known = search(all.len(), &first, |at| {
        report.step(&format!("running {}", all[at].release));
        let (word, said) = one(root, name, &all[at], cells, binary)?;
        report.clear();
        eprintln!("{}: {word}: {said}", all[at].release);
        why[at] = said;
        Ok::<_, Error>(word)
    })?;
    print!("{}", table(&all, &known, &why));
    print!("{}", verdict(&all, &known));
    let told = known.iter().flatten().any(|word| *word != Word::Unknown);
    Ok(if told { Exit::Success as u8 } else { Exit::Board as u8 })
}

/// Runs the cells with one kernel, whose results and words are in `target/boards`.
fn one(root: &Path, name: &str, kernel: &Offered, cells: &[String], binary: Option<&Path>) -> Result<(Word, String)> {
    let log = root.join("target/boards").join(format!("{name}@{}.log", kernel.release));
    let shelf = root.join("target/boards");
    fs::create_dir_all(&shelf).map_err(Error::file("create", &shelf))?;
    let errors = fs::File::create(&log).map_err(Error::file("create", &log))?;
    let mut command = command::again(root);
    command.env_remove("PRIME_CTS_BINARY").args(["run", name, "--bisect"]);
    command.arg("--debian").arg(format!("{}/{}", kernel.suite, kernel.release));
    command.args(binary.map(|binary| [PathBuf::from("--binary"), binary.to_owned()]).into_iter().flatten());
    command.arg("--").args(cells).stderr(errors);
    let output = command.output().map_err(Error::file("start", Path::new("this program")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match output.status.code().and_then(Word::of_code) {
        Some(word) => {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("bisect: {word}: ")));
            Ok((word, line.unwrap_or_default().to_owned()))
        }
        None => Err(Error::Command {
            program: "ci/board run --bisect".to_owned(),
            purpose: format!("run {name} with {}", kernel.release),
            status: output.status,
            output: tail(&fs::read_to_string(&log).unwrap_or_default(), 10),
        }),
    }
}

/// The kernels that were run, the oldest first.
fn table(all: &[Offered], known: &[Option<Word>], why: &[String]) -> String {
    let mut rows = vec![["KERNEL", "SUITE", "RESULT", "WHY"].map(str::to_owned)];
    for ((kernel, word), why) in all.iter().zip(known).zip(why) {
        if let Some(word) = word {
            rows.push([kernel.release.clone(), kernel.suite.clone(), word.to_string(), cut(why)]);
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (kernel, suite, word) = (width(0), width(1), width(2));
    let line = |row: &[String; 4]| format!("{:kernel$}  {:suite$}  {:word$}  {}\n", row[0], row[1], row[2], row[3]);
    rows.iter().map(line).collect()
}

/// What fits beside the other columns; all of it was printed when the kernel had run.
fn cut(why: &str) -> String {
    const COLUMNS: usize = 60;
    match why.char_indices().nth(COLUMNS) {
        Some((at, _)) => format!("{}...", why[..at].trim_end()),
        None => why.to_owned(),
    }
}

/// What the runs show, in a sentence each.
fn verdict(all: &[Offered], known: &[Option<Word>]) -> String {
    let told: Vec<usize> = (0..all.len()).filter(|&at| matches!(known[at], Some(Word::Good | Word::Bad))).collect();
    let (Some(&oldest), Some(&newest)) = (told.first(), told.last()) else {
        return "no kernel can tell: choose cells that are there and check something\n".to_owned();
    };
    let name = |at: usize| format!("{} ({})", all[at].release, all[at].suite);
    let changes = changes(known);
    if changes.is_empty() {
        let has = if known[oldest] == Some(Word::Bad) { "has it" } else { "is good" };
        return format!("every kernel that can tell {has}, from {} to {}\n", name(oldest), name(newest));
    }
    let sentence = |&(before, after): &(usize, usize)| {
        let between = (before + 1..after).filter(|&at| known[at] == Some(Word::Unknown)).count();
        let or = match between {
            0 => String::new(),
            1 => ", or the one between them, which cannot tell".to_owned(),
            more => format!(", or one of the {more} between them, which cannot tell"),
        };
        match known[after] {
            Some(Word::Bad) => {
                format!("the first that has it is {}; {} is good{or}\n", name(after), name(before))
            }
            _ => format!("the first that is good again is {}; {} has it{or}\n", name(after), name(before)),
        }
    };
    changes.iter().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Offered> {
        let kernel = |release: &str| Offered {
            suite: "s".into(),
            release: release.into(),
            version: release.into(),
            of_board: true,
        };
        ["5.10", "6.1", "6.12", "7.3"].map(kernel).to_vec()
    }

    const GOOD: Option<Word> = Some(Word::Good);
    const BAD: Option<Word> = Some(Word::Bad);
    const UNKNOWN: Option<Word> = Some(Word::Unknown);

    #[test]
    fn the_verdict_names_the_first_that_has_it_and_the_first_that_is_good_again() {
        let verdict = |known: [Option<Word>; 4]| verdict(&all(), &known);
        assert_eq!(verdict([GOOD, None, BAD, BAD]), "the first that has it is 6.12 (s); 5.10 (s) is good\n");
        let or = "or the one between them, which cannot tell";
        assert_eq!(
            verdict([GOOD, UNKNOWN, BAD, BAD]),
            format!("the first that has it is 6.12 (s); 5.10 (s) is good, {or}\n")
        );
        let twice = verdict([GOOD, BAD, GOOD, GOOD]);
        assert!(
            twice.contains("has it is 6.1 (s)") && twice.contains("good again is 6.12 (s); 6.1 (s) has it"),
            "{twice}"
        );
        assert_eq!(verdict([UNKNOWN, BAD, BAD, BAD]), "every kernel that can tell has it, from 6.1 (s) to 7.3 (s)\n");
        assert_eq!(verdict([GOOD; 4]), "every kernel that can tell is good, from 5.10 (s) to 7.3 (s)\n");
        assert!(verdict([UNKNOWN; 4]).starts_with("no kernel can tell"));
    }

    #[test]
    fn the_table_has_a_line_for_each_kernel_that_was_run() {
        let why = ["", "", "x pass", "x fail: y"].map(str::to_owned);
        let text = table(&all(), &[UNKNOWN, None, GOOD, BAD], &why);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[3], "7.3     s      bad          x fail: y");
        assert_eq!(cut(&"ä".repeat(70)), "ä".repeat(60) + "...");
    }
}
