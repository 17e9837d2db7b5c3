//! A process that runs cells, one after the other: a fork and an exit cost more than most cells do.
//!
//! A cell still has a process of its own where that matters. What a cell leaves in the process (a descriptor that the kernel
//! has installed and not told of, say) ends the process, and its end belongs to the cell, as everything does that shows
//! between two cells. A cell that fails behind others in a process is run again alone, by [`super::runner`].

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use uapi::Errno;
use uapi::process::{Ending, Watched};
use uapi::shared_log::SharedLog;

use super::child::ChildOutcome;
use crate::cell::message::{self, Message, Messages};

/// The cells that a process runs at most: the fewer, the less one can do to another.
const CELLS: u32 = 64;

/// Room for what a cell says; what is more goes through the pipe.
const LOG: usize = 1 << 20;

/// The byte that says that a cell is done and the process waits for the next.
const NEXT: u8 = 0;

/// The work that a process does for the cell of a number; what is not released within this time is a leak.
pub type Work<'a> = &'a dyn Fn(u32, Duration, &mut dyn FnMut(&Message));

/// A process that waits for cells, or runs one.
pub struct Worker {
    process: Watched,
    pid: i32,
    orders: OwnedFd,
    log: Rc<SharedLog>,
    /// The cells that it has begun.
    begun: u32,
}

/// A cell that a worker is to run.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Its number.
    pub number: u32,
    /// Its deadline.
    pub deadline: Duration,
    /// The time that drivers have to release what they hold.
    pub settle: Duration,
    /// True if no other runs in the same process, before it or after it.
    pub alone: bool,
}

/// What a cell's process was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// The cell was the first that ran in it.
    Fresh,
    /// Others had run in it.
    Used,
}

impl Worker {
    /// Forks a process that waits for orders.
    ///
    /// # Errors
    /// Those of fork(2), of pipes and of memory.
    fn start(work: Work<'_>) -> Result<Self, Errno> {
        let log = Rc::new(SharedLog::new(LOG)?);
        let (orders, orders_end) = uapi::socket::pair()?;
        let orders = File::from(orders);
        let child = uapi::process::spawn(|output| {
            // A cell that takes all memory is to die of it, not the run.
            uapi::process::die_first();
            if !crate::witness::is_set() {
                uapi::process::leave_pipes();
            }
            let say = Say { log: log.clone(), pipe: Rc::new(File::from(output)) };
            of_panics(&say);
            serve(&orders, &say, work)
        })?;
        let pid = child.pid();
        Ok(Self { process: child.watched()?, pid, orders: orders_end, log, begun: 0 })
    }

    fn order(&mut self, order: Order) -> Result<(), Errno> {
        self.log.clear();
        self.begun += 1;
        let last = order.alone || self.begun >= CELLS;
        let settle = u32::try_from(order.settle.as_millis()).unwrap_or(u32::MAX);
        let words = [order.number, settle, u32::from(last)];
        uapi::socket::send(&self.orders, &words.map(u32::to_ne_bytes).concat())
    }
}

impl Drop for Worker {
    /// A process that waits for orders ends at once; one that hangs in the kernel is left behind.
    fn drop(&mut self) {
        let end = Instant::now();
        while let Ok(None) = self.process.look(end, |_| {}) {
            // Without poll there is no waiting, and it is looked at again and again.
            let _ = uapi::process::wait(&[&self.process], self.process.due(end));
        }
    }
}

/// How a cell's process speaks.
struct Say {
    log: Rc<SharedLog>,
    pipe: Rc<File>,
}

impl Say {
    fn message(&self, message: &Message) {
        let line = message::line(message);
        if !self.log.append(&line) {
            // A parent that is gone reads nothing more, and there is no one to tell.
            let _ = (&*self.pipe).write_all(&line);
        }
    }
}

