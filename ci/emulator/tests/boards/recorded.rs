//! A run's journal, as a tool reads it that knows only its schema.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::host::root;

/// The events of a journal by their kind.
pub struct Recorded(Vec<Value>);

impl Recorded {
    /// Reads `run.jsonl` of a folder.
    pub fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("run.jsonl")).unwrap();
        Self(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    /// The last run of a board of the repository.
    pub fn of(name: &str) -> Self {
        Self::read(&root().join("target/boards").join(name))
    }

    /// Every event, in its order.
    pub fn every(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }

    /// The events of a kind.
    pub fn events(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |event| event["event"] == kind)
    }

    /// The cell that began last.
    pub fn last_begun(&self) -> &str {
        text(&self.events("cell-start").last().unwrap()["id"])
    }

    /// A text of each endpoint, by its key.
    pub fn endpoints(&self) -> BTreeMap<&str, &Value> {
        self.events("endpoint").map(|endpoint| (text(&endpoint["key"]), endpoint)).collect()
    }

    /// The symbols of `map_dma_buf` that the kernel itself named, by endpoint.
    pub fn symbols(&self) -> BTreeMap<&str, &str> {
        let endpoints = self.endpoints().into_iter();
        let observed = endpoints.filter(|(_, endpoint)| endpoint["map_dma_buf"]["observed"] == true);
        observed.map(|(key, endpoint)| (key, text(&endpoint["map_dma_buf"]["symbol"]))).collect()
    }

    /// The cells that were not as the board file expects, one a line, with all that was seen.
    pub fn unexpected(&self) -> String {
        let wanted = |cell: &&Value| !["expected", "flake"].contains(&text(&cell["outcome"]));
        let cells = self.events("cell").filter(wanted);
        cells
            .map(|cell| format!("{} {} ({}) {}\n", cell["verdict"], cell["id"], cell["outcome"], cell["findings"]))
            .collect()
    }

    /// The verdict of each cell, by its id.
    pub fn verdicts(&self) -> BTreeMap<&str, &str> {
        self.events("cell").map(|cell| (text(&cell["id"]), text(&cell["verdict"]))).collect()
    }
}

/// A value that is a text.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
