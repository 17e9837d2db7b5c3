//! What a cell costs beside its steps: its process, what is said over the pipe, the log's cursor, judging, and the journal
//! with its flush to the disk. The whole of a run with mocks, in this process, of cells with short steps.
//!
//! The journal lies on a tmpfs, and then in the folder that TMPDIR names: what a disk takes to write is in the figure.
//! Beside the time by the clock it tells that of the processor, steps included, which other programs change little.

use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use device::Endpoint;
use event::journal::Journal;
use event::{CellEnd, EndpointFound, Event, Run};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use runner::plan::{Plan, plan};
use runner::run::session::{Progress, RunOptions, run};
use runner::run::{Inventory, Sources};

/// Cells of a run.
const CELLS: usize = 1000;
const ROUNDS: usize = 7;

struct Nobody;

impl Progress for Nobody {
    fn planned(&mut self, _: &Run, _: &[EndpointFound]) {}
    fn cell(&mut self, _: usize, cell: &CellEnd) {
        assert_eq!(cell.verdict, spec::verdict::Verdict::Pass, "{cell:?}");
    }
}

/// Many of one case: as many endpoints, which are all alike.
fn planned(case: &str, log: &Path) -> Plan {
    let cases = catalogue::embedded();
    let case = cases.into_iter().find(|found| found.id() == case).expect("a case of that name");
    let mock = device::mock::endpoints("clean", log).expect("a mock").remove(0);
    let endpoint = |number: usize| Rc::new(Endpoint { key: format!("mock-{number}"), ..mock.clone() });
    plan(&[Rc::new(case)], &(0..CELLS).map(endpoint).collect::<Vec<_>>())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Milliseconds of the processor until now, of this process and of those that have ended.
fn processor() -> f64 {
    let of = |who| {
        let usage = getrusage(who).expect("the kernel counts");
        let ms = |time: TimeVal| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3;
        ms(usage.user_time()) + ms(usage.system_time())
    };
    of(UsageWho::RUSAGE_SELF) + of(UsageWho::RUSAGE_CHILDREN)
}

/// Milliseconds a cell: of a whole run, those of them that are beside its steps, and those of the processor.
fn round(cells: &Plan, log: &Path, journal: &Path) -> [f64; 3] {
    let sources = Sources { kernel_log: log.to_owned(), tracefs: None, ..Sources::default() };
    let mut inventory = Inventory::take(&sources, &[]);
    let mut writing = Journal::create(journal).expect("a folder to write in");
    let (started, before) = (Instant::now(), processor());
    run(&RunOptions::default(), &mut inventory, cells, None, &mut writing, &mut Nobody).expect("a run");
    let (all, busy) = (started.elapsed().as_secs_f64() * 1e3, processor() - before);
    let text = std::fs::read_to_string(journal).expect("the journal");
    let Ok(Event::End(end)) = serde_json::from_str(text.lines().last().unwrap_or_default()) else { panic!("no end") };
    [all, end.own_ms.expect("the cost is reported") as f64, busy].map(|ms| ms / cells.len() as f64)
}

fn main() {
    let shared = tempfile::tempdir_in("/dev/shm").expect("a tmpfs");
    let disk = tempfile::tempdir().expect("a folder for temporary files");
    println!("{:20} {:10} {:>10} {:>10} {:>10}", "median of rounds", "journal on", "a cell", "own cost", "processor");
    for case in ["fd.size", "mapping.whole"] {
        for (place, folder) in [("tmpfs", &shared), ("disk", &disk)] {
            let (log, journal) = (folder.path().join("log"), folder.path().join("run.jsonl"));
            std::fs::write(&log, "").expect("a file");
            let cells = planned(case, &log);
            let rounds: Vec<[f64; 3]> = (0..ROUNDS).map(|_| round(&cells, &log, &journal)).collect();
            let of = |which: usize| median(rounds.iter().map(|round| round[which]).collect());
            println!("{case:20} {place:10} {:7.2} ms {:7.2} ms {:7.2} ms", of(0), of(1), of(2));
        }
    }
}