/// Sends the text of a panic through the pipe: the hook may be called by any thread, and the log has one writer.
fn of_panics(say: &Say) {
    let Ok(pipe) = say.pipe.try_clone() else { return };
    std::panic::set_hook(Box::new(move |info| {
        let text = info.to_string().replace('\n', " ");
        message::write(&pipe, &Message::Panic(text));
        // Not unwound: the program is built without what that takes.
        uapi::process::leave(uapi::process::PANICKED);
    }));
}

/// Runs the cells of the orders until there are no more, or one has left something in this process.
fn serve(mut orders: &File, say: &Say, work: Work<'_>) -> i32 {
    let before = uapi::process::lowest_free();
    let mut order = [0; 12];
    while orders.read_exact(&mut order).is_ok() {
        let mut words = order.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        let mut word = || words.next().unwrap_or_default();
        let (number, settle, last) = (word(), Duration::from_millis(word().into()), word());
        let started = Instant::now();
        work(number, settle, &mut |said| say.message(said));
        say.message(&Message::Lasted(started.elapsed().as_micros() as u64));
        if last != 0 || uapi::process::lowest_free() != before {
            break;
        }
        let _ = (&*say.pipe).write_all(&[NEXT]);
    }
    0
}

/// Cells that run at the same time, each in a process in which no other runs meanwhile.
#[derive(Default)]
pub struct Workers {
    /// Processes that wait for orders.
    idle: Vec<Worker>,
    going: Vec<Going>,
}

impl Workers {
    /// Lets a cell begin, in a process that waits or in a new one.
    pub fn start(&mut self, order: Order, work: Work<'_>) {
        let worker = if order.alone { None } else { self.idle.pop() };
        self.going.push(Going::start(worker, order, work));
    }

    /// Waits until one of the cells has ended, and returns it by its number.
    pub fn wait(&mut self) -> Option<(u32, ChildOutcome, Process)> {
        loop {
            self.going.iter_mut().for_each(Going::look);
            if let Some(place) = self.going.iter().position(|going| going.ending.is_some()) {
                let going = self.going.remove(place);
                let number = going.number;
                let (outcome, process, worker) = going.ran();
                self.idle.extend(worker);
                return Some((number, outcome, process));
            }
            let open: Vec<(&Watched, Instant)> = self.going.iter().filter_map(Going::open).collect();
            let due = open.iter().map(|(watched, end)| watched.due(*end)).min()?;
            let watched: Vec<&Watched> = open.iter().map(|(watched, _)| *watched).collect();
            // Without poll there is no waiting, and each is looked at again and again.
            let _ = uapi::process::wait(&watched, due);
        }
    }
}

/// A cell that runs.
struct Going {
    number: u32,
    worker: Option<Worker>,
    process: Process,
    pid: i32,
    log: Option<Rc<SharedLog>>,
    started: Instant,
    deadline: Duration,
    /// What came through the pipe.
    piped: Vec<u8>,
    ending: Option<Result<Ending, String>>,
    time: Duration,
}

impl Going {
    fn start(worker: Option<Worker>, order: Order, work: Work<'_>) -> Self {
        let started = Instant::now();
        let usable = worker.filter(|worker| !order.alone && worker.begun < CELLS);
        // One that something has ended between two cells (the OOM killer, say) takes no order, and is none of this cell's.
        let used = usable.and_then(|mut worker| worker.order(order).ok().map(|()| worker));
        let process = if used.is_some() { Process::Used } else { Process::Fresh };
        let fresh = || {
            let mut worker = Worker::start(work).map_err(|errno| format!("fork: {errno}"))?;
            let ordered = worker.order(order).map_err(|errno| format!("the cell's process takes no order: {errno}"));
            ordered.map(|()| worker)
        };
        let ordered = used.map_or_else(fresh, Ok);
        let (worker, ending) = match ordered {
            Ok(worker) => (Some(worker), None),
            Err(why) => (None, Some(Err(why))),
        };
        let (pid, log) = worker.as_ref().map_or((0, None), |worker| (worker.pid, Some(worker.log.clone())));
        let (number, deadline, piped, time) = (order.number, order.deadline, Vec::new(), Duration::ZERO);
        Self { number, worker, process, pid, log, started, deadline, piped, ending, time }
    }

