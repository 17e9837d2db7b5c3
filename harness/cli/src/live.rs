//! Results on the console of a farm's board during the run. A kernel writes to the same console whenever it likes:
//! each line is one `write(2)`, and begins on a line of its own.

use std::fs::File;
use std::io::Write;

use event::{CellEnd, EndpointFound, Run, Trouble};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::termios::tcdrain;
use report::{ktap, words};
use runner::run::session::Progress;

/// Which lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct Forms {
    /// Signals of LAVA: `<LAVA_SIGNAL_TESTCASE …>`.
    pub lava: bool,
    /// KTAP, version 1.
    pub ktap: bool,
    /// The journal, which is written there by itself.
    pub journal: bool,
}

/// Writes lines during a run, and passes events on.
pub struct Live<P, W = File> {
    forms: Forms,
    board: Option<String>,
    out: W,
    /// Waits until what was written is on the line.
    drain: fn(&mut W),
    /// The next listener.
    pub next: P,
}

impl<P: Progress> Live<P> {
    /// To a console.
    pub fn new(forms: Forms, console: File, next: P) -> Self {
        Self { forms, board: None, out: console, drain, next }
    }
}

/// Waits until what was written is on the line.
fn drain(console: &mut File) {
    // A job in the background is stopped for it otherwise.
    let before = SigSet::from_iter([Signal::SIGTTOU]).thread_swap_mask(SigmaskHow::SIG_BLOCK);
    // What is no terminal has nothing to wait for: ENOTTY.
    let _ = tcdrain(console);
    let _ = before.and_then(|before| before.thread_set_mask());
}

impl<P, W: Write> Live<P, W> {
    fn say(&mut self, lines: &str) {
        // Ignore write errors: the journal has the same data.
        let _ = self.out.write_all(format!("\n{lines}").as_bytes());
    }
}

impl<P: Progress, W: Write> Progress for Live<P, W> {
    fn planned(&mut self, run: &Run, endpoints: &[EndpointFound]) {
        self.next.planned(run, endpoints);
        self.board = run.emulated().map(str::to_owned);
        if self.forms.ktap {
            self.say(&ktap::plan(run.cells));
        }
    }

    fn begins(&mut self, id: &str) {
        self.next.begins(id);
        if self.forms.lava || self.forms.ktap {
            self.say(&format!("# prime-cts begins {id}\n"));
        }
        let Forms { lava, ktap, journal } = self.forms;
        if lava || ktap || journal {
            // A serial line is slow, and a kernel that goes down takes what is left for it along: the cell before would have no
            // end, and would be taken for the guilty one.
            (self.drain)(&mut self.out);
        }
    }

    fn trouble(&mut self, trouble: &Trouble) {
        self.next.trouble(trouble);
    }

    fn cell(&mut self, number: usize, cell: &CellEnd) {
        self.next.cell(number, cell);
        if self.forms.ktap {
            self.say(&ktap::lines(number, cell, self.board.as_deref()));
        }
        if self.forms.lava {
            self.say(&signal(cell));
        }
    }
}

/// A test case for LAVA. It has four words: what the verdict and the outcome were stands on the line before.
fn signal(cell: &CellEnd) -> String {
    let result = words::of(cell.verdict, cell.outcome).lava;
    format!(
        "# prime-cts {} {} {}\n<LAVA_SIGNAL_TESTCASE TEST_CASE_ID={} RESULT={result} MEASUREMENT={} UNITS=ms>\n",
        cell.verdict, cell.outcome, cell.id, cell.id, cell.ms
    )
}

#[cfg(test)]
mod tests {
    use spec::verdict::{Outcome, Verdict};

    use super::*;

    /// What each write(2) was given.
    #[derive(Default)]
    struct Writes(Vec<String>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.push(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    struct Nobody;

    impl Progress for Nobody {
        fn planned(&mut self, _: &Run, _: &[EndpointFound]) {}
        fn cell(&mut self, _: usize, _: &CellEnd) {}
    }

    fn cell(verdict: Verdict, outcome: Outcome) -> CellEnd {
        serde_json::from_value(serde_json::json!({
            "id": "leaks.import.drm-a.v4l2-b-cap0", "case": "leaks.import", "rule": "r", "reference": "f",
            "exporter": "drm-a", "importer": "v4l2-b-cap0", "second_importer": null, "verdict": verdict.word(),
            "outcome": outcome.word(), "reason": null, "ms": 7, "findings": [], "map_dma_buf": [], "device_access": []
        }))
        .unwrap()
    }

    fn said(forms: Forms) -> Vec<String> {
        let drain: fn(&mut Writes) = |out| out.0.push("drained".into());
        let mut live = Live { forms, board: None, out: Writes::default(), drain, next: Nobody };
        live.begins("leaks.import.drm-a.v4l2-b-cap0");
        live.cell(1, &cell(Verdict::Blocked, Outcome::Expected));
        live.cell(2, &cell(Verdict::Fail, Outcome::Regression));
        live.out.0
    }

    #[test]
    fn each_signal_is_one_write_on_a_line_of_its_own() {
        let said = said(Forms { lava: true, ..Forms::default() });
        assert_eq!(said.len(), 4);
        assert_eq!(said[0], "\n# prime-cts begins leaks.import.drm-a.v4l2-b-cap0\n");
        let signal =
            "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=leaks.import.drm-a.v4l2-b-cap0 RESULT=skip MEASUREMENT=7 UNITS=ms>\n";
        assert_eq!(said[1], "drained", "before the cell really begins");
        assert!(said[2].ends_with(&format!("\n{signal}")), "{said:?}");
        assert!(said[2].starts_with("\n# prime-cts blocked expected leaks.import."), "{said:?}");
        assert!(said[3].contains("RESULT=fail"), "{said:?}");
    }

    #[test]
    fn ktap_has_a_line_for_each_cell_and_nothing_is_said_that_was_not_asked_for() {
        let said_in_ktap = said(Forms { ktap: true, ..Forms::default() });
        assert!(
            said_in_ktap[2].starts_with("\nok 1 leaks.import.drm-a.v4l2-b-cap0 # SKIP blocked"),
            "{said_in_ktap:?}"
        );
        assert!(said_in_ktap[3].starts_with("\nnot ok 2 leaks.import.drm-a.v4l2-b-cap0\n"), "{said_in_ktap:?}");
        assert_eq!(said(Forms::default()), Vec::<String>::new());
        assert_eq!(said(Forms { journal: true, ..Forms::default() }), ["drained"]);
    }
}
