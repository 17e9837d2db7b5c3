//! `prime-cts run`, and the runs of single case files.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Instant;

use crate::upload;
use clap::Args;
use event::Part;
use event::exit::Exit;
use event::journal::Journal;
use report::paint::Paint;
use runner::plan;
use runner::run::Inventory;
use runner::run::board;
use runner::run::resume::Before;
use runner::run::session::{self, RunError, RunOptions};
use runner::shard::{self, Times};
use runner::watchdog::Feeder;

use super::written::Written;
use crate::choice::{cases, chosen};
use crate::error::Trouble;
use crate::files::{read_board, recorded};
use crate::findings::known;
use crate::live::{Forms, Live};
use crate::machine::look;
use crate::options::{Choice, Machine, Plan, Results, Telling};
use crate::progress::Shown;

/// A run.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub plan: Plan,
    #[command(flatten)]
    pub conduct: Conduct,
}

/// How a run is done.
#[derive(Debug, Args)]
pub struct Conduct {
    #[command(flatten)]
    pub results: Results,
    /// So many cells at the same time, if they have no device in common and do not look at the machine as a whole (leaks,
    /// limits, races: these run alone). When the kernel complains meanwhile, or one of them crashes or hangs, nobody can say
    /// whose fault it is: then each of them is run once more, alone, and that alone counts. A board that goes down in the
    /// middle of several costs two restarts with --resume. Not with a journal on a console.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256),
        conflicts_with_all = ["crashed", "console"])]
    pub jobs: u16,
    /// Goes on with the run in --output, if one was cut short there: the cell that was open has crashed and is not run
    /// again, nor are the others of its exporter and importer.
    #[arg(long)]
    pub resume: bool,
    /// Goes on with a run whose journal is on a console, behind this cell, in which the machine went down. May be given
    /// several times, once for each restart.
    #[arg(long, value_name = "ID", conflicts_with = "resume")]
    pub crashed: Vec<String>,
    /// The console's or the kernel's log of the time before the restart; what it says at its end is told with the
    /// crashed cell. With --resume or --crashed.
    #[arg(long, value_name = "FILE")]
    pub previous_log: Option<PathBuf>,
    /// Puts the journal there (HTTP PUT, gzip) when the run has ended; behind a URL that ends with '/' its name is added. The
    /// variable PRIME_CTS_UPLOAD_TOKEN is sent as the bearer's, where it is set.
    #[arg(long, value_name = "URL")]
    pub upload: Option<String>,
    /// Starts this watchdog and feeds it as long as the run gets on: a kernel that hangs is started anew.
    #[arg(long, value_name = "DEVICE", num_args = 0..=1, require_equals = true, default_missing_value = "/dev/watchdog")]
    pub watchdog: Option<PathBuf>,
    /// The journal on the standard output, too, a line an event: 'prime-cts report --from-console' reads it there.
    #[arg(long)]
    pub console: bool,
    /// Results while the run goes on, on the standard output, as signals of LAVA.
    #[arg(long)]
    pub lava: bool,
    /// Results while the run goes on, on the standard output, as KTAP.
    #[arg(long)]
    pub ktap: bool,
    /// What the standard output is: for people, or the events of run.jsonl as they come, one JSON object a line.
    #[arg(long, value_enum, default_value = "text", conflicts_with_all = ["console", "lava", "ktap"])]
    pub format: Telling,
    /// A command of the shell for each frame that a device has worked on in an imported buffer: the frame is its standard
    /// input, a display still shows it. PRIME_CTS_CELL, PRIME_CTS_NODE and PRIME_CTS_FRAMES tell the cell, the device's
    /// node and what the frames are.
    #[arg(long, value_name = "COMMAND")]
    pub witness: Option<String>,
}

/// The cells that are this shard's, and of what they are a part.
pub fn sharded(cells: plan::Plan, choice: &Choice, whole: bool) -> Result<(plan::Plan, Option<Part>), Trouble> {
    let Some(shard) = choice.shard else { return Ok((cells, None)) };
    let before = choice.times.iter().map(|path| recorded(path)).collect::<Result<Vec<_>, _>>()?;
    let part = Part { shard, planned: cells.len(), digest: shard::digest(&cells), whole };
    Ok((shard::part(cells, shard, &Times::of(&before)), Some(part)))
}

