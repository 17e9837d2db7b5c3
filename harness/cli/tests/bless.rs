//! Differences that are written into a board file, through the program, on mocks.

mod program;

use std::fs;

use program::Place;

const BOARD: &str = "name: b\ndescription: d\narchitecture: x86_64\nexpect:\n  cells:\n    # Of another kernel.\n    \
    - ids: [leaks.**]\n      verdict: [fail]\n      reason: known\n";

#[test]
fn a_red_run_is_as_expected_once_somebody_has_said_why() {
    let place = Place::new();
    place.file("b.yaml", BOARD);
    let run = || place.mock("wrong-page", "mapping. --board b.yaml");
    assert_eq!(run().code, Some(1));
    let board = || fs::read_to_string(place.path("b.yaml")).unwrap();
    place.run("bless out --board b.yaml").fails(2, &["mapping.at-offset.mock-wrong-page (fail)", "--reason TEXT"]);
    assert_eq!(board(), BOARD, "nothing is written without a reason");

    place.run("bless out mapping.nothing --board b.yaml").fails(2, &["no cell of the run contains 'mapping.nothing'"]);
    place.run("bless out --board none.yaml").fails(2, &["cannot read none.yaml"]);

    let bless = |filter: &str| {
        let mut program = place.command(&format!("bless out {filter} --board b.yaml --reason"));
        program.arg("The mock shows page 0: it is made so.").output().unwrap()
    };
    assert_eq!(bless("mapping.at-offset").status.code(), Some(0));
    assert!(board().contains("    # Of another kernel.\n"), "{}", board());
    let said = place.run("bless out mapping.at-offset --board b.yaml");
    assert!(said.code == Some(0) && said.out.contains("nothing differs"), "the file has it now: {said:?}");
    let some = run();
    assert_eq!(some.code, Some(if some.out.contains("regression") { 1 } else { 0 }), "{some:?}");
    assert!(some.out.contains("The mock shows page 0: it is made so."), "{some:?}");
    assert_eq!(bless("").status.code(), Some(0));
    assert_eq!(run().code, Some(0), "{}", board());
    let said = place.run("bless out --board b.yaml");
    assert!(said.code == Some(0) && said.out.contains("nothing differs"), "{said:?}");
    place.run("bless out --board none.yaml").fails(2, &["cannot read none.yaml"]);
}

#[test]
fn what_a_run_without_a_board_file_takes_for_granted_is_blessed_too() {
    let place = Place::new();
    place.file("b.yaml", "name: b\ndescription: d\narchitecture: x86_64\n");
    let refused = "access.device-writes.mock-clean.mock-refuses";
    assert_eq!(place.mock("clean,refuses", &format!("--exact {refused}")).code, Some(3));
    place.run("bless out --board b.yaml").fails(2, &[refused, "(refused)"]);
    let mut bless = place.command("bless out --board b.yaml --reason");
    assert_eq!(bless.arg("It takes no buffer.").output().unwrap().status.code(), Some(0));
    let said = place.mock("clean,refuses", &format!("--exact {refused} --board b.yaml"));
    assert!(!said.out.contains("regression"), "{said:?}");
}
