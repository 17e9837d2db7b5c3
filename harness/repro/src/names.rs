//! The names of a case's values as variables of C.

use std::collections::BTreeMap;

/// The value of a variable.
#[derive(Debug, Clone)]
pub enum Value {
    /// A file descriptor, of a file of this many bytes.
    File(u64),
    /// A buffer: whether it was imported, and whether by the exporter's own file.
    Buffer { imported: bool, by_exporter: bool, may_be_none: bool },
    /// A mapping: how many bytes of what place on, both expressions.
    Mapping { bytes: String, place: String },
    /// Counts.
    Snapshot,
}

/// The variables so far.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<String, Value>);

/// Words that are taken.
const TAKEN: &[&str] = &[
    "argc",
    "argv",
    "auto",
    "case",
    "check",
    "close",
    "default",
    "expect",
    "exporter",
    "extern",
    "failed",
    "fill",
    "first_importer",
    "fork",
    "importer",
    "inode",
    "listed",
    "open",
    "private",
    "read",
    "references",
    "refused",
    "register",
    "short",
    "size",
    "static",
    "status",
    "volatile",
    "write",
];

/// A variable for a name.
pub fn variable(name: &str) -> String {
    let plain = name.replace('-', "_");
    if TAKEN.contains(&plain.as_str()) { format!("the_{plain}") } else { plain }
}

impl Names {
    /// Takes a name, and says how its variable is written to: with its type where it is new.
    pub fn assign(&mut self, r#type: &str, name: &str, value: Value) -> String {
        let new = self.0.insert(name.to_owned(), value).is_none();
        let star = if r#type.ends_with('*') { "" } else { " " };
        if new { format!("{type}{star}{}", variable(name)) } else { variable(name) }
    }

    /// Returns the value of a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The names that there are.
    pub fn all(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Forgets names: their block has ended.
    pub fn keep(&mut self, names: &[String]) {
        self.0.retain(|name, _| names.contains(name));
    }
}
