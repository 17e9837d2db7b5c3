//! The commands of the documents that a board runs.

#[path = "../documents/commands.rs"]
mod commands;

use std::fs;

use crate::host::{self, root};
use commands::{By, COMMANDS};

#[test]
fn commands_of_the_documents_on_a_board() {
    let board = "debian-amd64-7.3";
    let _board = host::alone(board);
    let folder = root().join("target/boards").join(board).join("documents");
    let _ = fs::remove_dir_all(&folder);
    // What they print goes to files: the kernel writes to the console, too, and in the middle of a line.
    let mut script = "mkdir -p /tmp/documents /results/documents; cd /tmp/documents\n".to_owned();
    let of_board = |(command, by): &(&'static str, By)| match by {
        By::Board(codes, line) => Some((*command, *codes, if line.is_empty() { *command } else { *line })),
        By::Test(_) | By::Built(..) => None,
    };
    let lines: Vec<_> = COMMANDS.iter().filter_map(of_board).collect();
    for (number, (_, _, line)) in lines.iter().enumerate() {
        script +=
            &format!("{{ {line}; }} >/results/documents/{number} 2>&1; echo $? >/results/documents/{number}.code\n");
    }
    let said = host::shell(board, &script).out;
    for (number, (command, codes, _)) in lines.iter().enumerate() {
        let read = |name: String| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let ended = read(format!("{number}.code")).trim().parse::<i32>().ok();
        let heard = read(number.to_string());
        assert!(
            ended.is_some_and(|code| codes.contains(&code)),
            "{command}: {ended:?} is none of {codes:?}\n{heard}\n{said}"
        );
        // Each prints something, and none of them a panic.
        assert!(!heard.trim().is_empty() && !heard.contains("panicked at"), "{command}: {heard}");
    }
}
