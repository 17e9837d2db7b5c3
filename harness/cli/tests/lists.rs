//! The lists of the kernel's drm/ci, through the program, on mocks.

mod program;

use std::fs;

use program::Place;

const BOARD: &str = "name: b\ndescription: d\narchitecture: x86_64\narguments: [--skip, fd.size]\nexpect:\n  cells:\n    \
    - {ids: ['mapping.*at-offset.*'], verdict: [fail], reason: page 0}\n    - {ids: [fd.**], verdict: [pass, fail], reason: seldom}\n";
const BARE: &str = "name: c\ndescription: d\narchitecture: x86_64\nexpect:\n  cells:\n";

#[test]
fn a_board_s_lists_say_the_same_in_another_board_file() {
    let place = Place::new();
    place.file("b.yaml", BOARD);
    place.file("c.yaml", BARE);
    let run = |board: &str| place.mock("wrong-page", &format!("mapping. --board {board}"));
    assert_eq!(run("c.yaml").code, Some(1));
    assert_eq!(run("b.yaml").code, Some(0));
    let said = place.run("lists export out --board b.yaml --output lists");
    assert!(said.code == Some(0) && said.out.contains("lists/b-fails.txt"), "{said:?}");
    let fails = fs::read_to_string(place.path("lists/b-fails.txt")).unwrap();
    assert!(fails.starts_with("# page 0\nmapping.") && fails.contains("at-offset.mock-wrong-page,Fail\n"), "{fails}");
    let files = "--fails lists/b-fails.txt --flakes lists/b-flakes.txt --skips lists/b-skips.txt";
    assert_eq!(place.run(&format!("lists import {files} --board c.yaml")).code, Some(0));
    assert_eq!(run("c.yaml").code, Some(0));
    let board = fs::read_to_string(place.path("c.yaml")).unwrap();
    assert!(board.contains("arguments: [--skip, \"fd.size\"]") && board.contains("fd.**"), "{board}");
    assert_eq!(place.run("lists import --board c.yaml").code, Some(2), "it is to be told which lists");
}
