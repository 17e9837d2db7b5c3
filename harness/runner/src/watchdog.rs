//! Feeds a watchdog as long as the run gets on: a kernel that hangs is started again by the hardware, not by a person.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use uapi::watchdog::Watchdog;

/// The seconds without food after which the machine is started again, where the hardware can count them.
const SECONDS: u32 = 20;
/// The number of times that it is fed in that time.
const TIMES: u32 = 4;
/// The time that a cell may take in addition to its deadline: to give up a process that hangs, and for the oracles after it.
const BESIDE: Duration = Duration::from_secs(60);

/// A watchdog that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the watchdog {path}: {source}; {remedy}")]
pub struct WatchdogError {
    path: PathBuf,
    source: std::io::Error,
    remedy: &'static str,
}

/// A thread that feeds it. Dropped, the watchdog stops.
#[derive(Debug)]
pub struct Feeder {
    until: Option<Sender<Instant>>,
    thread: Option<JoinHandle<()>>,
}

impl Feeder {
    /// Starts the watchdog.
    ///
    /// # Errors
    /// When there is none, or another program feeds it.
    pub fn start(path: &Path) -> Result<Self, WatchdogError> {
        let fail = |source: std::io::Error| {
            let remedy = match uapi::kernel_errno(&source) {
                Some(uapi::Errno::EBUSY) => {
                    "another program feeds it: stop that one (of systemd: RuntimeWatchdogSec=0)"
                }
                _ => "load the driver of the board's watchdog, or leave --watchdog out",
            };
            WatchdogError { path: path.to_owned(), source, remedy }
        };
        let watchdog = Watchdog::open(path).map_err(fail)?;
        let seconds = watchdog.set_timeout(SECONDS).unwrap_or(SECONDS);
        watchdog.feed().map_err(|errno| fail(errno.into()))?;
        let (until, news) = mpsc::channel();
        let pause = Duration::from_secs(u64::from(seconds)) / TIMES;
        let thread = std::thread::spawn(move || {
            let mut end = Instant::now() + BESIDE;
            loop {
                match news.recv_timeout(pause) {
                    Ok(later) => end = later,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                // Who is not fed any more bites, and that is what it is for.
                if Instant::now() < end {
                    let _ = watchdog.feed();
                }
            }
        });
        Ok(Self { until: Some(until), thread: Some(thread) })
    }

    /// Notes that something has been done, and that the next may take this long.
    pub fn allow(&self, deadline: Duration) {
        if let Some(until) = &self.until {
            // The thread ends after this, never before.
            let _ = until.send(Instant::now() + deadline + BESIDE);
        }
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        drop(self.until.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
