//! Every command that a document of the repository shows, and who runs it.

/// Who runs a command.
#[allow(dead_code, reason = "two tests have this file, and each reads a part of it")]
pub enum By {
    /// The board, as it stands, in one shell with those before it: the exit codes that are right, and what is put in
    /// place of its words in capitals and added for a board that is slow.
    Board(&'static [i32], &'static str),
    /// A test, by its name.
    Test(&'static str),
    /// `ci/test` builds it, with the file that it starts from, and does not run it; with the reason.
    Built(&'static str, &'static str),
}

use By::{Board, Built, Test};

const FIGURES: &str = "what it measures is the machine; harness/PERFORMANCE.md says of which one";

/// The commands. Those that the board runs depend on those above them.
pub const COMMANDS: &[(&str, By)] = &[
    ("ci/board run debian-amd64", Test("debian_amd64")),
    // This very test is a part of them.
    ("ci/test", Test("every_command_of_the_documents_is_run")),
    ("ci/test --quick", Test("every_command_of_the_documents_is_run")),
    ("ci/test --all", Test("every_command_of_the_documents_is_run")),
    ("ci/test --night", Built("ci/test", "it runs for hours")),
    ("ci/test --farm", Built("ci/test", "each script that it runs is one of ci/farm, which installs a farm")),
    ("ci/board list", Test("the_boards_are_listed")),
    ("ci/board run debian-amd64 --change prime-handle-cache", Test("a_changed_line_of_the_drm_core_is_one_cause")),
    ("ci/board run debian-amd64 --change shmem-fault-page", Test("every_change_can_be_read_and_says_who_has_it")),
    ("ci/board changes", Built("ci/test", "it runs for half an hour, at night")),
    ("ci/board changes shmem-import-leak+contig-size", Built("ci/test", "it is a part of the one above")),
    ("ci/board run all", Test("all_boards_are_told_in_one_table")),
    ("ci/board run X --kernel vmlinuz --modules DIR", Test("a_kernel_that_was_just_built")),
    ("ci/board run X --bisect -- CELLS", Test("a_kernel_is_judged_for_git_bisect")),
    ("ci/board bisect X CELLS", Test("debian_s_kernels_are_searched")),
    ("ci/board bisect debian-amd64-7.3 mapping.at-offset.drm-bochs-drm", Test("debian_s_kernels_are_searched")),
    ("ci/board run X -- --jobs 2", Test("two_cells_at_a_time_show_what_each_shows_alone")),
    ("ci/board run X -- mapping.", Test("an_outcome_that_the_board_file_does_not_expect_makes_the_run_red")),
    ("ci/board run X --resume", Test("what_qemu_could_not_append_to_the_journal_is_missed")),
    ("ci/board shell X", Test("the_board_is_left_as_it_was")),
    ("ci/board fetch X", Test("a_kernel_that_was_just_built")),
    ("ci/board lint debian-amd64-kmod", Test("the_modules_keep_to_the_kernel_s_rules")),
    ("ci/board image X --output DIR", Test("test_every_board_s_jobs_are_sound")),
    ("ci/board run debian-amd64-7.3 -- mapping.", Test("debian_amd64_7_3_and_again")),
    ("ci/board run debian-amd64-7.3 -- mapping.second-page", Test("debian_amd64_7_3_and_again")),
    ("ci/board run debian-amd64-kmod", Test("a_board_with_modules_of_our_own")),
    ("ci/board run mutants", Test("faults_that_are_planted_in_modules_are_caught")),
    ("ci/board run mutants-6.1", Test("what_no_byte_shows_is_seen_on_the_oldest_and_the_newest_kernel")),
    ("ci/board run mutants-7.3", Test("what_no_byte_shows_is_seen_on_the_oldest_and_the_newest_kernel")),
    ("ci/board run mutants -- mmap-", Test("faults_that_are_planted_in_modules_are_caught")),
    ("ci/board run mutants -- --whole MODULE", Built("ci/test", "it runs for a quarter of an hour, at night")),
    ("ci/board shell debian-amd64", Test("the_board_is_left_as_it_was")),
    (
        "cargo install --path harness/cli",
        Built("harness/cli/Cargo.toml", "it builds what every test of the program does"),
    ),
    ("cargo test", Test("one_trial_a_cell_with_filters_and_reasons")),
    ("cargo test --test conformance -- mapping.at-offset", Test("one_trial_a_cell_with_filters_and_reasons")),
    (
        "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$PWD/ci/run-on-board PRIME_CTS_BOARD=root@board cargo test --target \
         aarch64-unknown-linux-gnu",
        Test("arguments_variables_and_the_exit_code_pass"),
    ),
    ("cargo test -p circles", Test("no_files_import_each_other_in_a_circle")),
    ("cargo test -p prime-cts-oracle content", Test("what_was_seen_is_named")),
    ("cargo test -p prime-cts --test mock", Test("every_planted_fault_is_caught_by_the_cases_that_are_about_it")),
    ("PRIME_CTS_BLESS=1 cargo test -p prime-cts-spec", Test("the_committed_manual_is_that_of_the_types")),
    (
        "PRIME_CTS_BLESS=1 cargo test --test detections",
        Test("each_fault_of_the_modules_is_in_the_table_and_was_caught"),
    ),
    ("cargo bench", Built("harness/oracle/benches/content.rs", FIGURES)),
    ("cargo bench -p prime-cts-oracle", Built("harness/oracle/benches/content.rs", FIGURES)),
    (
        "cargo bench -p prime-cts-oracle --bench content -- --mib 4096",
        Built("harness/oracle/benches/content.rs", FIGURES),
    ),
    ("cargo bench -p prime-cts-runner --bench cell", Built("harness/runner/benches/cell.rs", FIGURES)),
    ("cargo bench -p prime-cts-runner --bench plan", Built("harness/runner/benches/plan.rs", FIGURES)),
    ("cargo bench -p prime-cts --bench start", Built("harness/cli/benches/start.rs", FIGURES)),
    ("cargo run -p registry -- linux-source-7.3.tar.xz", Test("a_folder_and_an_archive_tell_the_same")),
    (
        "PRIME_CTS_KILLS=1000 cargo test -p prime-cts --test kills",
        Test("a_run_that_is_killed_at_any_moment_loses_nothing"),
    ),
    (
        "PRIME_CTS_KILLS=21 cargo test -p emulator --features boards --test boards kills::",
        Test("an_emulator_that_is_killed_at_any_moment_loses_nothing"),
    ),
    ("ci/cross aarch64", Test("a_static_program_for_another_architecture")),
    ("ci/cross x86_64", Test("a_static_program_for_another_architecture")),
    ("prime-cts --help", Board(&[0], "")),
    ("prime-cts --version", Board(&[0], "")),
    ("prime-cts list", Board(&[0], "")),
    ("prime-cts list cases", Board(&[0], "")),
    ("prime-cts list findings", Board(&[0], "")),
    ("prime-cts doctor", Board(&[0], "")),
    ("prime-cts plan", Board(&[0], "")),
    ("prime-cts run", Board(&[0], "prime-cts run mapping. leaks.answer")),
    ("prime-cts run --resume", Board(&[0], "prime-cts run --resume mapping. leaks.answer")),
    ("prime-cts run --tag quick", Board(&[0, 1, 3], "prime-cts run --tag quick fd. --output quick")),
    ("prime-cts report DIR", Board(&[0], "prime-cts report prime-cts-results")),
    ("prime-cts diagnose RUN", Board(&[0, 1], "prime-cts diagnose prime-cts-results")),
    ("prime-cts diagnose", Test("the_page_begins_with_the_causes_and_the_one_command")),
    ("prime-cts report --html", Test("the_page_begins_with_the_causes_and_the_one_command")),
    ("prime-cts diff A B", Board(&[0], "prime-cts diff prime-cts-results prime-cts-results/run.jsonl")),
    ("prime-cts diff BEFORE AFTER", Board(&[0], "prime-cts diff prime-cts-results prime-cts-results")),
    ("prime-cts coverage DIR...", Board(&[0], "prime-cts coverage prime-cts-results")),
    ("prime-cts run --shard 2/3", Board(&[0], "prime-cts run --shard 2/3 mapping. --output shard-2")),
    (
        "prime-cts run --shard 2/3 --times LAST",
        Board(&[0], "prime-cts run --shard 2/3 --times prime-cts-results mapping. --output shard-timed"),
    ),
    ("prime-cts merge DIR...", Board(&[1], "prime-cts merge shard-2 --output merged")),
    (
        "prime-cts merge results/* --board fixtures/boards/imx8mp.yaml --output results/all",
        Test("three_shards_are_the_whole_run_and_two_are_not"),
    ),
    (
        "prime-cts bless RUN --board FILE",
        Board(
            &[2],
            "printf 'name: mine\\ndescription: d\\narchitecture: x86_64\\n' >mine.yaml; \
             prime-cts bless prime-cts-results --board mine.yaml",
        ),
    ),
    (
        "prime-cts bless RUN --board FILE --reason TEXT",
        Board(&[0], "prime-cts bless prime-cts-results --board mine.yaml --reason 'as it is today'"),
    ),
    ("prime-cts run --board FILE", Board(&[0], "prime-cts run mapping. leaks.answer --board mine.yaml --output known")),
    ("prime-cts bless before --board my-board.yaml", Test("a_red_run_is_as_expected_once_somebody_has_said_why")),
    (
        "prime-cts bless before leaks.answer --board my-board.yaml --reason 'drm_ioctl copies the answer last'",
        Test("a_red_run_is_as_expected_once_somebody_has_said_why"),
    ),
    (
        "prime-cts run --board my-board.yaml --output before",
        Test("a_red_run_is_as_expected_once_somebody_has_said_why"),
    ),
    (
        "prime-cts run --board my-board.yaml --output after",
        Board(&[0], "prime-cts run mapping. leaks.answer --board mine.yaml --output after"),
    ),
    (
        "prime-cts lists export RUN --board FILE",
        Board(&[0], "prime-cts lists export prime-cts-results --board mine.yaml"),
    ),
    ("prime-cts lists import", Test("a_board_s_lists_say_the_same_in_another_board_file")),
    ("prime-cts speed --bare", Board(&[0], "prime-cts speed --bare")),
    ("prime-cts speed", Board(&[0], "prime-cts speed heap-system drm-vgem --mib 1")),
    ("prime-cts repro CELL", Board(&[0], "prime-cts repro mapping.at-offset.drm-vgem")),
    ("prime-cts repro mapping.at-offset.drm-vgem", Board(&[0], "")),
    ("prime-cts man", Board(&[0], "")),
    ("prime-cts completions bash", Board(&[0], "")),
    ("prime-cts report DIR --html", Board(&[0], "prime-cts report prime-cts-results --html")),
    (
        "prime-cts report DIR --html --against RUN",
        Board(&[0], "prime-cts report prime-cts-results --html --against shard-2"),
    ),
    ("prime-cts report RUN --format kcidb --build ORIGIN:ID", Test("test_a_report_is_what_kcidb_takes")),
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
    (
        "prime-cts run --lava --board BOARD.yaml",
        Test("test_each_cell_of_a_shard_is_a_test_case_and_an_event_of_the_journal"),
    ),
    (
        "prime-cts run --ktap --board BOARD.yaml",
        Board(&[0], "prime-cts run mapping. --ktap --board mine.yaml --output k"),
    ),
    (
        "prime-cts run --console --board BOARD.yaml",
        Board(&[0], "prime-cts run mapping. --console --board mine.yaml --output c | tee LOG; test -s LOG"),
    ),
    (
        "prime-cts report --from-console LOG --output DIR",
        Board(
            &[0],
            "prime-cts report --from-console LOG --output rebuilt && test -s rebuilt/run.jsonl && echo rebuilt",
        ),
    ),
    (
        "prime-cts run --console --crashed CELL --previous-log WORDS --board BOARD.yaml",
        Test("a_run_that_goes_on_behind_a_crash_is_one_run_on_the_console"),
    ),
    ("prime-cts case new mapping/second-page", Test("the_first_case_of_the_manual_goes_as_the_manual_says")),
    (
        "prime-cts case check cases/mapping/second-page.yaml",
        Test("the_first_case_of_the_manual_goes_as_the_manual_says"),
    ),
    (
        "prime-cts case explain mapping.second-page --cases cases",
        Test("a_case_is_explained_and_one_that_is_misspelt_is_found"),
    ),
    (
        "ci/board image debian-amd64-7.3 --output images/debian-amd64-7.3",
        Test("test_each_cell_of_a_shard_is_a_test_case_and_an_event_of_the_journal"),
    ),
    ("ci/lava/device_type.py images/debian-amd64-7.3", Test("test_three_shards_are_the_whole_run")),
    (
        "ci/lava/job.py images/debian-amd64-7.3 --url http://FARM/images/debian-amd64-7.3 --shard 2/3 -- mapping.",
        Test("test_every_board_s_jobs_are_sound"),
    ),
    (
        "LAVA_TOKEN=... ci/lava/submit.py images/debian-amd64-7.3 --url http://FARM/images/debian-amd64-7.3 --server \
         https://LAVA --shards 3 --output results",
        Test("test_three_shards_are_the_whole_run"),
    ),
    (
        "ci/labgrid/run 2/3 board=imx8mp -- --board imx8mp --output results/2 --restarts 3 --words --watchdog",
        Test("test_three_shards_on_two_places_are_a_whole_run"),
    ),
];
