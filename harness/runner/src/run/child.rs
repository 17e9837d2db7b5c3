//! One child process: what it said, and how it ended.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use uapi::Errno;
use uapi::process::{Child, Ending};

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

/// Forks and begins some work there.
///
/// # Errors
/// Those of fork(2), and ENOSYS on a kernel without pidfds.
pub fn start(work: impl FnOnce(&mut dyn FnMut(&Message))) -> Result<Child, Errno> {
    uapi::process::spawn(|output| {
        // A cell that takes all memory is to die of it, not the run.
        uapi::process::die_first();
        if !crate::witness::is_set() {
            uapi::process::leave_pipes();
        }
        let output = std::fs::File::from(output);
        let of_panics = output.try_clone().ok();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.to_string().replace('\n', " ");
            if let Some(output) = &of_panics {
                message(output, &Message::Panic(text));
            }
            // Not unwound: the program is built without what that takes.
            uapi::process::leave(uapi::process::PANICKED);
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
