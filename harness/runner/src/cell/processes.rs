//! Steps in other processes: forked, with a file passed over a socket, or another program.

use std::fs::File;
use std::os::fd::OwnedFd;

use spec::step::{Exec, Fork, Receive, Send, Step, User};
use spec::verdict::Verdict;
use uapi::Errno;
use uapi::process::{Child, Ending};
use uapi::socket;

use super::message::{Message, Messages};
use super::stop::Stop;
use super::world::{FileValue, LONG, Maker, Value, World};
use crate::inherited;
use event::{Blame, Oracle};

/// A fault of the suite's own means.
pub fn trouble(what: &str) -> impl Fn(Errno) -> Stop {
    move |errno| Stop::suite(format!("{what}: {errno}"), "the other process does its steps")
}

pub fn fork(world: &mut World, step: &Fork, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    let child = started(world, |world, say| {
        world.run_steps(&step.steps, say);
    })?;
    ended(world, child, "in the forked process", say)
}

pub fn send(world: &mut World, step: &Send, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    if step.user == User::Nobody && !uapi::process::is_root() {
        let seen = "prime-cts does not run as root, and cannot change to an unprivileged user; run it as root";
        return Err(Stop::blocked(Oracle::Requirement, seen, "the rights of root"));
    }
    let size = world.file(&step.file)?.size;
    let (here, there) = socket::pair().map_err(trouble("socketpair"))?;
    socket::send_file(&here, world.descriptor(&step.file)?).map_err(trouble("sendmsg with SCM_RIGHTS"))?;
    let child = started(world, |world, say| {
        let received = socket::receive_file(&there).map_err(trouble("recvmsg"));
        let changed = || if step.user == User::Nobody { uapi::process::become_nobody() } else { Ok(()) };
        match received.and_then(|file| changed().map(|()| file).map_err(trouble("setuid"))) {
            Ok(file) => {
                world.insert(&step.r#as, Value::File(FileValue::new(file, size)));
                world.run_steps(&step.steps, say);
            }
            Err(Stop(finding)) => say(&Message::Finding(*finding)),
        }
    })?;
    ended(world, child, "in the process that received the file", say)
}

pub fn receive(world: &mut World, step: &Receive, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    let (here, there) = socket::pair().map_err(trouble("socketpair"))?;
    let child = started(world, |world, say| {
        let said = |say: &mut dyn FnMut(&Message), Stop(finding): Stop| say(&Message::Finding(*finding));
        let mut own = match world.again() {
            Ok(own) => own,
            Err(stop) => return said(say, stop),
        };
        own.run_steps(&step.steps, say);
        world.checks += own.checks;
        if own.ended.is_some() {
            return;
        }
        let sent = own
            .descriptor(&step.file)
            .and_then(|file| socket::send_file(&there, file).map_err(trouble("sendmsg with SCM_RIGHTS")));
        match sent {
            Ok(()) => {
                say(&Message::Done { checks: world.checks });
                // Killed here, with all that it holds open.
                uapi::process::wait_to_be_killed();
            }
            Err(stop) => said(say, stop),
        }
    })?;
    drop(there);
    match socket::receive_file(&here) {
        Ok(file) => {
            let size = world.files().seek(std::os::fd::AsFd::as_fd(&file), 0, nix::unistd::Whence::SeekEnd);
            let size = size.map_err(|errno| {
                Stop::fail(
                    Oracle::File,
                    Blame::Exporter,
                    format!("lseek to the end: {errno}"),
                    "the received file has a size",
                )
            })?;
            let received = FileValue::new(file, size);
            if step.lives {
                let _maker = Some(Maker(Some(child)));
                world.insert(&step.r#as, Value::File(FileValue { _maker, ..received }));
                return Ok(());
            }
            child.kill();
            ended_by_kill(world, child, "in the process that made the file", say)?;
            world.insert(&step.r#as, Value::File(received));
            Ok(())
        }
        // It ended before it had a file to send, and says why.
        Err(errno) => {
            ended(world, child, "in the process that makes the file", say)?;
            Err(trouble("recvmsg")(errno))
        }
    }
}

pub fn exec(world: &mut World, step: &Exec) -> Result<(), Stop> {
    let file = world.file(&step.file)?;
    let inode = world.files().inode(world.descriptor(&step.file)?).map_err(trouble("fstat"))?;
    let open = inherited::ask(file.number, inode)
        .map_err(|error| Stop::suite(format!("executing another program: {error}"), "it reports what it inherited"))?;
    world.checks += 1;
    if open == step.open {
        return Ok(());
    }
    let words =
        |open| if open { "the file is open in the new program" } else { "the file is not open in the new program" };
    Err(Stop::fail(Oracle::File, Blame::Exporter, words(open), words(step.open)))
}

/// Forks. The child says what it sees, and how many checks it made.
pub fn started(world: &mut World, work: impl FnOnce(&mut World, &mut dyn FnMut(&Message))) -> Result<Child, Stop> {
    let child = uapi::process::spawn(|output: OwnedFd| {
        let output = File::from(output);
        let before = world.checks;
        work(world, &mut |message| super::message::write(&output, message));
        super::message::write(&output, &Message::Done { checks: world.checks - before });
        0
    });
    child.map_err(trouble("fork"))
}

/// Waits for a child's end and passes on what it saw.
pub fn ended(world: &mut World, child: Child, place: &str, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    let (ending, last) = waited(world, child, place, say)?;
    judged(&ending, place, &last)
}

/// Judges the end of a child that came to a step.
fn judged(ending: &Ending, place: &str, last: &str) -> Result<(), Stop> {
    match ending {
        Ending::Exited(0) => Ok(()),
        Ending::Signalled(signal) => {
            let seen = format!("{signal} {place} at its step {last}");
            Err(Stop::new(Oracle::Process, Verdict::Crash, Blame::Undecided, seen, EXPECTED))
        }
        other => Err(Stop::suite(format!("the process ended with {other:?} at its step {last}"), EXPECTED)),
    }
}

const EXPECTED: &str = "the other process does its steps";

/// As [`ended`], for a child that was killed on purpose.
fn ended_by_kill(world: &mut World, child: Child, place: &str, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    match waited(world, child, place, say)? {
        (Ending::Signalled("SIGKILL"), _) => Ok(()),
        (ending, last) => judged(&ending, place, &last),
    }
}

/// Waits for a child and returns how it ended and the step that it came to; passes on what it saw.
fn waited(
    world: &mut World,
    child: Child,
    place: &str,
    say: &mut dyn FnMut(&Message),
) -> Result<(Ending, String), Stop> {
    let mut messages = Messages::default();
    let ending = child.supervise(LONG, |piece| messages.take(piece)).map_err(trouble("waiting"))?;
    let last = messages.step().unwrap_or("no step").to_owned();
    let mut checks = 0;
    for message in messages.whole {
        match message {
            Message::Finding(mut finding) => {
                finding.step = finding.step.map(|step| format!("{place}, {step}"));
                if finding.verdict != Verdict::Pass {
                    return Err(Stop(Box::new(finding)));
                }
                say(&Message::Finding(finding));
            }
            Message::Done { checks: made } => checks = made,
            Message::Lasted(_) => {}
            Message::Step(_) | Message::Exported(_) | Message::Access(_) | Message::Figures(_) | Message::Took(_) => {}
            Message::Panic(_) | Message::At(_) | Message::Why(_) => {}
        }
    }
    world.checks += checks;
    Ok((ending, last))
}

/// Does the steps of a round: only their findings are reported, and what they made is released.
pub fn round(world: &mut World, steps: &[Step], say: &mut dyn FnMut(&Message)) -> Vec<Value> {
    let before = world.names();
    let mut quiet = |message: &Message| {
        if matches!(message, Message::Finding(_)) {
            say(message);
        }
    };
    world.run_steps(steps, &mut quiet);
    world.take_others(&before)
}
