//! Progress during a run: the devices first, then one line.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use event::{CellEnd, EndpointFound, Run, Trouble};
use report::paint::Paint;
use report::{failure, summary};
use runner::run::session::Progress;

use crate::options::ProgressForm;

/// Writes to the standard error, and the devices and unwanted outcomes to the standard output.
pub struct RunProgress {
    form: ProgressForm,
    /// True if the devices and the unwanted outcomes are reported on the standard output.
    told: bool,
    total: usize,
    started: Instant,
    /// Cells that had ended before a restart.
    before: Option<usize>,
    said: Option<Instant>,
}

impl RunProgress {
    /// Chooses the form by where the standard error goes. Without `told` nothing is written to the standard output.
    pub fn new(form: ProgressForm, told: bool) -> Self {
        let form = form.on(std::io::stderr().is_terminal());
        Self { form, told, total: 0, started: Instant::now(), before: None, said: None }
    }

    /// Wipes the line that is written over.
    pub fn finish(&mut self) {
        if self.form == ProgressForm::Auto {
            eprint!("\r\x1b[K");
        }
    }

    fn left(&self, number: usize) -> u64 {
        let done = number - self.before.unwrap_or(0);
        let each = self.started.elapsed().as_secs_f64() / done as f64;
        (each * self.total.saturating_sub(number) as f64).ceil() as u64
    }
}

/// Terminals and serial lines take a line that often without falling behind.
const INTERVAL: Duration = Duration::from_millis(250);

impl Progress for RunProgress {
    fn planned(&mut self, run: &Run, endpoints: &[EndpointFound]) {
        self.total = run.cells;
        self.started = Instant::now();
        if !self.told {
            return;
        }
        println!("prime-cts {} on Linux {} {}", run.program, run.kernel, run.architecture);
        for oracle in &run.oracles {
            if let Some(missing) = &oracle.missing {
                println!("without the oracle {}: {missing}", oracle.oracle);
            }
        }
        print!("{}", summary::endpoints(endpoints));
        println!();
    }

    fn trouble(&mut self, trouble: &Trouble) {
        self.finish();
        if self.told {
            print!("{}", summary::trouble(trouble));
        }
    }

    fn cell(&mut self, number: usize, cell: &CellEnd) {
        self.before.get_or_insert(number - 1);
        let due = self.said.is_none_or(|said| said.elapsed() >= INTERVAL) || number == self.total;
        match self.form {
            ProgressForm::Auto if cell.outcome.unwanted() => {
                eprintln!("\r\x1b[K{}", failure::title(&cell.id, cell.verdict, cell.outcome, Paint::of_errors()));
            }
            ProgressForm::Auto if due => {
                let line = format!("[{number}/{}] {} s left  {}", self.total, self.left(number), cell.id);
                eprint!("\r\x1b[K{}", line.chars().take(79).collect::<String>());
                let _ = std::io::stderr().flush();
                self.said = Some(Instant::now());
            }
            ProgressForm::Lines if due => {
                eprintln!("prime-cts: progress {number} {}", self.total);
                self.said = Some(Instant::now());
            }
            _ => {}
        }
    }
}
