//! Every command of the README is run by a test: here, on a board, or by another test that is named.

use std::collections::BTreeSet;
use std::fs;

use crate::host::{self, root};

/// Who runs a command.
enum By {
    /// The board, as it stands, in one shell with those before it: the exit codes that are right, and what is put in place
    /// of its words in capitals and added for a board that is slow.
    Board(&'static [i32], &'static str),
    /// Another test, by its name.
    Test(&'static str),
}

use By::{Board, Test};

/// The commands in their order.
const COMMANDS: &[(&str, By)] = &[
    ("ci/board run debian-amd64", Test("debian_amd64")),
    // This very test is a part of it.
    ("ci/test", Test("every_command_of_the_readme_is_run")),
    ("ci/board list", Test("the_boards_are_listed")),
    ("ci/board run all", Test("all_boards_are_told_in_one_table")),
    ("ci/board run X --kernel vmlinuz --modules DIR", Test("a_kernel_that_was_just_built")),
    ("ci/board run X -- mapping.", Test("an_outcome_that_the_board_file_does_not_expect_makes_the_run_red")),
    ("ci/board shell X", Test("the_board_is_left_as_it_was")),
    ("ci/board fetch X", Test("a_kernel_that_was_just_built")),
    ("cargo test", Test("one_trial_a_cell_with_filters_and_reasons")),
    ("cargo test --test conformance -- mapping.at-offset", Test("one_trial_a_cell_with_filters_and_reasons")),
    (
        "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$PWD/ci/run-on-board PRIME_CTS_BOARD=root@board cargo test --target \
         aarch64-unknown-linux-gnu",
        Test("arguments_variables_and_the_exit_code_pass"),
    ),
    ("ci/cross aarch64", Test("a_static_program_for_another_architecture")),
    ("prime-cts list", Board(&[0], "")),
    ("prime-cts list cases", Board(&[0], "")),
    ("prime-cts doctor", Board(&[0], "")),
    ("prime-cts plan", Board(&[0], "")),
    ("prime-cts run", Board(&[1], "prime-cts run mapping. leaks.answer")),
    ("prime-cts run --resume", Board(&[1], "prime-cts run --resume mapping. leaks.answer")),
    ("prime-cts report DIR", Board(&[1], "prime-cts report prime-cts-results")),
    ("prime-cts diff A B", Board(&[0], "prime-cts diff prime-cts-results prime-cts-results/run.jsonl")),
    ("prime-cts coverage DIR...", Board(&[0], "prime-cts coverage prime-cts-results")),
    ("prime-cts run --shard 2/3", Board(&[0, 1], "prime-cts run --shard 2/3 mapping. --output shard-2")),
    ("prime-cts merge DIR...", Board(&[1], "prime-cts merge shard-2 --output merged")),
    (
        "prime-cts bless RUN --board FILE --reason TEXT",
        Board(
            &[0],
            "printf 'name: mine\\ndescription: d\\narchitecture: x86_64\\n' >mine.yaml; \
             prime-cts bless prime-cts-results --board mine.yaml --reason 'as it is today'",
        ),
    ),
    (
        "prime-cts lists export RUN --board FILE",
        Board(&[0], "prime-cts lists export prime-cts-results --board mine.yaml"),
    ),
    ("prime-cts load", Board(&[0, 1], "prime-cts load --seconds 3 --output load")),
    ("prime-cts speed", Board(&[0], "prime-cts speed heap-system drm-vgem --mib 1")),
    ("prime-cts repro CELL", Board(&[0], "prime-cts repro mapping.at-offset.drm-vgem")),
    ("prime-cts man", Board(&[0], "")),
    ("prime-cts completions bash", Board(&[0], "")),
    ("prime-cts report DIR --html", Board(&[1], "prime-cts report prime-cts-results --html")),
    (
        "prime-cts report DIR --html --against RUN",
        Board(&[1], "prime-cts report prime-cts-results --html --against shard-2"),
    ),
    (
        "prime-cts run stream.capture --witness 'cat >\"frames/$PRIME_CTS_CELL\"'",
        Board(
            &[0],
            "mkdir frames; prime-cts run stream.capture.heap-system --witness 'cat >\"frames/$PRIME_CTS_CELL\"'; \
             test -s frames/stream.capture.heap-system.v4l2-vivid-cap0",
        ),
    ),
    (
        "prime-cts run kms.scan-out --witness 'modetest -M vkms -p'",
        Test("other_programs_see_the_same_frame_and_the_same_display"),
    ),
    ("prime-cts load --seconds 120", Test("a_board_bears_a_load")),
];

/// The commands of the README, without what is said behind a '#': those of its blocks, of its table, and those that go on
/// behind a '\'.
fn commands(readme: &str) -> Vec<String> {
    let lines = readme.replace("\\\n", " ");
    let of_block = |line: &str| {
        let line = line.strip_prefix("    ")?;
        let (command, said) = line.split_once(" #").unwrap_or((line, ""));
        let begins = ["ci/", "prime-cts ", "cargo ", "CARGO_"].iter().any(|begin| command.starts_with(begin));
        // What is said of a folder is no command.
        let runs = !command.starts_with("ci/ ");
        (begins && runs).then(|| (command, said).0.to_owned())
    };
    let of_table = |line: &str| {
        Some(line.strip_prefix("| `").filter(|line| line.starts_with("ci/"))?.split('`').next()?.to_owned())
    };
    let all = lines.lines().filter_map(|line| of_block(line).or_else(|| of_table(line)));
    let plain = all.map(|command| command.split_whitespace().collect::<Vec<_>>().join(" "));
    plain.filter(|command| command.contains(' ') || command.starts_with("ci/")).collect()
}

#[test]
fn every_command_of_the_readme_is_run() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let found: BTreeSet<String> = commands(&readme).into_iter().collect();
    let known: BTreeSet<String> = COMMANDS.iter().map(|(command, _)| (*command).to_owned()).collect();
    let untested: Vec<_> = found.difference(&known).collect();
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(untested.is_empty() && gone.is_empty(), "nobody runs {untested:#?}; not in the README: {gone:#?}");
    // A test that is named is there.
    let folders = ["ci/emulator/tests", "ci/emulator/tests/boards", "ci/emulator/src", "harness/cli/tests"];
    let files = folders.map(|folder| fs::read_dir(root().join(folder)).unwrap()).into_iter().flatten();
    let sources: String = files.filter_map(|file| fs::read_to_string(file.unwrap().path()).ok()).collect();
    for (command, by) in COMMANDS {
        if let Test(name) = by {
            assert!(sources.contains(&format!("fn {name}()")), "{command}: there is no test {name}");
        }
    }
}

#[test]
fn commands_of_the_readme_on_a_board() {
    let board = "debian-amd64-7.3";
    let _board = host::alone(board);
    let folder = root().join("target/boards").join(board).join("readme");
    let _ = fs::remove_dir_all(&folder);
    // What they say goes to files: the kernel writes to the console, too, and in the middle of a line.
    let mut script = "mkdir -p /tmp/readme /results/readme; cd /tmp/readme\n".to_owned();
    let of_board = |(command, by): &(&'static str, By)| match by {
        Board(codes, line) => Some((*command, *codes, if line.is_empty() { *command } else { *line })),
        Test(_) => None,
    };
    let lines: Vec<_> = COMMANDS.iter().filter_map(of_board).collect();
    for (number, (_, _, line)) in lines.iter().enumerate() {
        script += &format!("{{ {line}; }} >/results/readme/{number} 2>&1; echo $? >/results/readme/{number}.code\n");
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
        // Each tells something, and none of them a panic.
        assert!(!heard.trim().is_empty() && !heard.contains("panicked at"), "{command}: {heard}");
    }
}
