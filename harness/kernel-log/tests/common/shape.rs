//! The shapes in `data/shapes`, written by hand after the formats of the kernel's sources: `@ NAME | KINDS | WORD`, then the
//! lines. The word must be in the report, and with a star before it in its title.

use kernel_log::{Record, Splat, SplatKind, records_of_console};

use super::record;

const FILES: &[(&str, &str)] = &[
    ("x86", include_str!("../data/shapes/x86.txt")),
    ("arm", include_str!("../data/shapes/arm.txt")),
    ("architectures", include_str!("../data/shapes/architectures.txt")),
    ("sanitizers", include_str!("../data/shapes/sanitizers.txt")),
    ("locks", include_str!("../data/shapes/locks.txt")),
    ("stuck", include_str!("../data/shapes/stuck.txt")),
    ("warnings", include_str!("../data/shapes/warnings.txt")),
    ("memory", include_str!("../data/shapes/memory.txt")),
    ("dma", include_str!("../data/shapes/dma.txt")),
    ("iommu", include_str!("../data/shapes/iommu.txt")),
];

/// What the kernel says before and after.
pub const BEFORE: &str = "usb 1-1: new high-speed USB device number 2 using xhci_hcd";
/// See [`BEFORE`].
pub const AFTER: &str = "lab: an ordinary line of a driver";

/// A report, and what is expected of it.
pub struct Shape {
    pub name: String,
    pub kinds: Vec<SplatKind>,
    pub word: Option<String>,
    in_title: bool,
    pub lines: Vec<&'static str>,
}

/// All shapes.
pub fn shapes() -> Vec<Shape> {
    let in_file = |(file, text): &(&str, &'static str)| {
        let text = text.strip_prefix("@ ").unwrap_or(text);
        text.split("\n@ ").map(|shape| parse(file, shape)).collect::<Vec<_>>()
    };
    FILES.iter().flat_map(in_file).collect()
}

fn parse(file: &str, text: &'static str) -> Shape {
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split(" | ").collect();
    let [name, kinds, word] = head[..] else { panic!("{file}: {text}") };
    let kinds = kinds.split(' ').map(|kind| kind_of(kind).unwrap_or_else(|| panic!("{file}: {name}: {kind}")));
    Shape {
        name: format!("{file}: {name}"),
        kinds: kinds.collect(),
        in_title: word.starts_with('*'),
        word: (word != "-").then(|| word.trim_start_matches('*').to_owned()),
        lines: lines.collect(),
    }
}

fn kind_of(word: &str) -> Option<SplatKind> {
    use SplatKind::*;
    let all =
        [Warning, Bug, Oops, Panic, Lockdep, Sanitizer, Refcount, Corruption, DmaDebug, DmaLimit, IommuFault, Hung];
    all.into_iter().find(|kind| format!("{kind:?}") == word)
}

impl Shape {
    /// The shape in a log, with ordinary lines around it.
    fn lines(&self) -> impl Iterator<Item = &str> {
        [BEFORE].into_iter().chain(self.lines.iter().copied()).chain([AFTER])
    }

    pub fn as_kmsg(&self) -> Vec<Record> {
        self.lines().map(record).collect()
    }

    /// As a console shows it, with what `stamp` writes before each line.
    pub fn on_console(&self, stamp: impl Fn(usize) -> String) -> Vec<Record> {
        let lines = self.lines().enumerate().map(|(number, line)| format!("{}{line}\r\n", stamp(number)));
        records_of_console(&lines.collect::<String>())
    }

    pub fn judge(&self, found: &[Splat]) -> Judged {
        let kinds: Vec<SplatKind> = found.iter().map(|splat| splat.kind).collect();
        let word = self.word.as_deref().is_none_or(|word| {
            let has = |splat: &Splat| {
                splat.title.contains(word) || (!self.in_title && splat.lines.iter().any(|line| line.contains(word)))
            };
            found.iter().any(has)
        });
        let clean = !found.iter().flat_map(|splat| &splat.lines).any(|line| line == BEFORE || line == AFTER);
        Judged { found: !found.is_empty(), kind: kinds == self.kinds, word, clean }
    }
}

/// How a shape was read.
pub struct Judged {
    pub found: bool,
    pub kind: bool,
    pub word: bool,
    pub clean: bool,
}
