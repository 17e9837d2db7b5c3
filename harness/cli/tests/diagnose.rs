//! `prime-cts diagnose`, and the cells that `run --decide` adds.

mod program;

use program::Place;

const MOCKS: &str = "clean,leaks-attachment,wrong-page,refuses";

#[test]
fn one_cell_leaves_it_open_and_a_few_more_decide_it() {
    let place = Place::new();
    let cell = "--exact leaks.import.mock-clean.mock-leaks-attachment";
    let open = place.mock(MOCKS, cell);
    assert!(open.out.contains("cause 1: mock-leaks-attachment, as the importer"), "{}", open.out);
    assert!(open.out.contains("sure      open") && open.out.contains(" --decide\n"), "{}", open.out);
    let decided = place.mock(MOCKS, &format!("{cell} --decide"));
    assert!(decided.out.contains("cause 1: mock-leaks-attachment, as the importer"), "{}", decided.out);
    assert!(decided.out.contains("sure      by elimination"), "{}", decided.out);
    assert!(decided.out.contains("mock-clean, the exporter there, passes the same with"), "{}", decided.out);
}
