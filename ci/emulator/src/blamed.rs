//! `ci/board changes`: plants each change in a board, one after the other, and tells whom the causes of the run name.

use std::path::Path;
use std::process::Stdio;

use event::cause::{Cause, Role, Sure};
use event::journal::Recorded;
use spec::glob::Glob;

use crate::bench::Bench;
use crate::changes::{self, PlantedChange};
use crate::command;
use crate::error::{Error, Exit, Result};

/// The board, whose endpoints the changes name.
const BOARD: &str = "debian-amd64";

/// What takes long and tells no more of who is to blame.
const LEFT_OUT: &[&str] = &["chain.", "stream.", "kms.", "limits."];

/// What a run with changes says.
struct Row {
    name: String,
    what: String,
    failures: usize,
    causes: Vec<Cause>,
    /// How many of the changes a cause names in their role, and how many causes surely name another.
    right: usize,
    wrong: usize,
}

/// Runs the changes of these names, or all; `A+B` plants two at once. Prints a table in Markdown.
///
/// # Errors
/// For an unknown change, and when a board cannot be made or run.
pub fn run(bench: &Bench, names: &[String]) -> Result<u8> {
    let root = &bench.root;
    let all = if names.is_empty() { changes::names(root)? } else { names.to_vec() };
    let mut planted = 0;
    let mut rows = Vec::new();
    println!("| change | what the kernel does | failures | causes | first suspect | sure | named |");
    println!("|---|---|---|---|---|---|---|");
    for name in &all {
        let parts: Vec<String> = name.split('+').map(str::to_owned).collect();
        let wanted = parts.iter().map(|part| changes::read(root, part)).collect::<Result<Vec<_>>>()?;
        planted += wanted.len();
        let row = one(root, name, &parts, &wanted)?;
        println!("{}", line(&row, wanted.len()));
        rows.push(row);
    }
    let sum = |of: &dyn Fn(&Row) -> usize| rows.iter().map(of).sum::<usize>();
    let (right, wrong, causes) = (sum(&|row| row.right), sum(&|row| row.wrong), sum(&|row| row.causes.len()));
    println!("\n{right} of {planted} changes named rightly, {wrong} causes wrong, {causes} causes");
    Ok(if wrong == 0 && right == planted { Exit::Success as u8 } else { event::exit::Exit::Regression as u8 })
}

fn one(root: &Path, name: &str, parts: &[String], wanted: &[PlantedChange]) -> Result<Row> {
    let mut command = command::again(root);
    command.args(["run", BOARD]);
    command.args(parts.iter().flat_map(|part| ["--change", part]));
    command.arg("--").args(LEFT_OUT.iter().flat_map(|area| ["--skip", area]));
    let status = command.stdout(Stdio::null()).status().map_err(Error::file("start", Path::new("this program")))?;
    let place = root.join("target/boards").join(changes::place(BOARD, parts));
    let recorded = Recorded::read(&place.join("run.jsonl")).map_err(|error| {
        let remedy = format!("ci/board run {BOARD} --change {}", parts.join(" --change "));
        Error::usage(format!("the run with {name} ended with {status} and has no results: {error}"), remedy)
    })?;
    let registry = catalogue::registry::embedded().ok();
    let causes = diagnose::of(&recorded, registry.as_ref());
    let causes: Vec<Cause> = causes.into_iter().filter(|cause| cause.known.is_empty()).collect();
    let all: Vec<&str> = recorded.endpoints.iter().map(|endpoint| endpoint.key.as_str()).collect();
    let right = wanted.iter().filter(|change| causes.iter().take(wanted.len()).any(|cause| names(cause, change, &all)));
    let wrong =
        causes.iter().filter(|cause| cause.sure != Sure::Open && !wanted.iter().any(|change| fits(cause, change)));
    Ok(Row {
        name: name.to_owned(),
        what: wanted.iter().map(|change| change.what.as_str()).collect::<Vec<_>>().join("; "),
        failures: recorded.cells.iter().filter(|cell| cell.outcome.unwanted()).count(),
        right: right.count(),
        wrong: wrong.count(),
        causes,
    })
}

fn has(change: &PlantedChange, key: &str) -> bool {
    change.endpoints.iter().any(|pattern| Glob::new(pattern.as_str()).matches(key))
}

/// Returns whether a cause names those who share the change, in its role: most of them, and hardly anyone else.
fn names(cause: &Cause, change: &PlantedChange, all: &[&str]) -> bool {
    let named = &cause.suspect.endpoints;
    let own = named.iter().filter(|key| has(change, key)).count();
    let guilty = all.iter().filter(|key| has(change, key)).count();
    cause.suspect.role.word() == change.role && own > 0 && own * 4 >= named.len() * 3 && own * 4 >= guilty * 3
}

/// Returns whether a cause accuses no one but those who share the change, in no other role.
fn fits(cause: &Cause, change: &PlantedChange) -> bool {
    let role = cause.suspect.role == Role::Either || cause.suspect.role.word() == change.role;
    role && cause.suspect.endpoints.iter().any(|key| has(change, key))
}

fn line(row: &Row, planted: usize) -> String {
    let first = row.causes.first();
    let suspect = first.map_or("-".to_owned(), |cause| cause.suspect.to_string());
    let sure = first.map_or("-", |cause| cause.sure.words());
    let named = match (row.right, row.wrong) {
        (_, 1..) => "**wrongly**",
        (right, _) if right == planted => "rightly",
        _ if row.causes.is_empty() => "**not caught**",
        _ => "open",
    };
    let Row { name, what, failures, causes, .. } = row;
    format!("| {name} | {what} | {failures} | {} | {suspect} | {sure} | {named} |", causes.len())
}
