//! The workers' processes: all begin at once, each is watched by a thread, and one that says nothing for too long is killed.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use device::Endpoint;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use uapi::process::Ending;

use super::clock::Clock;
use super::plan::{self, Pair, Task, Worker};
use super::worker_report::WorkerReport;
use super::{closes, rounds, show, stream};
use crate::cell::message::Message;
use crate::run::child::{self, ChildOutcome};

/// The interval at which progress is reported.
const TICK: Duration = Duration::from_millis(250);

/// The facts that all workers know.
pub struct LoadContext {
    /// The pairs of exporter and importer.
    pub pairs: Vec<Pair>,
    /// The queues of one owner, each with the shift in which it streams.
    pub owned: BTreeMap<String, u32>,
    /// The time without a message after which a worker hangs.
    pub patience: Duration,
}

impl LoadContext {
    /// Creates the context of endpoints whose pairs are known.
    pub fn new(endpoints: &[Rc<Endpoint>], pairs: Vec<Pair>, patience: Duration) -> Self {
        Self { pairs, owned: plan::shifts(endpoints), patience }
    }
}

/// One worker's work, in its own process.
fn execute(worker: &Worker, context: &LoadContext, mut report: WorkerReport<'_>) {
    let (pairs, owned) = (&context.pairs[..], &context.owned);
    match &worker.task {
        Task::Stream { importer, output } => stream::work(importer, output.as_ref(), pairs, owned, &mut report),
        Task::Show { importer } => show::work(importer, pairs, owned, &mut report),
        Task::Rounds { seed } => rounds::work(pairs, owned, *seed, &mut report),
        Task::Closes { seed } => closes::work(pairs, owned, *seed, &mut report),
    }
    report.done();
}

/// Lets all workers make ready, and then work until the time is over, or until one of the signals ends it before. `tick` gets how many
/// seconds are left, and how many workers still work.
pub fn work(
    workers: &[Worker],
    context: &LoadContext,
    clock: &Clock,
    signals: &Signals,
    tick: &mut dyn FnMut(u64, usize),
) -> Vec<ChildOutcome> {
    let start = |(number, worker): (usize, &Worker)| {
        child::start(|say| execute(worker, context, WorkerReport::new(say, clock, number)))
    };
    // The threads start after the last fork.
    let children: Vec<_> = workers.iter().enumerate().map(start).collect();
    let (forked, by_itself, early) = (Instant::now(), OnceLock::<Instant>::new(), OnceLock::<Instant>::new());
    let patience = context.patience;
    // Whoever works is heard every second; whoever has ended its work is, too.
    let end = |heard: Instant| {
        let end = early.get().or_else(|| by_itself.get());
        end.map_or(heard, |end| heard.min(*end)) + patience
    };
    let mut ran: Vec<ChildOutcome> = std::thread::scope(|scope| {
        let watch = |child| {
            let end = &end;
            scope.spawn(move || child::watch(child, patience, end, |_| {}))
        };
        let threads: Vec<_> = children.into_iter().map(watch).collect();
        loop {
            let working = threads.iter().filter(|thread| !thread.is_finished()).count();
            let left = clock.end().map_or(clock.length(), |end| end.saturating_duration_since(Instant::now()));
            tick(left.as_secs(), working);
            if working == 0 {
                break;
            }
            // No one waits for one that has ended.
            let ended = threads.iter().enumerate().filter(|(_, thread)| thread.is_finished());
            ended.for_each(|(number, _)| clock.ready(number));
            if clock.began().is_none()
                && ((0..threads.len()).all(|number| clock.is_ready(number)) || forked.elapsed() >= patience)
            {
                clock.begin();
                clock.end().into_iter().for_each(|end| _ = by_itself.set(end));
            }
            if signals.came(TICK) {
                early.get_or_init(Instant::now);
                clock.stop();
            }
        }
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    for (number, ran) in ran.iter_mut().enumerate() {
        if matches!(ran.ending, Ok(Ending::Exited(_))) {
            continue;
        }
        let pair = clock.was_at(number).and_then(|pair| context.pairs.get(pair));
        let place =
            pair.map_or("at its own buffers, before any other's".to_owned(), |pair| format!("at {}", pair.words()));
        ran.messages.whole.push(Message::At(place));
    }
    ran
}

/// The signals that end a load. A second one ends the program, as it does elsewhere.
pub struct Signals {
    set: SigSet,
    file: Option<SignalFd>,
}

impl Signals {
    /// Takes them from now on.
    pub fn take() -> Self {
        let set = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
        let file = set
            .thread_block()
            .and_then(|()| SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC));
        Self { set, file: file.ok() }
    }

    /// Waits for a signal, at most this long.
    fn came(&self, time: Duration) -> bool {
        use std::os::fd::AsFd;
        let Some(file) = &self.file else {
            std::thread::sleep(time);
            return false;
        };
        let _ = uapi::sync_file::wait_readable(file.as_fd(), time);
        let came = matches!(file.read_signal(), Ok(Some(_)));
        if came {
            let _ = self.set.thread_unblock();
        }
        came
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let _ = self.set.thread_unblock();
    }
}
