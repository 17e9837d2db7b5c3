//! What the user sees while a board is made and runs: one line that changes on a terminal, plain lines elsewhere.

use std::cell::RefCell;
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// The user's view, on standard error.
#[derive(Debug)]
pub struct Report {
    terminal: bool,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    shown: bool,
    last: Option<Instant>,
}

/// The interval of progress lines in a log.
const PAUSE: Duration = Duration::from_secs(10);

impl Report {
    /// Looks whether someone watches.
    pub fn new() -> Self {
        Self { terminal: stderr().is_terminal(), state: RefCell::new(State { shown: false, last: None }) }
    }

    /// The present step.
    pub fn step(&self, what: &str) {
        self.state.borrow_mut().last = None;
        self.show(what);
    }

    /// Cells done.
    pub fn progress(&self, at: u64, of: u64) {
        let seen = self.state.borrow().last.is_some_and(|last| last.elapsed() < PAUSE);
        if self.terminal || !seen || at >= of {
            self.state.borrow_mut().last = Some(Instant::now());
            self.show(&format!("cell {at}/{of}"));
        }
    }

    /// Something that must not be overlooked.
    pub fn warning(&self, what: &str) {
        self.clear();
        eprintln!("warning: {what}");
    }

    /// Takes away the line that changes.
    pub fn clear(&self) {
        if std::mem::take(&mut self.state.borrow_mut().shown) {
            eprint!("\r\u{1b}[K");
        }
    }

    fn show(&self, what: &str) {
        if self.terminal {
            self.clear();
            eprint!("{what}");
            // A progress line that cannot be shown harms no one.
            let _ = stderr().flush();
            self.state.borrow_mut().shown = true;
        } else {
            eprintln!("{what}");
        }
    }
}
