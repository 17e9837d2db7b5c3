use std::path::Path;

use spec::verdict::{Outcome, Verdict};

use super::*;
use event::exit::Exit;
use event::journal::Recorded;
use event::sample;
use event::{EndpointFound, MapDmaBuf, OracleState};
use spec::registry::Registry;

/// `drm_map` in two files, a heap that boards reach, a back end each before and from 7.2, one of our own.
const REGISTRY: &str = "own_drivers: [mine]
map_dma_buf:
  - {symbol: drm_map, file: drm.c, subsystem: drm, exp_name: [drm], memory: m, struct_pages: yes, mmap: yes, vmap: no,
     cpu_access: no, since: \"4.11\", get_sg_table: true, reach: r, boards: [b]}
  - {symbol: drm_map, file: msm.c, subsystem: drm, exp_name: [msm], memory: m, struct_pages: yes, mmap: yes, vmap: no,
     cpu_access: no, since: \"7.2\", get_sg_table: true, reach: by its ioctl, needs: a phone}
  - {symbol: amd_map, file: amd.c, subsystem: drm, exp_name: [drm], memory: m, struct_pages: no, mmap: yes, vmap: no,
     cpu_access: no, since: \"5.10\", reach: r, needs: a GPU}
  - {symbol: mock_map, file: mock.c, subsystem: drm, kind: selftest, exp_name: [mock], memory: m, struct_pages: no,
     mmap: yes, vmap: no, cpu_access: no, since: \"5.10\", reach: r, needs: its own tests}
  - {symbol: old_map, file: old.c, subsystem: drm, exp_name: [old], memory: m, struct_pages: no, mmap: yes, vmap: no,
     cpu_access: no, since: \"4.11\", until: \"5.10\", reach: r, needs: an old kernel}
  - {symbol: own_map, file: own.c, subsystem: ours, ours: true, exp_name: [mine], memory: m, struct_pages: no, mmap: yes,
     vmap: no, cpu_access: no, since: \"4.11\", reach: r, boards: [b]}
get_sg_table:
  - {symbol: shmem, file: s.h, memory: m, struct_pages: yes, drivers: [vgem, mine, bochs since 7.2], since: \"4.11\",
     boards: [b]}
  - {symbol: dma, file: d.h, memory: m, struct_pages: no, drivers: [pl111], since: \"4.11\", needs: a board}
  - {symbol: vram_funcs, file: v.h, without_function: true, refuses: ENOSYS, memory: m, struct_pages: no,
     drivers: [bochs until 6.12], since: \"4.11\", needs: n}
";

fn registry() -> Registry {
    Registry::parse(Path::new("r.yaml"), REGISTRY).unwrap_or_else(|fault| panic!("{fault}"))
}

fn through(symbol: Option<&str>, exp_name: &str, observed: bool) -> MapDmaBuf {
    MapDmaBuf { symbol: symbol.map(str::to_owned), exp_name: exp_name.into(), observed }
}

fn endpoint(driver: &str, found: MapDmaBuf) -> EndpointFound {
    let key = format!("drm-{driver}");
    EndpointFound { key, driver: driver.into(), map_dma_buf: Some(found), ..EndpointFound::default() }
}

/// A run of a board whose endpoints export so; each has a cell that passed with its buffer, and one that refused.
fn run(board: &str, kernel: &str, endpoints: &[(&str, MapDmaBuf)]) -> Recorded {
    let mut run = sample::recorded();
    (run.run.board, run.run.kernel) = (Some(board.into()), kernel.into());
    run.endpoints = endpoints.iter().map(|(driver, found)| endpoint(driver, found.clone())).collect();
    let cells = endpoints.iter().flat_map(|(driver, found)| {
        [Verdict::Pass, Verdict::Refused].map(|verdict| {
            let mut cell = sample::cell(&format!("a.b.drm-{driver}"), verdict, Outcome::Expected);
            cell.map_dma_buf = vec![found.clone()];
            cell
        })
    });
    run.cells = cells.collect();
    run
}

fn drm(observed: bool) -> MapDmaBuf {
    through(Some("drm_map"), "drm", observed)
}

fn symbols(rows: &[Reached]) -> Vec<&str> {
    rows.iter().map(|row| row.symbol.as_str()).collect()
}

#[test]
fn what_was_observed_counts_with_its_runs_its_drivers_and_its_verified_cells() {
    let runs = [
        run("b", "6.12.117+deb12-amd64", &[("vgem", drm(true)), ("mine", drm(true))]),
        run("c", "7.3.4", &[("bochs", drm(true))]),
    ];
    let coverage = joined(&registry(), &runs);
    assert_eq!((coverage.implementations, symbols(&coverage.reached)), (4, vec!["drm_map"]));
    let row = &coverage.reached[0];
    assert_eq!((row.file.as_str(), row.cells), ("drm.c", Some(3)));
    assert_eq!(row.runs.iter().copied().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(row.drivers.iter().collect::<Vec<_>>(), ["bochs", "mine", "vgem"]);
    assert_eq!(row.own_drivers.iter().collect::<Vec<_>>(), ["mine"]);
    assert_eq!(coverage.exit(), Exit::Success);
    let text = text(&coverage);
    assert!(text.contains("1 of 4 map_dma_buf implementations of these kernels reached\n"), "{text}");
    assert!(text.contains("run 1  b, Linux 6.12.117+deb12-amd64 x86_64, 4 cells\n"), "{text}");
    assert!(text.contains("  drm_map  1 2       3  bochs, mine*, vgem\n"), "{text}");
}

#[test]
fn what_was_only_inferred_stands_apart_and_does_not_count() {
    let runs = [run("b", "6.12", &[("amdgpu", through(Some("amd_map"), "drm", false)), ("vgem", drm(false))])];
    let coverage = joined(&registry(), &runs);
    assert_eq!(coverage.reached, []);
    assert_eq!(symbols(&coverage.inferred), ["drm_map", "amd_map"]);
    assert_eq!(coverage.unreached.len(), coverage.implementations);
    assert_eq!((coverage.inferred[0].cells, coverage.reached_back_ends.len()), (Some(0), 0));
    assert_eq!(coverage.exit(), Exit::NothingVerified);
    let text = text(&coverage);
    assert!(text.contains("0 of 3 map_dma_buf") && text.contains("only inferred: does not count"), "{text}");
}

#[test]
fn observed_once_is_observed() {
    let runs = [run("b", "6.12", &[("vgem", drm(false))]), run("c", "6.12", &[("vgem", drm(true))])];
    let coverage = joined(&registry(), &runs);
    assert_eq!((coverage.inferred.len(), coverage.reached[0].runs.iter().copied().collect::<Vec<_>>()), (0, vec![2]));
}

#[test]
fn our_own_are_no_implementations_of_the_kernel_s() {
    let runs = [run("b", "6.12", &[("mine", through(Some("own_map"), "mine", true))])];
    let coverage = joined(&registry(), &runs);
    assert_eq!((symbols(&coverage.ours), coverage.reached.len(), coverage.implementations), (vec!["own_map"], 0, 3));
    assert!(
        text(&coverage).contains("0 of 3 map_dma_buf implementations of these kernels reached, and 1 of our own\n")
    );
}

#[test]
fn a_function_that_the_registry_does_not_know_is_told_loudly() {
    for (driver, found) in [("new", through(Some("new_map"), "new", true)), ("x", through(Some("drm_map"), "x", true))]
    {
        let coverage = joined(&registry(), &[run("b", "7.3", &[(driver, found), ("vgem", drm(true))])]);
        assert_eq!((coverage.unknown.len(), coverage.exit()), (1, Exit::Regression));
        let text = text(&coverage);
        assert!(text.contains("UNKNOWN  the function ") && text.contains("seen on b, 7.3"), "{text}");
        assert!(text.find("UNKNOWN") < text.find("\nreached"), "{text}");
    }
}

#[test]
fn a_driver_of_which_no_back_end_is_known_is_told_too() {
    let coverage = joined(&registry(), &[run("b", "7.3", &[("novel", drm(true))])]);
    assert_eq!((coverage.unknown.len(), coverage.exit()), (1, Exit::Regression));
    assert!(text(&coverage).contains("UNKNOWN  what makes the sg_table of the driver novel, exporter \"drm\""));
}

#[test]
fn back_ends_are_told_by_the_driver_and_the_kernel() {
    let endpoints = [("bochs", drm(true)), ("mine", drm(true))];
    let coverage = joined(&registry(), &[run("b", "6.12.1", &endpoints), run("b", "7.3.4", &endpoints)]);
    assert_eq!((coverage.back_ends, symbols(&coverage.reached_back_ends)), (2, vec!["shmem"]));
    let row = &coverage.reached_back_ends[0];
    assert_eq!(row.runs.iter().copied().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(row.drivers.iter().collect::<Vec<_>>(), ["bochs", "mine"]);
    let refusing = &coverage.without_table[0];
    assert_eq!((refusing.driver.as_str(), refusing.errno.as_str(), refusing.runs.len()), ("bochs", "ENOSYS", 1));
    assert_eq!(coverage.unreached_back_ends[0].symbol, "dma");
    let text = text(&coverage);
    assert!(text.contains("1 of 2 functions that make the sg_table"), "{text}");
    assert!(text.contains("  no table    bochs  importing fails with ENOSYS (run 1)\n"), "{text}");
}

#[test]
fn what_was_not_reached_is_told_with_the_reason() {
    let coverage = joined(&registry(), &[run("b", "7.3", &[("vgem", drm(true))])]);
    let unreached: Vec<&str> = coverage.unreached.iter().map(|row| row.file.as_str()).collect();
    assert_eq!(unreached, ["msm.c", "amd.c", "mock.c"]);
    let old: Vec<&str> = coverage.elsewhere.iter().map(|row| row.symbol.as_str()).collect();
    assert_eq!(old, ["old_map"]);
    let text = text(&coverage);
    assert!(text.contains("  drm_map  msm.c\n      needs  a phone\n      reach  by its ioctl\n"), "{text}");
    assert!(text.contains("mock_map (selftest)  mock.c"), "{text}");
    assert!(text.contains("not in these kernels: old_map (4.11 to 5.10)\n"), "{text}");
}

#[test]
fn an_exporter_that_nothing_tells_of_is_named() {
    let unnamed = run("b", "7.3", &[("vgem", drm(true)), ("y", through(None, "y", false))]);
    let coverage = joined(&registry(), &[unnamed, run("b", "7.3", &[("vgem", through(None, "drm", false))])]);
    let untold: Vec<_> = coverage.untold.iter().map(|it| (it.exp_name.as_str(), it.runs.len())).collect();
    assert_eq!(untold, [("drm", 1), ("y", 1)]);
    assert!(text(&coverage).contains("not observed: what the buffers of exporter \"y\" go through (run 1)"));
}

#[test]
fn where_the_registry_says_something_else_of_a_board_it_is_told() {
    let coverage = joined(&registry(), &[run("c", "7.3", &[("vgem", drm(true))])]);
    assert_eq!(coverage.contradictions, ["it does not name c for drm_map, and run 1 got there"]);
    let mut without = run("b", "7.3", &[("vgem", drm(true))]);
    let coverage = joined(&registry(), std::slice::from_ref(&without));
    assert_eq!(coverage.contradictions, ["it names b for own_map, and run 1 did not get there"]);
    assert!(text(&coverage).contains("says otherwise\n  it names b for own_map"));
    // A run that could not show it tells nothing.
    without.end = None;
    assert_eq!(joined(&registry(), std::slice::from_ref(&without)).contradictions, [""; 0]);
    assert_eq!(joined(&registry(), &[without]).exit(), Exit::Incomplete);
}

#[test]
fn a_run_without_the_probe_says_why_it_observed_nothing() {
    let mut run = run("b", "7.3", &[("vgem", drm(false))]);
    run.run.oracles = vec![OracleState { oracle: "map_dma_buf".into(), missing: Some("not root".into()) }];
    let coverage = joined(&registry(), &[run]);
    assert_eq!(coverage.contradictions, [""; 0]);
    assert!(text(&coverage).contains("       nothing was observed: not root\n"));
}

#[test]
fn a_kernel_that_has_no_version_is_no_reason_to_give_up() {
    let coverage = joined(&registry(), &[run("b", "next-20270101", &[("vgem", drm(true))])]);
    assert_eq!((symbols(&coverage.reached), coverage.implementations), (vec!["drm_map"], 1));
    assert!(!text(&coverage).is_empty());
}

#[test]
fn no_line_is_longer_than_a_terminal() {
    let drivers: Vec<String> = (0..40).map(|number| format!("driver-{number}")).collect();
    let endpoints: Vec<(&str, MapDmaBuf)> = drivers.iter().map(|driver| (driver.as_str(), drm(true))).collect();
    let text = text(&joined(&registry(), &[run("b", "7.3", &endpoints)]));
    assert!(text.lines().all(|line| line.len() <= 100), "{text}");
}

#[test]
fn the_json_form_has_its_version() {
    let coverage = joined(&registry(), &[run("b", "7.3", &[("vgem", drm(true))])]);
    let json = serde_json::to_value(&coverage).unwrap();
    assert_eq!((&json["version"], &json["reached"][0]["symbol"]), (&1.into(), &"drm_map".into()));
    assert_eq!((&json["unreached"][0]["needs"], &json["elsewhere"][0]["until"]), (&"a phone".into(), &"5.10".into()));
}
