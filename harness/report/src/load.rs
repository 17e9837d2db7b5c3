//! The figures of a load, a line a worker.

use std::fmt::Write;

use event::CellEnd;

/// The columns, by the names of their figures.
const COLUMNS: &[(&str, &str)] = &[
    ("frames-written", "written"),
    ("frames-read", "read"),
    ("bytes-compared", "bytes compared"),
    ("frames-dropped", "dropped"),
    ("frames-faulty", "faulty"),
    ("frames-misnumbered", "misnumbered"),
    ("frames-given-back", "returned"),
    ("frames-lost", "lost"),
    ("streams", "streams"),
    ("exporters", "exporters"),
    ("imports", "imports"),
    ("rounds", "rounds"),
    ("closes", "closes"),
];

/// Figures of the whole machine: before the load, and after it.
const OF_BOARD: &[(&str, &str)] = &[
    ("dma-bufs", "dma-bufs"),
    ("attachments", "attached devices"),
    ("bytes-available", "bytes of memory available"),
    ("bytes-unreclaimable", "bytes in slab caches"),
    ("bytes-contiguous", "bytes of contiguous memory free"),
    ("bounce-slots", "bounce buffers in use"),
];

/// The table of these cells, and what was counted of the machine; nothing of a run that was not a load.
pub fn text(counted: &[CellEnd]) -> String {
    let workers: Vec<&CellEnd> =
        counted.iter().filter(|cell| !cell.figures.is_empty() && !cell.id.ends_with(".board")).collect();
    if workers.is_empty() {
        return String::new();
    }
    let figure = |cell: &CellEnd, name: &str| cell.figures.get(name).map_or(String::new(), u64::to_string);
    let sum = |name: &str| workers.iter().filter_map(|cell| cell.figures.get(name)).sum::<u64>().to_string();
    let used: Vec<_> =
        COLUMNS.iter().filter(|(name, _)| workers.iter().any(|cell| cell.figures.contains_key(*name))).collect();
    let mut rows = vec![row("worker", used.iter().map(|(_, head)| (*head).to_owned()), "")];
    for cell in &workers {
        let own = used.iter().map(|(name, _)| figure(cell, name));
        rows.push(row(cell.id.strip_prefix("load.").unwrap_or(&cell.id), own, cell.verdict.word()));
    }
    rows.push(row("all", used.iter().map(|(name, _)| sum(name)), ""));
    let seconds = workers.iter().map(|cell| cell.ms).max().unwrap_or(0) / 1000;
    let mut text = format!("{seconds} s under load\n");
    text += &columns(&rows);
    for cell in counted.iter().filter(|cell| cell.id.ends_with(".board")) {
        for (name, what) in OF_BOARD {
            let of = |when: &str| cell.figures.get(&format!("{name}-{when}"));
            if let (Some(before), Some(after)) = (of("before"), of("after")) {
                let _ = writeln!(text, "{what}: {before} before, {after} after");
            }
        }
        if let (Some(pairs), Some(refused)) = (cell.figures.get("pairs"), cell.figures.get("pairs-refused")) {
            let _ = writeln!(
                text,
                "{pairs} pairs share buffers; {refused} others refused a first import and were left out"
            );
        }
        if let (Some(splats), Some(lost)) = (cell.figures.get("splats"), cell.figures.get("records-lost")) {
            let _ =
                writeln!(text, "reports of trouble in the kernel's log: {splats} ({lost} records were overwritten)");
        }
    }
    text + "\n"
}

fn row(first: &str, middle: impl Iterator<Item = String>, last: &str) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(middle).chain([last.to_owned()]).collect()
}

/// The first column stands on the left, the others on the right.
fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..count).map(|at| rows.iter().map(|row| row[at].len()).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(at, (text, &width))| {
                    if at == 0 || at + 1 == count { format!("{text:width$}") } else { format!("{text:>width$}") }
                },
            )
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::sample;
    use spec::verdict::{Outcome, Verdict};

    #[test]
    fn a_line_a_worker_with_what_it_counted_and_their_sum() {
        assert_eq!(text(&sample::recorded().cells), "", "no load");
        let cell = |id: &str, figures: &[(&str, u64)]| {
            let mut cell = sample::cell(id, Verdict::Pass, Outcome::Expected);
            cell.figures = figures.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            cell
        };
        let cells = [
            cell("load.stream.v4l2-a", &[("frames-written", 90), ("frames-lost", 0)]),
            cell("load.rounds.worker-0", &[("rounds", 7)]),
            cell("load.leaks.board", &[("dma-bufs-before", 1), ("dma-bufs-after", 1)]),
        ];
        let text = text(&cells);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["worker", "written", "lost", "rounds"]);
        assert_eq!(lines[2], ["stream.v4l2-a", "90", "0", "pass"]);
        assert_eq!(lines[4], ["all", "90", "0", "7"]);
        assert!(text.contains("dma-bufs: 1 before, 1 after"), "{text}");
    }
}
