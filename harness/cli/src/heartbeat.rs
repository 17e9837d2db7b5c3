//! A sign of life every few seconds, for whoever follows a run from outside: a machine that hangs gives none, whatever its
//! cells do meanwhile.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::options::ProgressForm;

/// The line. `ci/board` starts a board again that has given some and gives none for several times the pause.
const LINE: &[u8] = b"prime-cts: progress alive\n";

/// The pause between two.
const PAUSE: Duration = Duration::from_secs(5);

/// Gives the signs, until it is dropped.
#[derive(Debug)]
pub struct Heartbeat(Option<(Sender<()>, JoinHandle<()>)>);

impl Heartbeat {
    /// Starts, where progress is shown in lines.
    pub fn start(form: ProgressForm) -> Self {
        if form != ProgressForm::Lines {
            return Self(None);
        }
        // A descriptor of its own: the cells' processes are forked while this thread runs, and must not find Rust's standard
        // error locked by it.
        let Ok(output) = std::io::stderr().as_fd().try_clone_to_owned() else { return Self(None) };
        Self(Some(every(PAUSE, File::from(output))))
    }
}

/// Asks whoever follows for a restart: everything is written, and this process may hang when it ends.
pub fn ask_for_restart(form: ProgressForm) {
    if form == ProgressForm::Lines {
        eprintln!("prime-cts: progress restart");
    }
}

fn every(pause: Duration, mut output: impl Write + Send + 'static) -> (Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            // Who does not listen any more misses nothing.
            let _ = output.write_all(LINE);
        }
    });
    (stop, thread)
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    struct Lines(Sender<Vec<u8>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn signs_come_until_it_is_dropped() {
        let (line, lines) = channel();
        let beat = Heartbeat(Some(every(Duration::from_millis(1), Lines(line))));
        assert_eq!([lines.recv().unwrap(), lines.recv().unwrap()], [LINE, LINE]);
        drop(beat);
        // All that were given, and the end.
        assert!(lines.iter().all(|line| line == LINE));
    }

    #[test]
    fn without_lines_there_are_none() {
        assert!(Heartbeat::start(ProgressForm::None).0.is_none());
    }
}