    fn look(&mut self) {
        let Some(worker) = self.worker.as_mut().filter(|_| self.ending.is_none()) else { return };
        let mut next = false;
        let looked = worker.process.look(self.started + self.deadline, |piece| {
            next |= piece.last() == Some(&NEXT);
            self.piped.extend(piece.iter().filter(|&&byte| byte != NEXT));
        });
        let ending = looked.map_err(|errno| format!("waiting: {errno}")).transpose();
        if ending.is_some() {
            self.worker = None;
        }
        self.ending = ending.or_else(|| next.then_some(Ok(Ending::Exited(0))));
        self.time = self.started.elapsed();
    }

    fn open(&self) -> Option<(&Watched, Instant)> {
        let worker = self.worker.as_ref().filter(|_| self.ending.is_none())?;
        Some((&worker.process, self.started + self.deadline))
    }

    fn ran(self) -> (ChildOutcome, Process, Option<Worker>) {
        let ending = self.ending.unwrap_or_else(|| Err("it was not waited for".into()));
        let mut messages = Messages::default();
        messages.take(&self.log.map_or_else(Vec::new, |log| log.read()));
        messages.take(&self.piped);
        let outcome = ChildOutcome::of(self.pid, messages, ending, self.deadline, self.time);
        (outcome, self.process, self.worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(number: u32, alone: bool) -> Order {
        Order { number, deadline: Duration::from_secs(10), settle: Duration::from_secs(2), alone }
    }

    /// The pid and what was said of each cell.
    fn run(workers: &mut Workers, order: Order, work: Work<'_>) -> (ChildOutcome, Process) {
        workers.start(order, work);
        let (number, ran, process) = workers.wait().unwrap();
        assert_eq!(number, order.number);
        (ran, process)
    }

    fn step(number: u32, _: Duration, say: &mut dyn FnMut(&Message)) {
        say(&Message::Step(number.to_string()));
    }

    #[test]
    fn several_cells_run_in_one_process_and_none_hears_of_the_other() {
        let mut workers = Workers::default();
        let ran: Vec<_> = (0..3).map(|number| run(&mut workers, order(number, false), &step)).collect();
        let pids: Vec<i32> = ran.iter().map(|(ran, _)| ran.pid).collect();
        assert_eq!([pids[0], pids[0]], pids[1..]);
        let steps: Vec<_> = ran.iter().map(|(ran, _)| ran.messages.step().unwrap()).collect();
        assert_eq!(steps, ["0", "1", "2"]);
        let processes: Vec<_> = ran.iter().map(|(_, process)| *process).collect();
        assert_eq!(processes, [Process::Fresh, Process::Used, Process::Used]);
        let (alone, process) = run(&mut workers, order(3, true), &step);
        assert_ne!(alone.pid, pids[0]);
        assert_eq!((alone.ending, process), (Ok(Ending::Exited(0)), Process::Fresh));
        assert_eq!(run(&mut workers, order(4, false), &step).0.pid, pids[0], "it waited");
    }

    #[test]
    fn a_process_ends_after_some_cells_and_where_one_leaves_a_descriptor() {
        let mut workers = Workers::default();
        (0..CELLS).for_each(|number| drop(run(&mut workers, order(number, false), &step)));
        assert!(workers.idle.is_empty());
        let leaves = |number: u32, _: Duration, _: &mut dyn FnMut(&Message)| {
            if number == 1 {
                std::mem::forget(File::open("/").unwrap());
            }
        };
        run(&mut workers, order(0, false), &leaves);
        assert_eq!(workers.idle.len(), 1);
        let (left, _) = run(&mut workers, order(1, false), &leaves);
        assert_eq!(left.ending, Ok(Ending::Exited(0)));
        assert!(workers.idle.is_empty());
    }

    #[test]
    fn a_process_that_ends_between_two_cells_is_replaced() {
        let mut workers = Workers::default();
        let (first, _) = run(&mut workers, order(0, false), &step);
        let killed = std::process::Command::new("kill").args(["-KILL", &first.pid.to_string()]).status();
        assert!(killed.unwrap().success());
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", first.pid)).unwrap();
        while !state().contains(") Z ") {}
        let (second, _) = run(&mut workers, order(1, false), &step);
        assert_ne!(second.pid, first.pid);
        assert_eq!((second.ending, second.messages.step()), (Ok(Ending::Exited(0)), Some("1")));
    }

    #[test]
    fn a_cell_that_ends_its_process_keeps_what_it_said() {
        let mut workers = Workers::default();
        let dies = |number: u32, settle: Duration, say: &mut dyn FnMut(&Message)| {
            step(number, settle, say);
            match number {
                1 => std::process::abort(),
                2 => panic!("of its own"),
                3 => loop {
                    std::thread::sleep(Duration::from_secs(1));
                },
                _ => {}
            }
        };
        run(&mut workers, order(0, false), &dies);
        let (aborted, process) = run(&mut workers, order(1, false), &dies);
        assert_eq!((aborted.ending, process), (Ok(Ending::Signalled("SIGABRT")), Process::Used));
        assert_eq!(aborted.messages.step(), Some("1"));
        let (panicked, _) = run(&mut workers, order(2, false), &dies);
        assert_eq!(panicked.ending, Ok(Ending::Exited(101)));
        assert!(panicked.messages.panic().unwrap().contains("of its own"));
        let (late, _) = run(&mut workers, Order { deadline: Duration::from_millis(50), ..order(3, false) }, &dies);
        assert_eq!((late.ending, late.messages.step()), (Ok(Ending::TimedOut), Some("3")));
        assert!(workers.idle.is_empty());
    }

    #[test]
    fn a_process_that_is_not_needed_any_more_is_gone() {
        let mut workers = Workers::default();
        let (ran, _) = run(&mut workers, order(0, false), &step);
        let there = || std::path::Path::new(&format!("/proc/{}", ran.pid)).exists();
        assert!(there());
        workers.idle.clear();
        assert!(!there());
    }

    #[test]
    fn one_that_has_ended_makes_room_while_another_runs() {
        let mut workers = Workers::default();
        let (go_on, wait) = uapi::socket::pair().map(|(one, other)| (File::from(one), File::from(other))).unwrap();
        let waits = |number: u32, settle: Duration, say: &mut dyn FnMut(&Message)| {
            step(number, settle, say);
            if number == 0 {
                (&wait).read_exact(&mut [0]).unwrap();
            }
        };
        workers.start(order(0, false), &waits);
        let others: Vec<u32> = (1..4)
            .map(|number| {
                workers.start(order(number, false), &waits);
                workers.wait().unwrap().0
            })
            .collect();
        assert_eq!(others, [1, 2, 3]);
        (&go_on).write_all(&[1]).unwrap();
        let (number, ran, process) = workers.wait().unwrap();
        assert_eq!((number, ran.messages.step(), process), (0, Some("0"), Process::Fresh));
        assert!(workers.wait().is_none());
    }

    #[test]
    fn what_the_log_has_no_room_for_arrives_all_the_same() {
        let long = "x".repeat(LOG / 2);
        let says =
            |_: u32, _: Duration, say: &mut dyn FnMut(&Message)| (0..5).for_each(|_| say(&Message::Why(long.clone())));
        let (ran, _) = run(&mut Workers::default(), order(0, false), &says);
        let whole = ran.messages.whole.iter().filter(|said| matches!(said, Message::Why(why) if *why == long));
        assert_eq!(whole.count(), 5);
    }
}
