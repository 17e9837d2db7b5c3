//! The grid: exporters down, importers across, how a pair stands in one sign.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use spec::verdict::Verdict;

use super::paint::Paint;
use super::standing::{self, Standing};
use event::CellEnd;
use event::journal::Recorded;

/// The signs and their words, those that a grid uses.
fn legend(used: &BTreeSet<Standing>, paint: Paint) -> String {
    used.iter()
        .map(|&standing| format!("{} {}", painted(standing, paint), standing.words()))
        .collect::<Vec<_>>()
        .join("   ")
}

fn painted(standing: Standing, paint: Paint) -> String {
    let sign = standing.sign().to_string();
    match standing {
        Standing::Unexpected(verdict) => paint.unexpected(verdict, &sign),
        Standing::Known(_) => paint.label(&sign),
        Standing::Nothing(verdict) => paint.verdict(verdict, &sign),
        Standing::Verified | Standing::Mostly | Standing::Partly => paint.verdict(Verdict::Pass, &sign),
    }
}

/// The cells of a run by their devices.
pub struct Grid<'a> {
    /// The keys of the exporters, sorted.
    pub exporters: Vec<&'a str>,
    /// The keys of the importers, sorted.
    pub importers: Vec<&'a str>,
    pairs: BTreeMap<Pair<'a>, Vec<&'a CellEnd>>,
}

/// The keys of an exporter and an importer; only one of them where the cell has no other.
pub type Pair<'a> = (Option<&'a str>, Option<&'a str>);

impl<'a> Grid<'a> {
    /// The grid of a run.
    pub fn of(recorded: &'a Recorded) -> Self {
        let mut pairs: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for cell in &recorded.cells {
            for importer in importers(cell) {
                pairs.entry((cell.exporter.as_deref(), importer)).or_default().push(cell);
            }
        }
        let keys = |of: fn(&CellEnd) -> Option<&str>| {
            let wanted: BTreeSet<&str> = recorded.cells.iter().filter_map(of).collect();
            wanted.into_iter().collect()
        };
        let (exporters, importers) = (keys(|cell| cell.exporter.as_deref()), keys(|cell| cell.importer.as_deref()));
        Self { exporters, importers, pairs }
    }

    /// The cells that count for a pair.
    pub fn cells(&self, pair: Pair<'a>) -> &[&'a CellEnd] {
        self.pairs.get(&pair).map_or(&[], Vec::as_slice)
    }

    /// The pairs that have cells.
    pub fn pairs(&self) -> impl Iterator<Item = Pair<'a>> {
        self.pairs.keys().copied()
    }
}

/// How each pair stands, as cells are added.
#[derive(Debug, Default)]
pub struct Standings {
    exporters: BTreeSet<String>,
    importers: BTreeSet<String>,
    pairs: BTreeMap<(Option<String>, Option<String>), standing::Pair>,
}

impl Standings {
    /// Takes in the next cell.
    pub fn add(&mut self, cell: &CellEnd) {
        self.exporters.extend(cell.exporter.clone());
        self.importers.extend(cell.importer.clone());
        for importer in importers(cell) {
            let pair = (cell.exporter.clone(), importer.map(str::to_owned));
            self.pairs.entry(pair).or_default().add(cell);
        }
    }

    fn of(&self, exporter: Option<&str>, importer: Option<&str>) -> Option<Standing> {
        self.pairs.get(&(exporter.map(str::to_owned), importer.map(str::to_owned)))?.standing()
    }
}

