//! Other programs, with errors that say what they were to do.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::error::{Error, Result, tail};

/// Runs a program to its end and gives what it wrote to standard output.
///
/// # Errors
/// [`Error::Missing`] with the package to install, or [`Error::Command`] with the end of its output.
pub fn output(command: &mut Command, purpose: &str, package: &'static str) -> Result<Vec<u8>> {
    let output = command
        .stdin(Stdio::null())
        .env("LC_ALL", "C.UTF-8")
        .output()
        .map_err(|source| missing(command, purpose, package, source))?;
    if output.status.success() { Ok(output.stdout) } else { Err(failed(command, purpose, &output)) }
}

/// Runs a program whose own words on standard error are for the user.
///
/// # Errors
/// As [`output`], but without the program's output, which has been shown.
pub fn shown(command: &mut Command, purpose: &str, package: &'static str) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|source| missing(command, purpose, package, source))?;
    let seen = Output { status, stdout: Vec::new(), stderr: Vec::new() };
    if status.success() { Ok(()) } else { Err(failed(command, purpose, &seen)) }
}

/// The same program, which the kernel kills when the thread that starts it is gone, however that came (prctl(2),
/// PR_SET_PDEATHSIG): a machine that no one reads would use a processor forever.
pub fn dying_with_us(command: &Command) -> Command {
    let mut dying = Command::new("setpriv");
    dying.args(["--pdeathsig", "KILL"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => dying.env(name, value),
            None => dying.env_remove(name),
        };
    }
    dying
}

/// This program once more, for a repository, as it runs now: where its file is, another may have been built meanwhile. It
/// ends in order when the thread that starts it is gone.
pub fn again(root: &Path) -> Command {
    let mut again = Command::new("setpriv");
    again.args(["--pdeathsig", "TERM"]).arg(format!("/proc/{}/exe", std::process::id()));
    again.env("PRIME_CTS_ROOT", root).stdin(Stdio::null());
    again
}

/// The error for a program that does not start.
pub fn missing(command: &Command, purpose: &str, package: &'static str, source: std::io::Error) -> Error {
    Error::Missing { program: name(command), purpose: purpose.to_owned(), package, source }
}

fn failed(command: &Command, purpose: &str, output: &Output) -> Error {
    let text = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    Error::Command {
        program: name(command),
        purpose: purpose.to_owned(),
        status: output.status,
        output: tail(&text, 20),
    }
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_quoted() {
        let error =
            output(Command::new("sh").args(["-c", "echo no such thing >&2; exit 3"]), "try it", "dash").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("could not try it") && text.contains("no such thing") && text.contains('3'), "{text}");
    }

    #[test]
    fn a_program_that_dies_with_us_is_killed_when_its_starter_is_gone() {
        let mut sleeping = Command::new("sleep");
        sleeping.arg("600").env("NAME", "value");
        let start = move || {
            let child = dying_with_us(&sleeping).stdin(Stdio::null()).spawn().unwrap();
            let called = format!("/proc/{}/comm", child.id());
            // Before that the kernel has not been asked.
            while std::fs::read_to_string(&called).is_ok_and(|name| name != "sleep\n") {
                std::thread::yield_now();
            }
            child
        };
        let mut child = std::thread::spawn(start).join().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{status}");
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let error = output(&mut Command::new("no-such-program-here"), "try it", "some-package").unwrap_err();
        assert!(error.to_string().contains("apt-get install some-package"), "{error}");
    }
}
