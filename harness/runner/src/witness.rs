//! A command of the user's that looks at a device and at a frame while a cell works on them: another program's word for
//! what the suite says.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

static COMMAND: OnceLock<String> = OnceLock::new();

/// Sets the command of the shell, for all cells from now on.
pub fn set(command: &str) {
    // A run has one command, and a process one run.
    let _ = COMMAND.set(command.to_owned());
}

/// Returns whether there is a command; what it writes goes where the run's own output does.
pub fn is_set() -> bool {
    COMMAND.get().is_some()
}

/// The frames that a witness sees.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The cell's id.
    pub cell: &'a str,
    /// The node of the device that works.
    pub node: &'a Path,
    /// The kind of the frames.
    pub frames: &'a str,
}

/// Lets the command look, if there is one. Its standard input is the frame.
pub fn ask(sight: Sight<'_>, frame: impl FnOnce() -> Vec<u8>) {
    let Some(command) = COMMAND.get() else { return };
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::piped());
    shell.env("PRIME_CTS_CELL", sight.cell).env("PRIME_CTS_NODE", sight.node).env("PRIME_CTS_FRAMES", sight.frames);
    match shell.spawn() {
        Ok(mut child) => {
            if let Some(mut input) = child.stdin.take() {
                // Who does not want the frame does not read it.
                uapi::process::live_with_closed_pipes();
                let _ = input.write_all(&frame());
            }
            let _ = child.wait();
        }
        Err(error) => eprintln!("warning: --witness: sh: {error}"),
    }
}
