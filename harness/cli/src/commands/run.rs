//! `prime-cts run`, and the runs of single case files.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Instant;

use crate::upload;
use clap::{Args, ValueEnum};
use event::Part;
use event::exit::Exit;
use event::journal::{Journal, Recorded};
use report::paint::Paint;
use runner::plan;
use runner::run::Inventory;
use runner::run::board;
use runner::run::resume::Before;
use runner::run::session::{self, RunError, RunOptions};
use runner::run::trouble::AfterDamage;
use runner::shard::{self, Times};
use runner::watchdog::Feeder;

use super::written::RunReports;
use crate::choice::{cases, chosen};
use crate::error::CommandError;
use crate::files::{read_board, recorded};
use crate::findings::known;
use crate::heartbeat::{self, Heartbeat};
use crate::live::{Forms, Live};
use crate::machine::look;
use crate::options::{Choice, Machine, OutputFormat, Plan, Results};
use crate::progress::RunProgress;

/// The arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub plan: Plan,
    #[command(flatten)]
    pub conduct: Conduct,
}

/// The options of a run.
#[derive(Debug, Args)]
pub struct Conduct {
    #[command(flatten)]
    pub results: Results,
    /// Run up to N cells in parallel. Cells that share a device, or that check the whole machine (leaks, limits, races),
    /// still run one at a time. If the kernel complains meanwhile, or one of them crashes or hangs, each of them is run once
    /// more by itself, and only that counts. A board that goes down during
    /// several cells costs two restarts with --resume. Not available with --console.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256),
        conflicts_with_all = ["crashed", "console"])]
    pub jobs: u16,
    /// Resume the run in --output, if it was cut short: the open cell is recorded as a crash and is not run
    /// again, nor are the others of its exporter and importer.
    #[arg(long)]
    pub resume: bool,
    /// Resume a run whose journal is on a console, after this cell, in which the machine went down. May be
    /// repeated, once for each restart.
    #[arg(long, value_name = "ID", conflicts_with = "resume")]
    pub crashed: Vec<String>,
    /// The log of the console or of the kernel from before the restart; its end is reported with the
    /// crashed cell. With --resume or --crashed.
    #[arg(long, value_name = "FILE")]
    pub previous_log: Option<PathBuf>,
    /// Upload the journal (HTTP PUT, gzip) when the run has ended; to a URL that ends with '/' its name is added. The
    /// variable PRIME_CTS_UPLOAD_TOKEN is sent as the bearer token, if it is set.
    #[arg(long, value_name = "URL")]
    pub upload: Option<String>,
    /// Start this watchdog and feed it as long as the run makes progress: a machine that hangs is rebooted.
    #[arg(long, value_name = "DEVICE", num_args = 0..=1, require_equals = true, overrides_with = "watchdog",
        default_missing_value = "/dev/watchdog")]
    pub watchdog: Option<PathBuf>,
    /// What to do when a cell has harmed the machine: damaged its kernel (an oops, a BUG, a bad page), left a lock held on
    /// which others hang, or taken its memory. 'restart' ends the run with exit code 6, to be resumed with --resume once
    /// the machine was restarted; 'go-on' runs the other cells, which say so, as long as there is memory; 'stop' ends
    /// the run.
    #[arg(long, value_enum, value_name = "WHAT", default_value = "go-on", overrides_with = "after_damage")]
    pub after_damage: Harmed,
    /// What a fault of the DMA contract is that this machine cannot show in bytes and another can: 'note' counts and records
    /// it, 'fail' fails the cell.
    #[arg(long, value_enum, value_name = "WHAT", default_value = "note", overrides_with = "latent")]
    pub latent: Latent,
    /// Where the failures leave open who is to blame, run the few cells that decide it as well, though they were not chosen.
    #[arg(long)]
    pub decide: bool,
    /// Write the journal to this device, behind which a host appends it to the file run.jsonl in --output.
    #[arg(long, hide = true, value_name = "DEVICE")]
    pub journal_port: Option<PathBuf>,
    /// Write the journal to the standard output as well, a line an event: 'prime-cts report --from-console' reads it there.
    #[arg(long)]
    pub console: bool,
    /// Write results to the standard output during the run, as LAVA signals.
    #[arg(long)]
    pub lava: bool,
    /// Write results to the standard output during the run, as KTAP.
    #[arg(long)]
    pub ktap: bool,
    /// Output format; as JSON, the events of run.jsonl as they come, one object a line.
    #[arg(long, value_enum, default_value = "text", conflicts_with_all = ["console", "lava", "ktap"])]
    pub format: OutputFormat,
    /// Run a shell command for each frame that a device has worked on in an imported buffer: the frame is its standard
    /// input, a display still shows it. PRIME_CTS_CELL, PRIME_CTS_NODE and PRIME_CTS_FRAMES have the cell, the device's
    /// node and the kind of the frames.
    #[arg(long, value_name = "COMMAND")]
    pub witness: Option<String>,
}

/// What a latent fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Latent {
    /// A note, which fails nothing.
    Note,
    /// A failure.
    Fail,
}

/// What a run does when a cell has harmed the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Harmed {
    /// End, to be resumed after a restart.
    Restart,
    /// Go on.
    GoOn,
    /// End.
    Stop,
}

impl From<Harmed> for AfterDamage {
    fn from(harmed: Harmed) -> Self {
        match harmed {
            Harmed::Restart => Self::Restart,
            Harmed::GoOn => Self::GoOn,
            Harmed::Stop => Self::Stop,
        }
    }
}

