//! `cargo test --test conformance` on a board: one trial a cell, named by its cell id.
//!
//! Filters, `--list`, `--exact`, `--ignored` and nextest work as they do for other tests. `PRIME_CTS_BOARD_FILE` names a
//! board file to hold the verdicts against, `PRIME_CTS_CASES` a folder of other cases, `PRIME_CTS_MOCK` mock devices.
//! A cell that could not look at its rule is ignored with its reason. nextest knows only pass and fail of a test that
//! it has started, so there a refusal or something that cannot be seen is shown as a pass; what is blocked is ignored
//! beforehand.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use device::Endpoint;
use event::exit::Exit;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use report::{failure, words};
use runner::plan::{Cell, plan};
use runner::run::{Runner, Sources, cell_end};
use runner::survey::survey;
use spec::board::Board;
use spec::case::Tag;

struct Conformance {
    cells: Vec<Cell>,
    endpoints: Vec<Rc<Endpoint>>,
    sources: Sources,
    board: Option<Board>,
}

fn main() -> ExitCode {
    runner::inherited::answer();
    let mut arguments = Arguments::from_args();
    // The oracles that watch the kernel need the machine for one cell at a time.
    arguments.test_threads = Some(1);
    let conformance = match Conformance::find() {
        Ok(conformance) => conformance,
        Err(why) => {
            eprintln!("conformance: {why}");
            return Exit::BadInput.into();
        }
    };
    if conformance.endpoints.is_empty() {
        eprintln!("conformance: this machine has no DRM, V4L2, dma-heap or udmabuf device that shares buffers");
    }
    conformance.trials(arguments)
}

impl Conformance {
    fn find() -> Result<Self, String> {
        let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let cases = match variable("PRIME_CTS_CASES") {
            Some(folder) => catalogue::from_folder(&folder),
            None => Ok(catalogue::embedded()),
        };
        let mut cases = cases.map_err(|error| error.to_string())?;
        // Only `prime-cts run --intrusive` takes a device away from its user.
        cases.retain(|case| !case.tags.contains(&Tag::Intrusive));
        let mut sources = Sources::default();
        let endpoints = match std::env::var("PRIME_CTS_MOCK") {
            Ok(faults) => {
                sources = Sources { kernel_log: "/dev/null".into(), tracefs: None, ..sources };
                device::mock::endpoints(&faults, Path::new("/dev/null"))?.into_iter().map(Rc::new).collect()
            }
            Err(_) => runner::run::board::endpoints(),
        };
        let board = variable("PRIME_CTS_BOARD_FILE").map(|path| {
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            Board::parse(&path, &text).map_err(|error| error.to_string())
        });
        let endpoints = survey(endpoints, &cases, &sources);
        let cases: Vec<_> = cases.into_iter().map(Rc::new).collect();
        Ok(Self { cells: plan(&cases, &endpoints).iter().collect(), endpoints, sources, board: board.transpose()? })
    }

    fn trials(self, arguments: Arguments) -> ExitCode {
        let nextest = std::env::var_os("NEXTEST").is_some();
        let blocked: Vec<(String, Option<String>)> =
            self.cells.iter().map(|cell| (cell.id.clone(), cell.blocked().map(str::to_owned))).collect();
        // libtest-mimic wants trials that can move between threads; they stay on this one.
        RUN.set(Some(Running { conformance: self, runner: None }));
        let trial = |(id, blocked): (String, Option<String>)| {
            let cell = id.clone();
            let ignored = nextest && blocked.is_some();
            Trial::ignorable_test(id, move || RUN.with_borrow_mut(|run| run.as_mut().expect("set before").cell(&cell)))
                .with_ignored_flag(ignored)
        };
        let trials = blocked.into_iter().map(trial).collect();
        libtest_mimic::run(&arguments, trials).exit_code()
    }
}

struct Running {
    conformance: Conformance,
    runner: Option<Runner>,
}

thread_local! {
    static RUN: RefCell<Option<Running>> = const { RefCell::new(None) };
}

impl Running {
    fn cell(&mut self, id: &str) -> Result<Completion, Failed> {
        let Self { conformance, runner } = self;
        let cell = conformance.cells.iter().find(|cell| cell.id == id).expect("a trial is a cell");
        // Only when a cell is really run: a list needs no oracle. One cell alone needs a look at its own devices only.
        let endpoints: Vec<_> = [&cell.exporter, &cell.importer].into_iter().flatten().cloned().collect();
        let one = std::env::var_os("NEXTEST").is_some();
        let all = if one { &endpoints } else { &conformance.endpoints };
        let runner = runner.get_or_insert_with(|| Runner::start(&conformance.sources, all).0);
        let shown = runner.run(cell);
        let ended = cell_end(cell, &shown, conformance.board.as_ref().map(|board| &board.expect));
        let libtest = words::of(ended.verdict, ended.outcome).libtest;
        if libtest == "failed" {
            return Err(failure::text(&ended, None).into());
        }
        let seen = ended.findings.iter().find(|finding| finding.verdict == ended.verdict);
        let seen = seen.map_or(String::new(), |finding| format!(": {}", finding.seen));
        let ignored = || Completion::ignored_with(format!("{}{seen}", ended.verdict));
        Ok(if libtest == "ok" { Completion::Completed } else { ignored() })
    }
}
