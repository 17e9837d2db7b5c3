//! `cargo test --test conformance` on a board: one trial a cell, named by its cell id.
//!
//! Filters, `--list`, `--exact`, `--ignored` and nextest work as they do for other tests. `PRIME_CTS_BOARD_FILE` names a
//! board file to compare the verdicts with, `PRIME_CTS_CASES` a folder of other cases, `PRIME_CTS_FINDINGS` one of other
//! findings, `PRIME_CTS_MOCK` mock devices.
//! A cell that could not look at its rule is ignored with its reason. nextest knows only pass and fail of a test that
//! it has started, so there a refusal or something that cannot be seen is shown as a pass; what is blocked is ignored
//! beforehand.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use catalogue::{findings, registry};
use event::exit::Exit;
use event::known::KnownFaults;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use report::gathered::NO_DEVICES;
use report::{failure, words};
use runner::plan::{Cell, plan};
use runner::run::{Inventory, Sources, inventory};
use spec::board::Board;
use spec::case::Tag;

struct Conformance {
    cells: Vec<Cell>,
    inventory: Inventory,
    board: Option<Board>,
    known: KnownFaults,
}

fn main() -> ExitCode {
    runner::inherited::answer();
    let mut arguments = Arguments::from_args();
    // The oracles that watch the kernel need the machine for one cell at a time.
    arguments.test_threads = Some(1);
    let conformance = match Conformance::find(&arguments) {
        Ok(conformance) => conformance,
        Err(why) => {
            eprintln!("conformance: {why}");
            return Exit::BadInput.into();
        }
    };
    if conformance.inventory.endpoints.is_empty() {
        eprintln!("conformance: {NO_DEVICES}");
    }
    conformance.trials(arguments)
}

impl Conformance {
    fn find(arguments: &Arguments) -> Result<Self, String> {
        let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let cases = match variable("PRIME_CTS_CASES") {
            Some(folder) => catalogue::from_folder(&folder),
            None => Ok(catalogue::embedded()),
        };
        let mut cases = cases.map_err(|error| error.to_string())?;
        // Only `prime-cts run --intrusive` takes a device away from its user.
        cases.retain(|case| !case.tags.contains(&Tag::Intrusive));
        let mut sources = Sources::default();
        let mut endpoints = match std::env::var("PRIME_CTS_MOCK") {
            Ok(faults) => {
                sources = Sources { kernel_log: "/dev/null".into(), tracefs: None, ..sources };
                device::mock::endpoints(&faults, Path::new("/dev/null"))?.into_iter().map(Rc::new).collect()
            }
            Err(_) => inventory::endpoints(),
        };
        if let Some(id) = only(arguments) {
            // nextest starts a process for each cell: one cell needs a look at its own devices only.
            endpoints.retain(|endpoint| id.split('.').any(|part| part == endpoint.key));
        }
        let board = variable("PRIME_CTS_BOARD_FILE").map(|path| {
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            Board::parse(&path, &text).map_err(|error| error.to_string())
        });
        let inventory = Inventory::take(&sources, &endpoints);
        let pages = match variable("PRIME_CTS_FINDINGS") {
            Some(folder) => findings::from_folder(&folder).map_err(|error| error.to_string())?,
            // What is known of real devices is not known of mocks.
            None if variable("PRIME_CTS_MOCK").is_some() => Vec::new(),
            None => findings::embedded(),
        };
        let (release, _) = uapi::process::kernel().unwrap_or_default();
        let known = KnownFaults::on(pages, registry::embedded().ok().as_ref(), &release, &inventory.found);
        let cases: Vec<_> = cases.into_iter().map(Rc::new).collect();
        let cells = plan(&cases, &inventory.endpoints).iter().collect();
        Ok(Self { cells, inventory, board: board.transpose()?, known })
    }

    fn trials(self, arguments: Arguments) -> ExitCode {
        let nextest = std::env::var_os("NEXTEST").is_some();
        let blocked: Vec<(String, Option<String>)> =
            self.cells.iter().map(|cell| (cell.id.clone(), cell.blocked().map(str::to_owned))).collect();
        // libtest-mimic wants trials that can move between threads; they stay on this one.
        RUN.set(Some(self));
        let trial = |(id, blocked): (String, Option<String>)| {
            let cell = id.clone();
            let ignored = nextest && blocked.is_some();
            Trial::ignorable_test(id, move || RUN.with_borrow_mut(|run| run.as_mut().expect("set before").cell(&cell)))
                .with_ignored_flag(ignored)
        };
        let trials = blocked.into_iter().map(trial).collect();
        libtest_mimic::run(&arguments, trials).exit_code()
    }

    fn cell(&mut self, id: &str) -> Result<Completion, Failed> {
        let cell = self.cells.iter().find(|cell| cell.id == id).expect("a trial is a cell");
        let result = self.inventory.runner.run(cell);
        let ended = result.event(cell, self.board.as_ref().map(|board| &board.expect), &self.known);
        let libtest = words::of(ended.verdict, ended.outcome).libtest;
        if libtest == "failed" {
            return Err(failure::text(&ended, None).into());
        }
        let seen = ended.findings.iter().find(|finding| finding.verdict == ended.verdict);
        // A known fault is reported by its name and its cause, not by the bytes.
        let why = ended.reason.as_deref().filter(|_| !ended.known.is_empty());
        let seen = why.or(seen.map(|finding| &*finding.seen)).map_or(String::new(), |why| format!(": {why}"));
        let ignored = || Completion::ignored_with(format!("{}{seen}", ended.verdict));
        Ok(if libtest == "ok" { Completion::Completed } else { ignored() })
    }
}

/// The only cell that is asked for, by its whole id.
fn only(arguments: &Arguments) -> Option<&str> {
    arguments.filter.as_deref().filter(|_| arguments.exact && !arguments.list)
}

thread_local! {
    static RUN: RefCell<Option<Conformance>> = const { RefCell::new(None) };
}
