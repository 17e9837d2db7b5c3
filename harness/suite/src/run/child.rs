//! One child process: what it said, and how it ended.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use uapi::Errno;
use uapi::process::{Child, Ending};

use crate::cell::message::{Message, Messages};
use crate::event::{Finding, MapDmaBuf};

/// A child process that has ended.
pub struct Ran {
    /// Its process id; 0 if it could not be made.
    pub pid: i32,
    /// What it said.
    pub messages: Messages,
    /// How it ended, or why it could not be made.
    pub ending: Result<Ending, String>,
    /// Its deadline.
    pub deadline: Duration,
    /// The text of its panic, if it panicked.
    pub panic: Option<String>,
}

/// Forks and does some work there, for as long as the deadline allows.
pub fn run(deadline: Duration, work: impl FnOnce(&mut dyn FnMut(&Message))) -> Ran {
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
        let output = std::fs::File::from(output);
        let of_panics = output.try_clone().ok();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.to_string().replace('\n', " ");
            if let Some(output) = &of_panics {
                message(output, &Message::Step(format!("{PANIC}{text}")));
            }
        }));
        work(&mut |said| message(&output, said));
        0
    })
}

/// Gathers what a child process says until it ends. Its end is asked for now and then, with the time at which it was last
/// heard of; `heard` is told whenever it has said something.
pub fn watch(
    child: Result<Child, Errno>,
    deadline: Duration,
    end: impl Fn(Instant) -> Instant,
    heard: impl Fn(&Messages),
) -> Ran {
    let child = match child {
        Ok(child) => child,
        Err(errno) => {
            let ending = Err(format!("fork: {errno}"));
            return Ran { pid: 0, messages: Messages::default(), ending, deadline, panic: None };
        }
    };
    let pid = child.pid();
    let mut messages = Messages::default();
    let last = Cell::new(Instant::now());
    let said = |piece: &[u8]| {
        last.set(Instant::now());
        messages.take(piece);
        heard(&messages);
    };
    let ending = child.supervise_until(|| end(last.get()), said).map_err(|errno| format!("waiting: {errno}"));
    let panic = messages.step().and_then(|step| step.strip_prefix(PANIC)).map(str::to_owned);
    messages.whole.retain(|message| !matches!(message, Message::Step(step) if step.starts_with(PANIC)));
    Ran { pid, messages, ending, deadline, panic }
}

/// Marks the line in which a panic's text comes over the pipe.
const PANIC: &str = "panic: ";

fn message(output: &std::fs::File, message: &Message) {
    crate::cell::message::write(output, message);
}

impl Ran {
    /// The findings of the process's own oracles.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.messages
            .whole
            .iter()
            .filter_map(|message| if let Message::Finding(finding) = message { Some(finding) } else { None })
    }

    /// What it counted, as far as it came to tell.
    pub fn figures(&self) -> BTreeMap<String, u64> {
        self.messages.figures().cloned().unwrap_or_default()
    }

    /// What devices did with its buffers by themselves.
    pub fn device_access(&self) -> Vec<String> {
        let said = self.messages.whole.iter();
        let access =
            said.filter_map(|message| if let Message::Access(how) = message { Some(how.clone()) } else { None });
        access.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// What it exported, as fdinfo calls it.
    pub fn exported(&self) -> Vec<MapDmaBuf> {
        let exported = self.messages.whole.iter();
        exported
            .filter_map(|message| if let Message::Exported(found) = message { Some(found.clone()) } else { None })
            .collect()
    }
}
