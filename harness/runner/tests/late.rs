//! What the kernel says between two cells is reported, and fails the run.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use event::exit::Exit;
use event::journal::{Journal, Recorded};
use event::{CellEnd, EndpointFound, Run, TroubleKind};
use runner::plan::plan;
use runner::run::session::{Progress, RunOptions, run};
use runner::run::{Inventory, Sources};

/// Stands for work that a driver has put off: it hears of a cell's end after the oracles have looked at the log, and before
/// they look again.
struct LateKernel {
    log: PathBuf,
    behind: usize,
    text: &'static str,
}

impl Progress for LateKernel {
    fn planned(&mut self, _: &Run, _: &[EndpointFound]) {}
    fn cell(&mut self, number: usize, _: &CellEnd) {
        if number == self.behind {
            let mut log = File::options().append(true).open(&self.log).unwrap();
            for (number, line) in self.text.lines().enumerate() {
                writeln!(log, "4,{number},1000,-;{line}").unwrap();
            }
        }
    }
}

const WARNING: &str = "------------[ cut here ]------------
WARNING: CPU: 0 PID: 7 at drivers/x/x.c:9 x_release_work+0x1d/0x90 [x]
Workqueue: events x_release_work [x]
---[ end trace 0000000000000000 ]---";

/// Three cells of a mock, with the log beside it.
fn ran(folder: &Path, behind: usize, text: &'static str) -> Recorded {
    let (log, journal) = (folder.join("kmsg"), folder.join("run.jsonl"));
    std::fs::write(&log, "").unwrap();
    let case = catalogue::embedded().into_iter().find(|case| case.id() == "fd.size").unwrap();
    let mock = device::mock::endpoints("clean", &log).unwrap().remove(0);
    let endpoint = |number: usize| Rc::new(device::Endpoint { key: format!("mock-{number}"), ..mock.clone() });
    let cells = plan(&[Rc::new(case)], &(0..3).map(endpoint).collect::<Vec<_>>());
    let mut inventory = Inventory::take(&Sources { kernel_log: log.clone(), tracefs: None, ..Sources::default() }, &[]);
    let mut writing = Journal::create(&journal).unwrap();
    let mut kernel = LateKernel { log, behind, text };
    run(&RunOptions::default(), &mut inventory, &cells, None, &mut writing, &mut kernel).unwrap();
    Recorded::read(&journal).unwrap()
}

#[test]
fn a_warning_between_two_cells_is_a_trouble_that_names_the_cell_before() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = ran(folder.path(), 1, WARNING);
    let [trouble] = &recorded.troubles[..] else { panic!("{:?}", recorded.troubles) };
    assert_eq!((trouble.what, &trouble.cells[..]), (TroubleKind::Late, &[recorded.cells[0].id.clone()][..]));
    assert!(trouble.seen.contains("x_release_work") && trouble.lines.len() >= 2, "{trouble:?}");
    assert!(recorded.cells.iter().all(|cell| cell.findings.is_empty()), "it is of no cell");
    assert_eq!(Exit::of(&recorded), Exit::Regression);
}

#[test]
fn what_is_no_complaint_is_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = ran(folder.path(), 2, "x 0000:00:02.0: a mode was set");
    assert_eq!((&recorded.troubles[..], Exit::of(&recorded)), (&[][..], Exit::Success));
}
