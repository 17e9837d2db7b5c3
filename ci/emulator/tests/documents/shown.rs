//! The commands that a document shows.

use std::collections::BTreeSet;

/// What a command of the repository begins with.
const BEGINS: [&str; 7] =
    ["ci/", "prime-cts ", "cargo ", "CARGO_", "LAVA_TOKEN=", "PRIME_CTS_BLESS=", "PRIME_CTS_KILLS="];

/// The commands that a document shows: those in blocks, without what is said after a '#', also those that go on after a
/// '\'; and those in the text, where a command may be named by its beginning.
pub struct Shown {
    /// Those in blocks.
    pub blocks: BTreeSet<String>,
    /// Those in the text.
    pub named: BTreeSet<String>,
}

impl Shown {
    /// Reads a document. What a fence holds is output, or is run by a test that reads it there.
    pub fn in_document(text: &str) -> Self {
        let joined = text.replace("\\\n", " ");
        let prose: String = joined.split("\n```").step_by(2).collect();
        let block = |line: &str| {
            let command = line.strip_prefix("    ")?;
            let command = plain(command.split_once(" #").map_or(command, |(command, _)| command));
            is_command(&command).then_some(command)
        };
        let named = prose.split('`').skip(1).step_by(2).map(plain);
        Self {
            blocks: prose.lines().filter_map(block).collect(),
            named: named.filter(|command| is_command(command) && command.contains(' ')).collect(),
        }
    }
}

fn plain(command: &str) -> String {
    command.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_command(text: &str) -> bool {
    BEGINS.iter().any(|begin| text.starts_with(begin) || text == begin.trim_end())
}

#[test]
fn commands_are_found_in_blocks_and_in_the_text() {
    let text = "A `ci/board list` and `prime-cts`, `ci/board`.\n\n    prime-cts run   a \\\n        b   # c\n    ls\n    \
        ci/test\n\n```\n    ci/never\n```\nand `cargo\ntest` at the end\n";
    let shown = Shown::in_document(text);
    assert_eq!(shown.blocks.into_iter().collect::<Vec<_>>(), ["ci/test", "prime-cts run a b"]);
    assert_eq!(shown.named.into_iter().collect::<Vec<_>>(), ["cargo test", "ci/board list"]);
}
