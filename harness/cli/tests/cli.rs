//! Bad input: each has an error that says what to do, and the exit code of the table.

mod program;

use std::process::Stdio;

use program::Place;

const CASE: &str = "name: one\nrule: r\nwhy: w\nreference: f\ncells: exporter\nsteps: []\n";
const NO_DEVICES: &str = "this machine has no DRM, V4L2, dma-heap or udmabuf device that shares buffers";

#[test]
fn a_cell_of_an_intrusive_case_is_named_with_the_option_that_it_needs() {
    let said = Place::new().mock("clean", "--exact limits.absurd-size.mock-clean");
    said.fails(2, &["'limits.absurd-size.mock-clean' is a cell of an intrusive case: pass --intrusive"]);
}

#[test]
fn a_cell_that_is_not_planned_is_an_error_that_names_the_nearest() {
    let said = Place::new().mock("clean", "--exact mapping.whole.mock-clea");
    said.fails(2, &["no cell is called 'mapping.whole.mock-clea'", "'mapping.whole.mock-clean' is the nearest"]);
}

#[test]
fn a_filter_that_matches_nothing_is_an_error() {
    let place = Place::new();
    place.mock("clean", "mapping.hole nothing.*").fails(2, &["no cell matches 'mapping.hole' or 'nothing.*'"]);
    place.mock("clean", "mapping. --skip mapping").fails(2, &["--skip leaves no cell"]);
    place.mock("clean", "--skip .").fails(2, &["--skip leaves no cell"]);
    assert!(!place.path("out").exists(), "bad input leaves no results");
}

#[test]
fn a_case_that_is_no_yaml_is_shown_with_a_caret() {
    let place = Place::new();
    place.file("cases/fd/one.yaml", "name: one\nrule: [\n");
    let said = place.mock("clean", "--cases cases");
    said.fails(2, &["cases/fd/one.yaml:2:7", "2 | rule: [\n", "  |       ^"]);
}

#[test]
fn a_case_with_a_wrong_word_is_shown_with_a_caret_and_the_right_words() {
    let place = Place::new();
    place.file("cases/fd/one.yaml", CASE.replace("exporter", "exporters"));
    let said = place.mock("clean", "--cases cases");
    said.fails(2, &["cases/fd/one.yaml:5:8", "5 | cells: exporters\n", "^^^^^^^^^", "help: did you mean 'exporter'?"]);
}

#[test]
fn a_folder_of_cases_that_is_missing_or_empty_is_an_error() {
    let place = Place::new();
    place.mock("clean", "--cases none").fails(2, &["cannot read none: No such file", "one YAML file a case"]);
    std::fs::create_dir_all(place.path("empty/fd")).unwrap();
    place.mock("clean", "--cases empty").fails(2, &["empty holds no case"]);
    place.file("flat/one.yaml", CASE);
    place.mock("clean", "--cases flat").fails(2, &["flat holds no case: one folder an area"]);
}

#[test]
fn a_board_file_that_cannot_be_used_is_an_error() {
    let place = Place::new();
    place.mock("clean", "--board none.yaml").fails(2, &["cannot read none.yaml: No such file"]);
    place.file("broken.yaml", "name: broken\nexpect: {cells: 3}\n");
    place.mock("clean", "--board broken.yaml").fails(2, &["broken.yaml:2:", "2 | expect: {cells: 3}\n", "^"]);
    place.file("board.yaml", "name: other\ndescription: d\narchitecture: x86_64\n");
    let said = place.mock("clean", "--board board.yaml");
    said.fails(2, &["board.yaml:1:1", "called 'other' here, but its file 'board.yaml'", "^^^^"]);
    assert!(!place.path("out").exists(), "bad input leaves no results");
}

#[test]
fn an_unknown_fault_of_the_mock_is_an_error_that_names_the_known_ones() {
    Place::new().mock("clean,wrong", "").fails(2, &["no fault of the mock is called 'wrong'", "wrong-page"]);
}

#[test]
fn an_unknown_command_or_option_is_an_error() {
    for line in ["", "walk", "run --bord x", "run --progress fast", "report"] {
        let said = Place::new().run(line);
        assert_eq!(said.code, Some(2), "{line}: {said:?}");
        assert!(said.err.contains("--help") || said.err.contains("Usage"), "{line}: {said:?}");
    }
}

#[test]
fn help_tells_the_exit_codes() {
    let said = Place::new().run("--help");
    assert_eq!(said.code, Some(0));
    for (code, meaning) in event::exit::Exit::TABLE {
        assert!(said.out.contains(&format!("  {}  {meaning}\n", *code as u8)), "{said:?}");
    }
}

#[test]
fn a_machine_without_devices_verifies_nothing_and_says_so() {
    let place = Place::new();
    // Both answers are right, each on its machine: what is asked is that all commands agree.
    let none = device::inventory::find(&device::System::default()).is_empty();
    let (list, plan) = (place.run("list"), place.run("plan"));
    let (listed, planned) = if none { (Some(3), Some(3)) } else { (Some(0), Some(0)) };
    assert_eq!((list.code, plan.code), (listed, planned), "{list:?} {plan:?}");
    assert_eq!((list.err.contains(NO_DEVICES), plan.err.contains(NO_DEVICES)), (none, none), "{list:?} {plan:?}");
    if none {
        let run = place.run("run --output out");
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!(run.out.contains(&format!("nothing was verified: {NO_DEVICES}")), "{run:?}");
        let report = place.run("report out");
        assert_eq!(report.code, Some(3), "{report:?}");
    }
}

#[test]
fn the_cases_are_listed_by_area_with_their_rules() {
    let said = Place::new().run("list cases");
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    let at = |begin: &str| lines.iter().position(|line| line.starts_with(begin)).unwrap();
    assert!(at("coherence (") < at("mapping (") && at("mapping (") < at("  at-offset "), "{said:?}");
    assert!(
        lines[at("  at-offset ")]
            .ends_with("A mapping of a dma-buf at an offset shows the buffer from that offset on.")
    );
    let cases = catalogue::embedded().len();
    assert!(cases >= 80 && lines.last().unwrap().starts_with(&format!("{cases} cases in ")), "{said:?}");
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let place = Place::new();
    let all: Vec<&str> = device::mock::Fault::ALL.iter().map(|fault| fault.word()).collect();
    for line in ["list", "plan", "--help"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mock = if line == "--help" { String::new() } else { format!("--mock {}", all.join(",")) };
        let mut command = place.command(&format!("{line} {mock}"));
        let child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!errors.contains("panicked"), "{line}: {errors}");
        assert_ne!(output.status.code(), Some(101), "{line}");
    }
}