/// Runs what is planned.
pub fn run(wanted: &Plan, conduct: &Conduct) -> Result<Exit, Trouble> {
    let started = Instant::now();
    let cases = cases(wanted.cases.as_deref())?;
    let inventory = look(&wanted.machine)?;
    let cells = chosen(&wanted.filter, &wanted.choice).cells(cases, &inventory.endpoints)?;
    let everything = chosen(&wanted.filter, &wanted.choice).is_everything();
    let (cells, part) = sharded(cells, &wanted.choice, everything)?;
    let (whole, plan_ms) = (everything && part.is_none(), started.elapsed().as_millis() as u64);
    let options = RunOptions { whole, plan_ms, part, ..RunOptions::default() };
    run_cells(options, &wanted.machine, inventory, cells, conduct)
}

/// Runs these cells.
pub fn run_cells(
    options: RunOptions,
    machine: &Machine,
    mut inventory: Inventory,
    mut cells: plan::Plan,
    conduct: &Conduct,
) -> Result<Exit, Trouble> {
    conduct.witness.as_deref().into_iter().for_each(runner::witness::set);
    let board = conduct.results.board.as_deref().map(read_board).transpose()?;
    let known = known(&conduct.results, machine, board.as_ref(), &inventory.found)?;
    let watchdog = conduct.watchdog.as_deref().map(Feeder::start).transpose()?;
    // What leaves a damaged kernel spoils what comes after it.
    let by_board = |id: &str| board.as_ref().is_some_and(|board| board.expect.is_last(id));
    cells.put_last(|cell| by_board(&cell.id) || known.is_last(&cell.id));
    let options = RunOptions { board, known, watchdog, jobs: usize::from(conduct.jobs), ..options };
    let folder = &conduct.results.output;
    std::fs::create_dir_all(folder).map_err(|source| Trouble::Folder { path: folder.clone(), source })?;
    let path = folder.join("run.jsonl");
    let resumed = if conduct.resume { Before::read(&path)? } else { None };
    let (mut journal, before) = match resumed {
        Some((journal, before)) => (journal, Some(before.with_log(&previous_log(conduct)?))),
        None if conduct.crashed.is_empty() => (Journal::create(&path)?, None),
        None => {
            let run = board::about(options.board.as_ref(), cells.len(), Vec::new(), 0);
            let before = Before::crashed(&conduct.crashed, run, &cells).map_err(RunError::Resume)?;
            (Journal::create(&path)?, Some(before.with_log(&previous_log(conduct)?)))
        }
    };
    if conduct.console {
        journal = journal.on_console(standard_output()?);
    }
    let json = conduct.format == Telling::Json;
    if json {
        journal = journal.on_output(standard_output()?);
    }
    let runs = before.as_ref().is_none_or(|before| before.head.end.is_none());
    if runs {
        let forms = Forms { lava: conduct.lava, ktap: conduct.ktap };
        // A line that is written over would run into those of the results.
        let alone = !(forms.lava || forms.ktap || conduct.console);
        let shown = Shown::new(conduct.results.progress.on(alone), !json);
        let mut live = Live::new(forms, standard_output()?, shown);
        let done = session::run(&options, &mut inventory, &cells, before.as_ref(), &mut journal, &mut live);
        live.next.finish();
        done?;
    }
    // A console's log is read by programs, and by people later.
    let plain = conduct.console || conduct.lava || conduct.ktap;
    let paint = if plain { Paint::Plain } else { Paint::of_output() };
    let mut written = Written::to(folder)?;
    if runs {
        written = written.of_this_program();
    }
    if !json {
        print!("{}", written.text(paint));
    }
    let exit = written.exit();
    match conduct.upload.as_deref().map(|url| upload::put(url, &path)) {
        None => Ok(exit),
        Some(Ok(place)) => {
            eprintln!("the results are at {place}");
            Ok(exit)
        }
        Some(Err(error)) => {
            eprintln!("prime-cts: {error}");
            Ok(if exit == Exit::Success { Exit::OwnFault } else { exit })
        }
    }
}

/// Nothing where none was kept; a console may have written bytes that are no text.
fn previous_log(conduct: &Conduct) -> Result<String, Trouble> {
    let Some(path) = &conduct.previous_log else { return Ok(String::new()) };
    let read = std::fs::read(path).map_err(|source| Trouble::Unreadable { path: path.clone(), source })?;
    Ok(String::from_utf8_lossy(&read).into_owned())
}

/// The standard output without a buffer: Rust's own may write a line in two.
fn standard_output() -> Result<File, Trouble> {
    let file = std::io::stdout().as_fd().try_clone_to_owned();
    file.map(File::from).map_err(|source| Trouble::Output { source })
}
