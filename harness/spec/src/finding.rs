//! The pages of `fixtures/findings`: faults of the kernel that this suite found, each with a front matter (YAML between
//! `---` lines) that says in which cells, with which drivers and in which kernels it shows.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::glob::Glob;
use crate::registry::Registry;
use crate::verdict::Verdict;
use crate::yaml::{self, Diagnostic};

mod fault;
mod kernels;

pub use fault::{CellFacts, EndpointFacts, KnownFault, Side};
pub use kernels::{Commit, Kernels, NoCommit};

/// The front matter of a page.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FindingPage {
    /// The name of its file without `.md`.
    #[serde(default)]
    pub name: String,
    /// The fault in a line: the page's heading.
    pub title: String,
    /// The kind of page.
    #[serde(default)]
    pub kind: PageKind,
    /// The state of the report to the maintainers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The report in an archive of the mailing list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The faults as they show. A fault that no cell shows has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<KnownFault>,
}

/// The kind of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageKind {
    /// A fault of the kernel.
    #[default]
    Fault,
    /// Something else worth knowing: a measurement, a fault of an emulator. It explains no failure.
    Note,
}

/// Whether the maintainers of the code know of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing was sent yet.
    NotSent,
    /// A report was sent; `link` leads to it.
    Sent,
    /// It is fixed in the main line.
    Fixed,
}

impl Status {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotSent => "not sent yet",
            Self::Sent => "sent",
            Self::Fixed => "fixed",
        }
    }
}

/// The line before and after a front matter.
const FENCE: &str = "---";

impl FindingPage {
    /// Reads the front matter of a page.
    ///
    /// # Errors
    /// A [`Diagnostic`] with the place of the first fault: a page without a front matter, what [`yaml::parse`] refuses, and
    /// what would make a known fault of more than was found.
    pub fn parse(path: &Path, source: &str) -> Result<Self, Diagnostic> {
        let complaint = |key: &str, message: String| {
            Err(Diagnostic::new(path, source, yaml::place_of_key(source, key).or(Some((1, 1))), message))
        };
        let Some((yaml, body)) = split(source) else {
            return complaint(
                "",
                "the page has no front matter: YAML between two lines '---', at its beginning".into(),
            );
        };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let page: Self = yaml::parse(path, yaml)?;
        if !page.name.is_empty() {
            return complaint("name", "a page is called as its file: leave `name` out".into());
        }
        if body.trim_start().lines().next() != Some(&format!("# {}", page.title)) {
            return complaint("title", format!("the heading of the page is not '# {}'", page.title));
        }
        match page.check() {
            Some((key, message)) => complaint(key, message),
            None => Ok(Self { name: stem, ..page }),
        }
    }

    /// The first thing that is wrong with it, and the key of the top level that it stands below.
    fn check(&self) -> Option<(&'static str, String)> {
        let note = self.kind == PageKind::Note;
        if note && (!self.faults.is_empty() || self.status.is_some()) {
            return Some(("kind", "a note has no `faults` and no `status`: it explains no failure".into()));
        }
        if !note && self.status.is_none() {
            return Some(("title", "a fault has a `status`: not-sent, sent or fixed".into()));
        }
        if self.link.is_some() != matches!(self.status, Some(Status::Sent | Status::Fixed)) {
            return Some((
                "status",
                "`link` leads to what was sent: give it with `sent` and `fixed`, and only then".into(),
            ));
        }
        let wrong = self.faults.iter().find_map(|fault| {
            let broken = |verdict: &Verdict| matches!(verdict, Verdict::Fail | Verdict::Crash | Verdict::Timeout);
            match () {
                () if fault.cells.is_empty() => Some("a fault has `cells`"),
                () if fault.seen.is_empty() => Some("a fault has a text that is `seen`"),
                () if fault.has_empty_text() => Some("an empty text in `seen` or `trace` is in every finding"),
                () if fault.verdict.is_empty() || !fault.verdict.iter().all(broken) => {
                    Some("the `verdict` of a fault is fail, crash or timeout")
                }
                () if fault.cause.trim().is_empty() => Some("a fault has a `cause`"),
                () if fault.kernels.is_reversed() => Some("the `kernels` of a fault end before they begin"),
                () => None,
            }
        });
        wrong.map(|message| ("faults", message.to_owned()))
    }

    /// The kernels that have its faults, each range once.
    pub fn kernels(&self) -> String {
        let mut ranges: Vec<String> = Vec::new();
        for range in self.faults.iter().map(|fault| fault.kernels.to_string()) {
            if !ranges.contains(&range) {
                ranges.push(range);
            }
        }
        ranges.join("; ")
    }

    /// The cases whose cells show it, as their patterns name them, each once.
    pub fn cases(&self) -> Vec<String> {
        let of = |glob: &Glob| glob.to_string().split('.').take(2).collect::<Vec<_>>().join(".");
        let cases: BTreeSet<String> = self.faults.iter().flat_map(|fault| &fault.cells).map(of).collect();
        cases.into_iter().collect()
    }

