//! Child processes that may crash or hang: what a cell runs in.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, pipe2, setpgid};

/// The end of a child process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It returned this code.
    Exited(i32),
    /// A signal ended it; an oops in the kernel ends a process with SIGKILL too.
    Signalled(&'static str),
    /// The deadline passed; it was killed and is gone.
    TimedOut,
    /// The deadline passed and SIGKILL does not reach it: it hangs in the kernel, where this stack says (root only).
    Stuck {
        /// `/proc/PID/stack`.
        stack: String,
    },
    /// It is gone, and the kernel has no status of it: an oops at its exit makes it dead at once (`make_task_dead` of
    /// kernel/exit.c).
    Vanished,
}

/// A running child process, with a pipe from it.
pub struct Child {
    pid: Pid,
    pidfd: OwnedFd,
    output: File,
}

/// The time that a killed process may take to die before it counts as stuck in the kernel.
const GRACE: Duration = Duration::from_secs(3);

/// The time for which a moved deadline may go unnoticed.
const ASKED_EVERY: Duration = Duration::from_millis(250);

/// Forks. The child leads a process group of its own, dies with its parent, runs `work` with the writing end of the
/// pipe and exits with what it returns, or 101 when it panics.
///
/// Other threads may live: the one that feeds the watchdog, those of a test's harness. They do not live in the child, and what
/// they held locked at the fork stays locked there. The C library's own locks, malloc's too, are made good by its fork(3)
/// (glibc; musl from 1.2.2 on). For locks of Rust's, such as stdout's, the caller answers: `work` takes none that another thread of this
/// process may hold. A child that waits for one hangs, and its deadline ends it; no memory is touched wrongly.
///
/// # Errors
/// EAGAIN, ENOMEM, EMFILE; ENOSYS on a kernel without pidfds (before 5.3).
pub fn spawn(work: impl FnOnce(OwnedFd) -> i32) -> Result<Child, Errno> {
    let (output, input) = pipe2(OFlag::O_CLOEXEC)?;
    let parent = nix::unistd::getpid();
    // SAFETY: the child has this thread only, with its own copy of all memory; fork(3) leaves the C library fit for use in
    // it, and a lock of Rust's that a missing thread holds is waited for, never broken. It leaves through `_exit`, so that
    // nothing of the parent's is run twice.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop(output);
            let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
            let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
            if nix::unistd::getppid() != parent {
                leave(PANICKED);
            }
            let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(input))).unwrap_or(PANICKED);
            leave(code)
        }
        ForkResult::Parent { child: pid } => {
            // Done on both sides, so that neither has to wait for the other.
            let _ = setpgid(pid, pid);
            Ok(Child { pid, pidfd: pidfd_open(pid)?, output: File::from(output) })
        }
    }
}

/// Returns the lowest descriptor that is free: one that is left open in the meantime changes it.
pub fn lowest_free() -> Option<i32> {
    let free = nix::fcntl::open("/", OFlag::O_PATH | OFlag::O_CLOEXEC, nix::sys::stat::Mode::empty());
    free.ok().map(|free| free.as_raw_fd())
}

/// The exit code of a process that has panicked, as Rust has it.
pub const PANICKED: i32 = 101;

/// Ends this process at once: nothing of it is run any more, and nothing that it would have written is.
pub fn leave(code: i32) -> ! {
    // SAFETY: ends this process; no memory is touched.
    unsafe { nix::libc::_exit(code) }
}

