//! Coverage for a terminal.

use std::collections::BTreeSet;
use std::fmt::Write;

use spec::registry::Kind;

use super::model::{Coverage, Reached, RunSeen, Unreached};
use spec::lines::{counted, wrapped};

/// All of it.
pub fn text(coverage: &Coverage) -> String {
    let mut text = String::new();
    for (number, run) in coverage.runs.iter().enumerate() {
        text += &of_run(number + 1, run);
    }
    text += &format!(
        "\n{} of {} map_dma_buf implementations of these kernels reached",
        coverage.reached.len(),
        coverage.implementations
    );
    if !coverage.ours.is_empty() {
        let _ = write!(text, ", and {} of our own", coverage.ours.len());
    }
    text += "\n";
    text += &unknown(coverage);
    text += &table("reached", true, &coverage.reached);
    text += &table("our own", true, &coverage.ours);
    text += &table("only inferred: does not count", false, &coverage.inferred);
    let _ = writeln!(
        text,
        "\n{} of {} functions that make the sg_table for drm_gem_map_dma_buf (get_sg_table) reached",
        coverage.reached_back_ends.len(),
        coverage.back_ends
    );
    text += &table("reached, by the driver", false, &coverage.reached_back_ends);
    for refusing in &coverage.without_table {
        let begin = format!("  no table    {}  ", refusing.driver);
        text += &wrapped(&begin, &format!("importing fails with {} (run {})", refusing.errno, runs(&refusing.runs)));
    }
    let all = [&coverage.reached, &coverage.ours, &coverage.inferred, &coverage.reached_back_ends];
    if all.into_iter().flatten().any(|row| !row.own_drivers.is_empty()) {
        text += "\n* a driver of this project's (fixtures/kmod)\n";
    }
    text += &unreached("not reached", &coverage.unreached);
    text += &unreached("sg_tables not reached", &coverage.unreached_back_ends);
    text += &rest(coverage);
    text
}

fn of_run(number: usize, run: &RunSeen) -> String {
    let board = run.board.as_deref().unwrap_or("no board file");
    let cut = if run.cut_short { ", cut short" } else { "" };
    let begin = format!("run {number}  ");
    let cells = counted(run.cells, "cell");
    let mut text = wrapped(&begin, &format!("{board}, Linux {} {}, {cells}{cut}", run.kernel, run.architecture));
    if let Some(why) = &run.not_observed {
        text += &wrapped(&" ".repeat(begin.len()), &format!("nothing was observed: {why}"));
    }
    text
}

/// Lists what the registry does not know; it stands at the top.
fn unknown(coverage: &Coverage) -> String {
    let told = coverage.unknown.iter().map(|unknown| {
        let seen = unknown.seen.iter().map(String::as_str).collect::<Vec<_>>().join("; ");
        let what = match unknown.back_end {
            false => format!("the function {} of exporter \"{}\"", unknown.symbol, unknown.exp_name),
            true => {
                format!("what makes the sg_table of the driver {}, exporter \"{}\"", unknown.symbol, unknown.exp_name)
            }
        };
        wrapped("UNKNOWN  ", &format!("{what}, seen on {seen}, has no row in fixtures/map_dma_buf.yaml: add one"))
    });
    let told: String = told.collect();
    if told.is_empty() { told } else { format!("\n{told}") }
}

fn runs(runs: &BTreeSet<usize>) -> String {
    runs.iter().map(usize::to_string).collect::<Vec<_>>().join(" ")
}

fn name(symbol: &str, kind: Kind) -> String {
    match kind {
        Kind::Driver => symbol.to_owned(),
        Kind::Selftest => format!("{symbol} (selftest)"),
        Kind::Sample => format!("{symbol} (sample)"),
    }
}

fn table(title: &str, with_cells: bool, rows: &[Reached]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let names: Vec<String> = rows.iter().map(|row| name(&row.symbol, row.kind)).collect();
    let width = names.iter().map(String::len).max().unwrap_or(0).max(title.len() - 2);
    let wide = rows.iter().map(|row| runs(&row.runs).len()).max().unwrap_or(0).max(3);
    let column = |cells: &str| if with_cells { format!("{cells:>6}  ") } else { String::new() };
    let mut text = format!("\n{title:width$}    {:wide$}  {}drivers\n", "run", column("cells"));
    for (row, name) in rows.iter().zip(&names) {
        let drivers = row.drivers.iter().map(|driver| match row.own_drivers.contains(driver) {
            true => format!("{driver}*"),
            false => driver.clone(),
        });
        let cells = column(&row.cells.map_or(String::new(), |cells| cells.to_string()));
        let begin = format!("  {name:width$}  {:wide$}  {cells}", runs(&row.runs));
        text += &wrapped(&begin, &drivers.collect::<Vec<_>>().join(", "));
    }
    text
}

fn unreached(title: &str, rows: &[Unreached]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{title} ({})\n", rows.len());
    for row in rows {
        let _ = writeln!(text, "  {}  {}", name(&row.symbol, row.kind), row.file);
        let needs = match &row.needs {
            Some(needs) => needs.clone(),
            None => format!("the board {}", row.boards.join(" or ")),
        };
        text += &wrapped("      needs  ", &needs);
        if let Some(reach) = &row.reach {
            text += &wrapped("      reach  ", reach);
        }
    }
    text
}

/// Lists what is neither reached nor reachable, and where the registry is not up to date.
fn rest(coverage: &Coverage) -> String {
    let mut text = String::new();
    let elsewhere = coverage.elsewhere.iter().map(|row| match &row.until {
        Some(until) if *until == row.since => format!("{} ({until})", row.symbol),
        Some(until) => format!("{} ({} to {until})", row.symbol, row.since),
        None => format!("{} (from {})", row.symbol, row.since),
    });
    let elsewhere: Vec<String> = elsewhere.collect();
    if !elsewhere.is_empty() {
        text += "\n";
        text += &wrapped("not in these kernels: ", &elsewhere.join(", "));
    }
    for untold in &coverage.untold {
        let (name, runs) = (&untold.exp_name, runs(&untold.runs));
        text += "\n";
        text += &wrapped("not observed: ", &format!("what the buffers of exporter \"{name}\" go through (run {runs})"));
    }
    if !coverage.contradictions.is_empty() {
        text += "\nthe registry, fixtures/map_dma_buf.yaml, says otherwise\n";
        coverage.contradictions.iter().for_each(|said| text += &wrapped("  ", said));
    }
    text
}