/// Returns the cells of this shard, and the run that they are a part of.
pub fn sharded(cells: plan::Plan, choice: &Choice, whole: bool) -> Result<(plan::Plan, Option<Part>), CommandError> {
    let Some(shard) = choice.shard else { return Ok((cells, None)) };
    let before = choice.times.iter().map(|path| recorded(path)).collect::<Result<Vec<_>, _>>()?;
    let part = Part { shard, planned: cells.len(), digest: shard::digest(&cells), whole };
    Ok((shard::part(cells, shard, &Times::of(&before)), Some(part)))
}

/// Runs what is planned.
pub fn run(wanted: &Plan, conduct: &Conduct) -> Result<Exit, CommandError> {
    let started = Instant::now();
    let _alive = Heartbeat::start(conduct.results.progress);
    let cases = cases(wanted.cases.as_deref())?;
    let inventory = look(&wanted.machine)?;
    let every = Choice::default();
    let decide = conduct.decide.then(|| chosen(&[], &every).cells(cases.clone(), &inventory.endpoints)).transpose()?;
    let cells = chosen(&wanted.filter, &wanted.choice).cells(cases, &inventory.endpoints)?;
    let everything = chosen(&wanted.filter, &wanted.choice).is_everything();
    let (cells, part) = sharded(cells, &wanted.choice, everything)?;
    let (whole, plan_ms) = (everything && part.is_none(), started.elapsed().as_millis() as u64);
    let options = RunOptions { whole, plan_ms, part, decide, ..RunOptions::default() };
    run_cells(options, &wanted.machine, inventory, cells, conduct)
}

/// Runs these cells.
pub fn run_cells(
    options: RunOptions,
    machine: &Machine,
    mut inventory: Inventory,
    mut cells: plan::Plan,
    conduct: &Conduct,
) -> Result<Exit, CommandError> {
    conduct.witness.as_deref().into_iter().for_each(runner::witness::set);
    let board = conduct.results.board.as_deref().map(read_board).transpose()?;
    let known = known(&conduct.results, machine, board.as_ref(), &inventory.found)?;
    let watchdog = conduct.watchdog.as_deref().map(Feeder::start).transpose()?;
    cells.put_one_of_each_first();
    // What leaves a damaged kernel spoils what comes after it.
    let by_board = |id: &str| board.as_ref().is_some_and(|board| board.expect.is_last(id));
    cells.put_last(|cell| by_board(&cell.id) || known.is_last(&cell.id));
    let (jobs, after_damage) = (usize::from(conduct.jobs), conduct.after_damage.into());
    let latent_fails = conduct.latent == Latent::Fail;
    let options =
        RunOptions { board, known, watchdog, jobs, after_damage, latent_fails, in_order: conduct.console, ..options };
    // Of all processes here this one has the results.
    uapi::process::die_last();
    let folder = &conduct.results.output;
    std::fs::create_dir_all(folder).map_err(|source| CommandError::Folder { path: folder.clone(), source })?;
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
    if let Some(port) = &conduct.journal_port {
        let device = File::options().write(true).open(port);
        let device = device.map_err(|source| CommandError::Unreadable { path: port.clone(), source })?;
        journal = journal.through(device);
    }
    if conduct.console {
        journal = journal.on_console(standard_output()?);
    }
    let json = conduct.format == OutputFormat::Json;
    if json {
        journal = journal.on_output(standard_output()?);
    }
    let runs = before.as_ref().is_none_or(|before| before.head.end.is_none());
    if runs {
        let forms = Forms { lava: conduct.lava, ktap: conduct.ktap, journal: conduct.console };
        // A line that is written over would run into those of the results.
        let alone = !(forms.lava || forms.ktap || forms.journal);
        let shown = RunProgress::new(conduct.results.progress.on(alone), !json);
        let mut live = Live::new(forms, standard_output()?, shown);
        let done = session::run(&options, &mut inventory, &cells, before.as_ref(), &mut journal, &mut live);
        live.next.finish();
        if let Err(error) = done {
            // A disk that is full takes no reports either; what it has is reported.
            let recorded = (!json && path.is_file()).then(|| Recorded::read(&path).ok()).flatten();
            recorded.iter().for_each(|recorded| print!("{}", report::summary::text(recorded)));
            return Err(error.into());
        }
    }
    // A console's log is read by programs, and by people later.
    let plain = conduct.console || conduct.lava || conduct.ktap;
    let paint = if plain { Paint::Plain } else { Paint::of_output() };
    let mut written = RunReports::to(folder)?;
    if runs {
        written = written.of_this_program();
    }
    if !json && written.exit() != Exit::RestartWanted {
        print!("{}", written.text(paint));
    }
    let exit = written.exit();
    if exit == Exit::RestartWanted {
        // To take away its probes a machine has to be in order; they go with the restart.
        std::mem::forget(inventory);
        heartbeat::ask_for_restart(conduct.results.progress);
    }
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

/// Returns the previous log, or an empty string if there is none. Console logs may contain invalid UTF-8.
fn previous_log(conduct: &Conduct) -> Result<String, CommandError> {
    let Some(path) = &conduct.previous_log else { return Ok(String::new()) };
    let read = std::fs::read(path).map_err(|source| CommandError::Unreadable { path: path.clone(), source })?;
    Ok(String::from_utf8_lossy(&read).into_owned())
}

/// The standard output without a buffer: Rust's own may write a line in two.
fn standard_output() -> Result<File, CommandError> {
    let file = std::io::stdout().as_fd().try_clone_to_owned();
    file.map(File::from).map_err(|source| CommandError::Output { source })
}