fn pidfd_open(pid: Pid) -> Result<OwnedFd, Errno> {
    // SAFETY: takes two integers and returns a new descriptor or -1.
    let fd = Errno::result(unsafe { nix::libc::syscall(nix::libc::SYS_pidfd_open, pid.as_raw(), 0) })?;
    // SAFETY: the descriptor is new and no one else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

impl Child {
    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Kills it. A child that has ended already is not harmed.
    pub fn kill(&self) {
        let _ = kill(self.pid, Signal::SIGKILL);
    }

    /// Hands over what the child writes as it comes, until it ends or the deadline passes; then it is killed with its
    /// process group.
    ///
    /// # Errors
    /// What poll and read return; none is expected.
    pub fn supervise(self, deadline: Duration, written: impl FnMut(&[u8])) -> Result<Ending, Errno> {
        let end = Instant::now() + deadline;
        self.supervise_until(|| end, written)
    }

    /// As [`Child::supervise`], with a deadline that may move while the child runs: `end` is asked for it from time to time.
    ///
    /// # Errors
    /// As [`Child::supervise`].
    pub fn supervise_until(self, end: impl Fn() -> Instant, mut written: impl FnMut(&[u8])) -> Result<Ending, Errno> {
        let mut watched = self.watched()?;
        loop {
            if let Some(ending) = watched.look(end(), &mut written)? {
                return Ok(ending);
            }
            wait(&[&watched], watched.due(end()).min(Instant::now() + ASKED_EVERY))?;
        }
    }

    /// Returns the child to be supervised together with others: [`wait`] until one of them has something, and [`Watched::look`] at each.
    ///
    /// # Errors
    /// What fcntl returns; none is expected.
    pub fn watched(self) -> Result<Watched, Errno> {
        nix::fcntl::fcntl(&self.output, nix::fcntl::FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Watched { child: self, given_up: None })
    }

    fn ended(&self) -> Result<bool, Errno> {
        let mut watched = [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)];
        match nix::poll::poll(&mut watched, PollTimeout::ZERO) {
            Ok(_) | Err(Errno::EINTR) => Ok(watched[0].any().unwrap_or(false)),
            Err(errno) => Err(errno),
        }
    }

    fn closed(&self) -> bool {
        let mut watched = [PollFd::new(self.output.as_fd(), PollFlags::POLLIN)];
        let ready = nix::poll::poll(&mut watched, PollTimeout::ZERO);
        let events = watched[0].revents().unwrap_or(PollFlags::empty());
        ready.is_ok() && events.contains(PollFlags::POLLHUP) && !events.contains(PollFlags::POLLIN)
    }

    fn drain(&mut self, written: &mut impl FnMut(&[u8])) -> Result<(), Errno> {
        let mut chunk = [0u8; 16384];
        loop {
            match self.output.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(count) => written(&chunk[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(crate::errno_of(&error)),
            }
        }
    }

    fn reap(&self, instead: Option<Ending>) -> Result<Ending, Errno> {
        let status = match waitpid(self.pid, Some(WaitPidFlag::empty())) {
            Err(Errno::ECHILD) => return Ok(instead.unwrap_or(Ending::Vanished)),
            status => status?,
        };
        Ok(instead.unwrap_or(match status {
            WaitStatus::Exited(_, code) => Ending::Exited(code),
            WaitStatus::Signaled(_, signal, _) => Ending::Signalled(signal.as_str()),
            _ => Ending::Signalled("unknown"),
        }))
    }
}

/// A child that is supervised together with others.
pub struct Watched {
    child: Child,
    /// When a child that was killed counts as stuck.
    given_up: Option<Instant>,
}

impl Watched {
    /// Hands over what the child has written, kills it with its process group after its deadline, and returns how it ended once
    /// it has.
    ///
    /// # Errors
    /// What poll and read return; none is expected.
    pub fn look(&mut self, end: Instant, mut written: impl FnMut(&[u8])) -> Result<Option<Ending>, Errno> {
        // Asked before what it wrote is taken: then that is all of it.
        let ended = self.child.ended()?;
        self.child.drain(&mut written)?;
        let (pid, now) = (self.child.pid, Instant::now());
        match self.given_up {
            Some(_) if ended => self.child.reap(Some(Ending::TimedOut)).map(Some),
            None if ended => {
                let ending = self.child.reap(None)?;
                let _ = killpg(pid, Signal::SIGKILL);
                Ok(Some(ending))
            }
            Some(stuck) if now >= stuck => {
                let stack = std::fs::read_to_string(format!("/proc/{pid}/stack")).unwrap_or_default();
                Ok(Some(Ending::Stuck { stack }))
            }
            None if now >= end => {
                let _ = killpg(pid, Signal::SIGKILL);
                let _ = kill(pid, Signal::SIGKILL);
                self.given_up = Some(now + GRACE);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// When it is to be looked at though it says nothing, if its end is this.
    pub fn due(&self, end: Instant) -> Instant {
        self.given_up.unwrap_or(end)
    }
}

/// Waits until one of several children has ended or written something, or the instant has come.
///
/// # Errors
/// What poll returns; none is expected.
pub fn wait(watched: &[&Watched], until: Instant) -> Result<(), Errno> {
    let left = until.saturating_duration_since(Instant::now());
    let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
    fn ready(file: BorrowedFd<'_>) -> PollFd<'_> {
        PollFd::new(file, PollFlags::POLLIN)
    }
    // When a child has closed its end but lives on, the pipe would be ready forever.
    let speaking = watched.iter().filter(|watched| !watched.child.closed());
    let mut files: Vec<PollFd<'_>> = speaking.map(|watched| ready(watched.child.output.as_fd())).collect();
    files.extend(watched.iter().map(|watched| ready(watched.child.pidfd.as_fd())));
    match nix::poll::poll(&mut files, timeout) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Lets a write to a closed pipe end the process, as it does in programs not written in Rust.
pub fn die_of_closed_pipes() {
    // SAFETY: restores the default action of a signal; no handler is installed.
    let _ = unsafe { nix::sys::signal::signal(Signal::SIGPIPE, nix::sys::signal::SigHandler::SigDfl) };
}

/// Lets a write to a closed pipe fail with EPIPE.
pub fn live_with_closed_pipes() {
    // SAFETY: ignores a signal; no handler is installed.
    let _ = unsafe { nix::sys::signal::signal(Signal::SIGPIPE, nix::sys::signal::SigHandler::SigIgn) };
}

/// Gives up the rights of root, and those of all groups, for those of the user `nobody` (65534).
///
/// # Errors
/// EPERM without root.
pub fn become_nobody() -> Result<(), Errno> {
    const NOBODY: u32 = 65534;
    nix::unistd::setgroups(&[])?;
    nix::unistd::setgid(NOBODY.into())?;
    nix::unistd::setuid(NOBODY.into())
}

/// Lets go of the pipes that are this process's standard output and error, and of every other descriptor of the same pipes: who
/// reads them waits for their end, and a process that hangs in the kernel would keep it away. Files and terminals stay.
/// The descriptors do, too, and lead nowhere.
pub fn leave_pipes() {
    let pipe = |file: BorrowedFd<'_>| {
        let about = nix::sys::stat::fstat(file).ok()?;
        let is_one = matches!(about.st_mode & nix::libc::S_IFMT, nix::libc::S_IFIFO | nix::libc::S_IFSOCK);
        is_one.then_some((about.st_dev, about.st_ino))
    };
    let left = [pipe(std::io::stdout().as_fd()), pipe(std::io::stderr().as_fd())];
    let nowhere = nix::fcntl::open("/dev/null", OFlag::O_WRONLY | OFlag::O_CLOEXEC, nix::sys::stat::Mode::empty());
    let Ok(nowhere) = nowhere else { return };
    // Without procfs only the two themselves are known.
    let listed = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let others: Vec<i32> = listed.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for fd in others.into_iter().filter(|fd| *fd > 2) {
        // SAFETY: the number was open just now, this process has no other thread, and only the list's own is closed since.
        let file = unsafe { BorrowedFd::borrow_raw(fd) };
        if pipe(file).is_some_and(|found| left.contains(&Some(found))) {
            // SAFETY: the number stays open, and whoever owns it closes what it leads to then.
            unsafe { nix::libc::dup3(nowhere.as_raw_fd(), fd, nix::libc::O_CLOEXEC) };
        }
    }
    if left[0].is_some() {
        let _ = nix::unistd::dup2_stdout(&nowhere);
    }
    if left[1].is_some() {
        let _ = nix::unistd::dup2_stderr(&nowhere);
    }
}

/// Offers this process to the OOM killer before all others (`Documentation/filesystems/proc.rst`, oom_score_adj).
/// Everyone may; where procfs is missing, the kernel chooses as it does.
pub fn die_first() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// Keeps this process away from the OOM killer (`Documentation/filesystems/proc.rst`, oom_score_adj); those that it forks
/// as well, until they say otherwise. Without root the kernel chooses as it does.
pub fn die_last() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "-1000");
}

/// The most memory that this process had at a time, in KiB: `VmHWM` of /proc/self/status. Nothing without procfs.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Does nothing until a signal ends this process.
pub fn wait_to_be_killed() -> ! {
    loop {
        nix::unistd::pause();
    }
}

/// Returns whether this process runs with the rights of root.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Returns the kernel as `uname -r` and `uname -m` report it.
///
/// # Errors
/// None in practice.
pub fn kernel() -> Result<(String, String), Errno> {
    let answer = nix::sys::utsname::uname()?;
    let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    Ok((text(answer.release()), text(answer.machine())))
}

/// Returns the number of a descriptor, for messages.
pub fn number(file: impl AsRawFd) -> i32 {
    file.as_raw_fd()
}
