//! A page to be looked at: of a run with mocks that has every kind of cell, with markup planted in what the kernel says.

use std::path::Path;
use std::sync::OnceLock;

use event::journal::{Journal, Recorded};
use event::{CellEnd, Event};
use spec::verdict::Outcome;

use crate::program::Place;

/// What a hostile driver would log.
pub const HOSTILE: &str = "<script>document.title = 'taken'</script><img src=\"http://127.0.0.1:9/taken.png\">";

/// A failure that the board file knows, and one that it does not.
pub const KNOWN: &str = "mapping.at-offset.mock-wrong-page";
pub const REGRESSION: &str = "leaks.import.mock-clean.mock-warns";

const BOARD: &str = "name: mocks\ndescription: d\narchitecture: x86_64\nexpect:\n  cells:\n    - ids: [mapping.*at-offset.*-wrong-page]\n      \
    verdict: [fail]\n      reason: the mock's fault handler counts pages from the start of the mapping\n  pairs:\n    \
    - {exporters: ['*'], importers: [mock-refuses], reason: this mock takes nobody's buffers}\n";

/// A page, and its run.
pub struct Page {
    place: Place,
    pub recorded: Recorded,
}

impl Page {
    /// The same for all tests.
    pub fn shared() -> &'static Self {
        static PAGE: OnceLock<Page> = OnceLock::new();
        PAGE.get_or_init(Self::new)
    }

    fn new() -> Self {
        let place = Place::new();
        place.file("mocks.yaml", BOARD);
        let said = place.run("run --mock clean,wrong-page --kernel-log kernel-log --output before mapping.whole");
        assert_eq!(said.code, Some(0), "{said:?}");
        let cells = "--board mocks.yaml --intrusive mapping. leaks.import. fd.size chain.re-export identity.";
        let said = place.mock("clean,wrong-page,warns,oopses,refuses", cells);
        assert_eq!(said.code, Some(1), "{said:?}");
        let path = place.path("out/run.jsonl");
        Self::plant(&path);
        let said = place.run("report out --html --against before");
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.out.ends_with("out/report.html\n"), "{said:?}");
        let recorded = Recorded::read(&path).unwrap();
        Self { place, recorded }
    }

    /// A driver of its own for each mock, and a hostile log line.
    fn plant(path: &Path) {
        let text = std::fs::read_to_string(path).unwrap();
        let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let events: Vec<Event> = events
            .map(|event| match event {
                Event::Endpoint(mut endpoint) => {
                    endpoint.driver = endpoint.key.clone();
                    Event::Endpoint(endpoint)
                }
                Event::Cell(mut cell) if cell.id == REGRESSION => {
                    cell.findings.iter_mut().for_each(|finding| finding.lines.push(HOSTILE.to_owned()));
                    Event::Cell(cell)
                }
                other => other,
            })
            .collect();
        Journal::create(path).unwrap().write(&events).unwrap();
    }

    /// Where it is, with a query or a fragment behind it.
    pub fn url(&self, behind: &str) -> String {
        format!("file://{}{behind}", self.place.path("out/report.html").display())
    }

    /// Its text.
    pub fn text(&self) -> String {
        std::fs::read_to_string(self.place.path("out/report.html")).unwrap()
    }

    /// Another page beside it.
    pub fn beside(&self, name: &str, text: &str) -> String {
        format!("file://{}", self.place.file(name, text).display())
    }

    /// The ids of the cells that fit, sorted.
    pub fn ids(&self, fits: impl Fn(&CellEnd) -> bool) -> Vec<&str> {
        let mut ids: Vec<&str> =
            self.recorded.cells.iter().filter(|cell| fits(cell)).map(|cell| cell.id.as_str()).collect();
        ids.sort_unstable();
        assert!(!ids.is_empty() && ids.len() < self.recorded.cells.len(), "a filter that filters: {ids:?}");
        ids
    }

    /// A cell.
    pub fn cell(&self, id: &str) -> &CellEnd {
        self.recorded.cells.iter().find(|cell| cell.id == id).unwrap_or_else(|| panic!("no cell {id}"))
    }

    /// The cells that are not as expected.
    pub fn regressions(&self) -> impl Iterator<Item = &CellEnd> {
        self.recorded.cells.iter().filter(|cell| cell.outcome == Outcome::Regression)
    }
}
