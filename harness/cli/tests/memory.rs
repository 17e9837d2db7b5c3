//! The most memory that a run has does not grow with the number of its cells, its reports included.

mod program;

use program::Place;

const CASE: &str =
    "rule: A file has the size of its buffer.\nwhy: w\nreference: f\ncells: pair\nsteps:\n  - allocate: {as: b}
  - export: {buffer: b, as: f}\n  - size: {file: f}\n";

/// Mocks that are exporters and importers in every case.
const MOCKS: usize = 14;

/// Makes a run of this many cases; returns the number of cells, and the peak memory in MiB, as it reports it.
fn run(cases: usize) -> (usize, f64) {
    let place = Place::new();
    for number in 0..cases {
        place.file(&format!("cases/area/c{number}.yaml"), format!("name: c{number}\n{CASE}"));
    }
    let mocks: Vec<&str> = device::mock::Fault::ALL.iter().map(|fault| fault.word()).take(MOCKS).collect();
    let said = place.mock(&mocks.join(","), "--cases cases --progress none");
    let number = |mark: &str| {
        let before = said.out.split(mark).next().and_then(|text| text.split([' ', '\n']).next_back());
        before.unwrap_or_else(|| panic!("no '{mark}' in {said:?}")).parse().unwrap()
    };
    (number(" cells: ") as usize, number(" MiB at most"))
}

#[test]
fn a_run_of_many_cells_takes_no_more_memory_than_one_of_few() {
    let ((few, small), (many, large)) = (run(1), run(20));
    assert_eq!((few, many), (MOCKS * MOCKS, 20 * MOCKS * MOCKS));
    // What the kernel counts late, the pages of the program that are in memory, and the rounding of the text differ by half
    // of this from run to run; were the cells kept as they ended, it would be twice as much, and more with their reports.
    assert!(large - small < 1.0, "{small} MiB for {few} cells, {large} MiB for {many}");
}
