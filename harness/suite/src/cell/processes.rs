//! Steps in other processes: forked, with a file passed over a socket, or another program.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::Duration;

use document::step::{Exec, Fork, Receive, Send, Step, User};
use document::verdict::Verdict;
use uapi::Errno;
use uapi::process::{Child, Ending};
use uapi::socket;

use super::message::{Message, Messages};
use super::world::{FileValue, Maker, Value, World};
use super::{Stop, run_steps};
use crate::event::Blame;
use crate::inherited;

/// The cell's own deadline is the shorter one: when it passes, every process here is killed with the cell's.
pub const LONG: Duration = Duration::from_secs(3600);

/// What went wrong with the suite's own means.
pub fn trouble(what: &str) -> impl Fn(Errno) -> Stop {
    move |errno| Stop::suite(format!("{what}: {errno}"), "the other process does its steps")
}

pub fn fork(world: &mut World, step: &Fork, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    let child = started(world, |world, say| {
        run_steps(world, &step.steps, 0, say);
    })?;
    ended(world, child, "in the forked process", say)
}

pub fn send(world: &mut World, step: &Send, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    if step.user == User::Nobody && !uapi::process::is_root() {
        let seen = "prime-cts does not run as root, and cannot become nobody; run it as root";
        return Err(Stop::new("requirement", Verdict::Blocked, Blame::Nobody, seen, "the rights of root"));
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
                run_steps(world, &step.steps, 0, say);
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
        let mut own = match World::open(&world.cell, world.size) {
            Ok(own) => own,
            Err(stop) => return said(say, stop),
        };
        run_steps(&mut own, &step.steps, 0, say);
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
                    "file",
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
            match ended(world, child, "in the process that made the file", say) {
                Err(Stop(finding)) if finding.verdict == Verdict::Crash && finding.seen.starts_with("SIGKILL") => {}
                other => other?,
            }
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
        .map_err(|error| Stop::suite(format!("executing another program: {error}"), "it tells what it inherited"))?;
    world.checks += 1;
    if open == step.open {
        return Ok(());
    }
    let words = |open| if open { "the program has it open" } else { "the program has it not" };
    Err(Stop::fail("file", Blame::Exporter, words(open), words(step.open)))
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
    let expected = "the other process does its steps";
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
        }
    }
    world.checks += checks;
    match ending {
        Ending::Exited(0) => Ok(()),
        Ending::Signalled(signal) => {
            let seen = format!("{signal} {place} at its step {last}");
            Err(Stop::new("process", Verdict::Crash, Blame::Undecided, seen, expected))
        }
        other => Err(Stop::suite(format!("the process ended with {other:?} at its step {last}"), expected)),
    }
}

/// Steps of a round: nothing is told of them but findings, and what they made is given back.
pub fn round(world: &mut World, steps: &[Step], say: &mut dyn FnMut(&Message)) -> Vec<Value> {
    let before = world.names();
    let mut quiet = |message: &Message| {
        if matches!(message, Message::Finding(_)) {
            say(message);
        }
    };
    run_steps(world, steps, 0, &mut quiet);
    world.take_others(&before)
}