/// Draws the grid of a run: one row an exporter; first the cells of only the exporter, then one column an importer. With
/// colours, a pair with an unexpected cell is shown in reverse video, and one with known faults is pale.
pub fn text(grid: &Standings, paint: Paint) -> String {
    let mut used = BTreeSet::new();
    let keys = grid.exporters.iter().chain(&grid.importers);
    let width = keys.map(|key| key.len()).max().unwrap_or(0).max("importer alone".len());
    let mut text = format!("{:width$}   alone ", "exporter \\ importer");
    for (number, _) in grid.importers.iter().enumerate() {
        let _ = write!(text, " {:>2}", number + 1);
    }
    text.push('\n');
    let mut row = |text: &mut String, name: &str, exporter: Option<&str>| {
        let mut put = |importer: Option<&str>| {
            let standing = grid.of(exporter, importer);
            used.extend(standing);
            standing.map_or(" ".to_owned(), |standing| painted(standing, paint))
        };
        let alone = if exporter.is_some() { put(None) } else { " ".to_owned() };
        let _ = write!(text, "{name:width$}     {alone}   ");
        for importer in &grid.importers {
            let _ = write!(text, "  {}", put(Some(importer)));
        }
        let kept = text.trim_end().len();
        text.truncate(kept);
        text.push('\n');
    };
    for exporter in &grid.exporters {
        row(&mut text, exporter, Some(exporter));
    }
    row(&mut text, "importer alone", None);
    text.push('\n');
    for (number, importer) in grid.importers.iter().enumerate() {
        let _ = writeln!(text, "{:>2} {importer}", number + 1);
    }
    let _ = writeln!(text, "\n{}", legend(&used, paint));
    text
}

/// The importers for which a cell counts. A chain counts for both, but for neither where it could not be tried: one of
/// the two has refused, and the cells of that pair say so themselves.
fn importers(cell: &CellEnd) -> Vec<Option<&str>> {
    let (first, second) = (cell.importer.as_deref(), cell.second_importer.as_deref());
    let tried = !matches!(cell.verdict, Verdict::Refused | Verdict::NotObservable | Verdict::Blocked);
    match second {
        None => vec![first],
        Some(_) if !tried => vec![],
        Some(_) if first == second => vec![first],
        Some(_) => vec![first, second],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::sample;
    use spec::verdict::Outcome;

    fn standings(recorded: &Recorded) -> Standings {
        let mut standings = Standings::default();
        recorded.cells.iter().for_each(|cell| standings.add(cell));
        standings
    }

    #[test]
    fn how_a_pair_stands_is_in_the_grid() {
        let text = text(&standings(&sample::recorded()), Paint::Plain);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "exporter \\ importer   alone   1  2", "{text}");
        assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["drm-a", "f", "r"], "{text}");
        assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>(), ["drm-b", "n", "C"], "{text}");
        assert!(
            text.contains(" 1 drm-a") && text.contains(" 2 drm-b") && text.contains("C crash, not as expected"),
            "{text}"
        );
    }
    #[test]
    fn a_chain_counts_for_its_pairs_unless_one_of_them_refuses() {
        let mut recorded = sample::recorded();
        let mut chain = recorded.cells[0].clone();
        (chain.exporter, chain.importer) = (Some("drm-a".into()), Some("drm-a".into()));
        chain.second_importer = Some("drm-b".into());
        let row = |recorded: &Recorded| text(&standings(recorded), Paint::Plain).lines().nth(1).unwrap().to_owned();
        let before = row(&recorded);
        recorded.cells.push(CellEnd { verdict: Verdict::Refused, ..chain.clone() });
        assert_eq!(row(&recorded), before);
        recorded.cells.push(CellEnd { verdict: Verdict::Crash, ..chain });
        assert_eq!(row(&recorded).split_whitespace().collect::<Vec<_>>(), ["drm-a", "f", "c", "c"]);
    }

    #[test]
    fn what_was_not_as_expected_is_turned_round_and_the_rest_is_not() {
        let coloured = text(&standings(&sample::recorded()), Paint::Colour);
        let lines: Vec<&str> = coloured.lines().collect();
        assert!(lines[1].contains(&Paint::Colour.label("f")), "{coloured}");
        assert!(lines[2].contains(&Paint::Colour.unexpected(Verdict::Crash, "C")), "{coloured}");
    }

    #[test]
    fn ten_endpoints_with_long_names_fit_eighty_columns() {
        let mut recorded = sample::recorded();
        let keys: Vec<String> = (0..10).map(|number| format!("v4l2-prime_contiguous-out{number}")).collect();
        recorded.cells = keys
            .iter()
            .flat_map(|exporter| {
                let pair = |importer| {
                    sample::cell(&format!("leaks.import.{exporter}.{importer}"), Verdict::Pass, Outcome::Expected)
                };
                keys.iter().map(pair).collect::<Vec<_>>()
            })
            .collect();
        let text = text(&standings(&recorded), Paint::Plain);
        assert_eq!(text.matches(" # ").count() + text.matches(" #\n").count(), 100, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
