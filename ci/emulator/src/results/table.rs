//! One table of several boards' runs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use event::Event;
use spec::verdict::Verdict;

/// The result of a board.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub board: String,
    pub kernel: String,
    pub endpoints: usize,
    pub implementations: usize,
    pub verdicts: BTreeMap<Verdict, usize>,
    pub unexpected: usize,
    pub seconds: u64,
    /// The exit code of `ci/board run`.
    pub code: Option<i32>,
}

impl Row {
    /// Reads what a journal records, as far as it goes.
    pub fn of(board: &str, events: impl IntoIterator<Item = Event>, time: Duration) -> Self {
        let mut row = Self { board: board.to_owned(), seconds: time.as_secs(), ..Self::default() };
        let mut symbols = BTreeSet::new();
        for event in events {
            match event {
                Event::Run(run) => row.kernel = run.kernel,
                Event::Endpoint(endpoint) => {
                    row.endpoints += 1;
                    symbols.extend(endpoint.map_dma_buf.and_then(|through| through.symbol));
                }
                Event::Cell(cell) => {
                    *row.verdicts.entry(cell.verdict).or_default() += 1;
                    row.unexpected += usize::from(cell.outcome.unwanted());
                    symbols.extend(cell.map_dma_buf.into_iter().filter_map(|through| through.symbol));
                }
                Event::Missing(_) => row.unexpected += 1,
                _ => {}
            }
        }
        row.implementations = symbols.len();
        row
    }

    pub fn cells(&self) -> String {
        let one = |(verdict, count): (&Verdict, &usize)| format!("{count} {verdict}");
        if self.verdicts.is_empty() {
            "none".to_owned()
        } else {
            self.verdicts.iter().map(one).collect::<Vec<_>>().join(", ")
        }
    }

    pub fn end(&self) -> String {
        match self.code {
            Some(0) => format!("as expected, {} s", self.seconds),
            Some(code) => format!("exit code {code}, {} s; see target/boards/{}.log", self.seconds, self.board),
            None => format!("killed after {} s", self.seconds),
        }
    }
}

/// The table, in columns.
pub fn table(rows: &[Row]) -> String {
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

#[cfg(test)]
mod tests {
    use event::Missing;
    use spec::verdict::Outcome;

    use super::*;

    /// A run of five cells, two of them as they should not be, whose last line is cut off.
    fn events() -> Vec<Event> {
        event::sample::events()
    }

    #[test]
    fn a_row_is_what_a_journal_records_as_far_as_it_goes() {
        let row = Row::of("b", events(), Duration::from_secs(7));
        assert_eq!((row.kernel.as_str(), row.endpoints, row.implementations), ("6.12", 2, 1));
        let cells = "1 pass, 1 refused, 1 not-observable, 1 fail, 1 crash";
        assert_eq!((row.unexpected, row.cells().as_str(), row.seconds), (1, cells, 7));
        let missing = Missing { what: "endpoint".into(), name: "x".into(), outcome: Outcome::Missing };
        assert_eq!(Row::of("b", [Event::Missing(missing)], Duration::ZERO).unexpected, 1);
        let none = Row::of("b", [], Duration::ZERO);
        assert_eq!((none.cells().as_str(), none.unexpected), ("none", 0));
    }

    #[test]
    fn the_table_has_a_line_a_board() {
        let row = |board: &str, code| Row { code, ..Row::of(board, events(), Duration::from_secs(7)) };
        let text = table(&[row("one", Some(0)), row("longer-name", None)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("BOARD        KERNEL") && lines[2].contains("killed"), "{text}");
        assert!(lines[1].ends_with("1 fail, 1 crash"), "{text}");
    }
}
