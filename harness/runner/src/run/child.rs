//! One child process: what it said, and how it ended.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use uapi::Errno;
use uapi::process::{Child, Ending, Watched};

use crate::cell::message::{Message, Messages};
use event::{Finding, MapDmaBuf};

/// A child process that has ended.
pub struct ChildOutcome {
    /// Its process id; 0 if it could not be made.
    pub pid: i32,
    /// The messages that it sent.
    pub messages: Messages,
    /// Its ending, or the reason why it could not be made.
    pub ending: Result<Ending, String>,
    /// Its deadline.
    pub deadline: Duration,
    /// The time that the process existed.
    pub time: Duration,
}

/// Forks and does some work there, for as long as the deadline allows.
pub fn run(deadline: Duration, work: impl FnOnce(&mut dyn FnMut(&Message))) -> ChildOutcome {
    let end = Instant::now() + deadline;
    watch(start(work), deadline, |_| end, |_| {})
}

/// As [`run`], of several at the same time, each in a process of its own and with a deadline of its own.
pub fn run_all<W: FnOnce(&mut dyn FnMut(&Message))>(works: Vec<(Duration, W)>) -> Vec<ChildOutcome> {
    let mut all: Vec<Going> = works.into_iter().map(|(deadline, work)| Going::start(deadline, work)).collect();
    loop {
        all.iter_mut().for_each(Going::look);
        let open: Vec<(&Watched, Instant)> = all.iter().filter_map(Going::open).collect();
        let Some(due) = open.iter().map(|(watched, end)| watched.due(*end)).min() else { break };
        let watched: Vec<&Watched> = open.iter().map(|(watched, _)| *watched).collect();
        // Without poll there is no waiting, and each is looked at again and again.
        let _ = uapi::process::wait(&watched, due);
    }
    all.into_iter().map(Going::ran).collect()
}

/// One of several processes.
struct Going {
    pid: i32,
    watched: Option<Watched>,
    started: Instant,
    deadline: Duration,
    messages: Messages,
    ending: Option<Result<Ending, String>>,
    time: Duration,
}

impl Going {
    fn start(deadline: Duration, work: impl FnOnce(&mut dyn FnMut(&Message))) -> Self {
        let started = Instant::now();
        let child = start(work).and_then(|child| Ok((child.pid(), child.watched()?)));
        let (pid, watched, ending) = match child {
            Ok((pid, watched)) => (pid, Some(watched), None),
            Err(errno) => (0, None, Some(Err(format!("fork: {errno}")))),
        };
        let (messages, time) = (Messages::default(), Duration::ZERO);
        Self { pid, watched, started, deadline, messages, ending, time }
    }

    fn look(&mut self) {
        let Some(watched) = self.watched.as_mut().filter(|_| self.ending.is_none()) else { return };
        let looked = watched.look(self.started + self.deadline, |piece| self.messages.take(piece));
        self.ending = looked.map_err(|errno| format!("waiting: {errno}")).transpose();
        self.time = self.started.elapsed();
    }

    fn open(&self) -> Option<(&Watched, Instant)> {
        Some((self.watched.as_ref().filter(|_| self.ending.is_none())?, self.started + self.deadline))
    }

    fn ran(self) -> ChildOutcome {
        let ending = self.ending.unwrap_or_else(|| Err("it was not waited for".into()));
        ChildOutcome::of(self.pid, self.messages, ending, self.deadline, self.time)
    }
}

/// Forks and begins some work there.
///
/// # Errors
/// Those of fork(2), and ENOSYS on a kernel without pidfds.
pub fn start(work: impl FnOnce(&mut dyn FnMut(&Message))) -> Result<Child, Errno> {
    uapi::process::spawn(|output| {
        // A cell that takes all memory is to die of it, not the run.
        uapi::process::die_first();
        let output = std::fs::File::from(output);
        let of_panics = output.try_clone().ok();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.to_string().replace('\n', " ");
            if let Some(output) = &of_panics {
                message(output, &Message::Panic(text));
            }
        }));
        let started = Instant::now();
        work(&mut |said| message(&output, said));
        message(&output, &Message::Lasted(started.elapsed().as_micros() as u64));
        0
    })
}

/// Gathers what a child process says until it ends. Its end is asked for now and then, with the time at which it was last
/// heard of; `heard` is called whenever it has said something.
pub fn watch(
    child: Result<Child, Errno>,
    deadline: Duration,
    end: impl Fn(Instant) -> Instant,
    heard: impl Fn(&Messages),
) -> ChildOutcome {
    let child = match child {
        Ok(child) => child,
        Err(errno) => {
            let ending = Err(format!("fork: {errno}"));
            return ChildOutcome::of(0, Messages::default(), ending, deadline, Duration::ZERO);
        }
    };
    let (pid, started) = (child.pid(), Instant::now());
    let mut messages = Messages::default();
    let last = Cell::new(Instant::now());
    let said = |piece: &[u8]| {
        last.set(Instant::now());
        messages.take(piece);
        heard(&messages);
    };
    let ending = child.supervise_until(|| end(last.get()), said).map_err(|errno| format!("waiting: {errno}"));
    ChildOutcome::of(pid, messages, ending, deadline, started.elapsed())
}

fn message(output: &std::fs::File, message: &Message) {
    crate::cell::message::write(output, message);
}

impl ChildOutcome {
    /// A process that has ended.
    pub(crate) fn of(
        pid: i32,
        messages: Messages,
        ending: Result<Ending, String>,
        deadline: Duration,
        time: Duration,
    ) -> Self {
        Self { pid, messages, ending, deadline, time }
    }

    /// Returns the time of its own work; all of its time, if it did not report it.
    pub fn lasted(&self) -> Duration {
        let told = self.messages.whole.iter().find_map(|message| match message {
            Message::Lasted(microseconds) => Some(Duration::from_micros(*microseconds)),
            _ => None,
        });
        told.unwrap_or(self.time)
    }

    /// The findings of the process's own oracles.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.messages
            .whole
            .iter()
            .filter_map(|message| if let Message::Finding(finding) = message { Some(finding) } else { None })
    }

    /// Returns its figures, as far as it reported them.
    pub fn figures(&self) -> BTreeMap<String, u64> {
        self.messages.figures().cloned().unwrap_or_default()
    }

    /// Returns the accesses of devices to its buffers.
    pub fn device_access(&self) -> Vec<String> {
        let said = self.messages.whole.iter();
        let access =
            said.filter_map(|message| if let Message::Access(how) = message { Some(how.clone()) } else { None });
        access.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// Returns what it exported, as fdinfo shows it.
    pub fn exported(&self) -> Vec<MapDmaBuf> {
        let exported = self.messages.whole.iter();
        exported
            .filter_map(|message| if let Message::Exported(found) = message { Some(found.clone()) } else { None })
            .collect()
    }
}
