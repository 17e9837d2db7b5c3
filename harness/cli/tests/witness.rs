//! Another program's look at a frame that a cell works on.

mod program;

use std::fs;

use program::Place;

#[test]
fn a_witness_is_shown_the_frame_that_a_device_wrote() {
    let place = Place::new();
    let command = "cat >seen; echo $PRIME_CTS_CELL $PRIME_CTS_NODE $PRIME_CTS_FRAMES >told";
    let mut program = place
        .command("run --mock clean --kernel-log kernel-log --output out --exact stream.capture.mock-clean.mock-clean");
    let said = program.args(["--witness", command]).output().unwrap();
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    let told = fs::read_to_string(place.path("told")).unwrap();
    let length: usize = told.split_whitespace().rev().nth(1).unwrap().parse().unwrap();
    assert!(told.starts_with("stream.capture.mock-clean.mock-clean "), "{told}");
    assert_eq!(fs::metadata(place.path("seen")).unwrap().len() as usize, length);
}

#[test]
fn a_witness_that_looks_at_no_frame_ends_no_cell() {
    let place = Place::new();
    let case = include_str!("../../../cases/stream/capture.yaml");
    // More than a pipe holds: what writes waits until someone reads, or no one can any more.
    let larger = ["first", "second"].iter().fold(case.to_owned(), |case, name| {
        case.replace(&format!("allocate: {{as: {name}}}"), &format!("allocate: {{as: {name}, size: 1MiB}}"))
    });
    place.file("stream/capture.yaml", larger);
    let mut program = place.command("case run stream/capture.yaml --mock clean --kernel-log kernel-log --output out");
    let said = program.args(["--witness", "echo $PRIME_CTS_FRAMES >told; exec true"]).output().unwrap();
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    let told = fs::read_to_string(place.path("told")).unwrap();
    let length: usize = told.split_whitespace().next().unwrap().parse().unwrap();
    assert!(length > 1 << 16, "{told}");
}