    /// Names of back ends and implementations that the registry does not have.
    pub fn unknown_names(&self, registry: &Registry) -> Vec<String> {
        let sides = || self.faults.iter().flat_map(|fault| [&fault.exporter, &fault.importer]);
        let back_ends = sides().flat_map(|side| &side.back_end);
        let unknown = back_ends.filter(|name| !registry.get_sg_table.iter().any(|row| row.symbol == **name));
        let symbols = sides().flat_map(|side| &side.map_dma_buf);
        let symbols = symbols.filter(|name| !registry.map_dma_buf.iter().any(|row| row.symbol == **name));
        unknown.chain(symbols).cloned().collect()
    }
}

/// The front matter with the line before it, so that places stay as they are, and what follows.
fn split(source: &str) -> Option<(&str, &str)> {
    let rest = source.strip_prefix(FENCE)?.strip_prefix('\n')?;
    let end = rest.find("\n---\n")?;
    let (yaml, body) = rest.split_at(end + 1);
    Some((&source[..FENCE.len() + 1 + yaml.len()], &body[FENCE.len() + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "---
title: It breaks
status: not-sent
faults:
  - cells: [mapping.whole.*]
    kernels: {since: \"6.1\"}
    verdict: [fail]
    seen: [page 0]
    cause: it is wrong
---

# It breaks

As the title says.
";

    fn parse(source: &str) -> Result<FindingPage, Diagnostic> {
        FindingPage::parse(Path::new("fixtures/findings/it.md"), source)
    }

    #[test]
    fn a_page_is_read() {
        let page = parse(PAGE).unwrap();
        assert_eq!((page.name.as_str(), page.faults.len(), page.kind), ("it", 1, PageKind::Fault));
        assert_eq!((page.kernels().as_str(), page.cases()), ("since 6.1", vec!["mapping.whole".to_owned()]));
        let note = parse("---\ntitle: It is so\nkind: note\n---\n# It is so\n").unwrap();
        assert_eq!((note.kind, note.faults.len()), (PageKind::Note, 0));
    }

    #[test]
    fn what_was_read_is_read_again_from_json() {
        let page = parse(PAGE).unwrap();
        let json = serde_json::to_string(&page).unwrap();
        let again: FindingPage = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), json);
    }

    /// Each change of the page with the line and the words of the complaint.
    const WRONG: &[(&str, &str, usize, &str)] = &[
        ("---\ntitle", "title", 1, "no front matter"),
        ("cause: it is wrong\n---", "cause: it is wrong\n", 1, "no front matter"),
        ("status: not-sent", "state: not-sent", 3, "unknown field `state`"),
        ("    seen:", "    sen: [a]\n    seen:", 8, "unknown field `sen`"),
        ("{since: \"6.1\"}", "{since: \"6.1\", fixed: \"6.2\"}", 6, "unknown field `fixed`"),
        ("{since: \"6.1\"}", "{since: new}", 6, "is not a kernel version"),
        ("{since: \"6.1\"}", "{since: \"6.1\", introduced: abc}", 6, "does not name a commit"),
        ("# It breaks", "# It broke", 2, "the heading"),
        ("title: It breaks", "title: It breaks\nname: it", 3, "leave `name` out"),
        ("status: not-sent", "kind: note", 3, "a note has no `faults`"),
        ("status: not-sent\n", "", 2, "a fault has a `status`"),
        ("status: not-sent", "status: sent", 3, "`link`"),
        ("status: not-sent", "status: not-sent\nlink: https://lore.kernel.org/1", 3, "`link`"),
        ("[mapping.whole.*]", "[]", 4, "`cells`"),
        ("[page 0]", "[]", 4, "`seen`"),
        ("[page 0]", "[page 0, \"\"]", 4, "every finding"),
        ("[page 0]", "[\" \"]", 4, "every finding"),
        ("[page 0]", "[\"*\"]", 4, "every finding"),
        ("[page 0]", "[page 0]\n    trace: [\"\"]", 4, "every finding"),
        ("[fail]", "[refused]", 4, "fail, crash or timeout"),
        ("[fail]", "[]", 4, "fail, crash or timeout"),
        ("cause: it is wrong", "cause: \" \"", 4, "`cause`"),
        ("{since: \"6.1\"}", "{since: \"6.1\", until: \"5.10\"}", 4, "end before they begin"),
    ];

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (right, wrong, line, words) in WRONG {
            assert!(PAGE.contains(right), "{right}");
            let error = parse(&PAGE.replacen(right, wrong, 1)).expect_err(wrong);
            assert!(error.message.contains(words), "{wrong}: {error}");
            assert_eq!(error.place.map(|place| place.0), Some(*line), "{wrong}: {error}");
        }
    }
}
