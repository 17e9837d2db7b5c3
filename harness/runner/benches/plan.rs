//! How long planning takes, and how much memory: `max alloc` is the most at a time. `items` are cells.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use device::Endpoint;
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use runner::plan::plan;
use spec::case::{Case, Kind};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const CASE: &str = "rule: r\nwhy: w\nreference: f\ncells: pair\nsteps:\n  - allocate: {as: b}\n  - export: {buffer: b, \
    as: f}\n  - size: {file: f}\n";

fn cases(count: usize) -> Vec<Rc<Case>> {
    let case = |number: usize| {
        let text = format!("name: case-{number}\n{CASE}");
        Rc::new(Case::parse(&PathBuf::from(format!("area/case-{number}.yaml")), &text).expect("a sound case"))
    };
    (0..count).map(case).collect()
}

fn endpoints(count: usize) -> Vec<Rc<Endpoint>> {
    let endpoint = |number: usize| {
        let endpoint =
            Endpoint::new(Kind::Drm, format!("drm-driver-{number}"), "driver", Path::new("/dev/x").to_owned());
        Rc::new(Endpoint { exports: true, imports: true, ..endpoint })
    };
    (0..count).map(endpoint).collect()
}

/// Plans, and makes each of the cells as a run does: one after the other.
fn made(cases: &[Rc<Case>], endpoints: &[Rc<Endpoint>]) -> usize {
    plan(cases, endpoints).iter().map(divan::black_box).count()
}

/// Ten endpoints make a hundred pairs.
#[divan::bench(args = [1_000, 10_000, 100_000])]
fn cells(bencher: Bencher<'_, '_>, count: usize) {
    let (cases, endpoints) = (cases(count / 100), endpoints(10));
    assert_eq!(plan(&cases, &endpoints).len(), count);
    bencher.counter(ItemsCount::new(count)).bench_local(|| made(&cases, &endpoints));
}

#[divan::bench(sample_count = 10)]
fn endpoints_64_cases_100(bencher: Bencher<'_, '_>) {
    let (cases, endpoints) = (cases(100), endpoints(64));
    bencher.counter(ItemsCount::new(64 * 64 * 100usize)).bench_local(|| made(&cases, &endpoints));
}
