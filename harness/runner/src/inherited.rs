//! What a program that is executed has inherited: this program is executed again and asked.

use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

/// The variable that asks: a descriptor's number and its inode.
const QUESTION: &str = "PRIME_CTS_INHERITED";

/// The exit codes: the file is open, or it is not.
const ANSWERS: [i32; 2] = [71, 70];

/// Answers the question, if it is asked, and ends. The first thing that a program of the suite does.
pub fn answer() {
    let Ok(question) = std::env::var(QUESTION) else { return };
    let open = question.split_once(':').is_some_and(|(number, inode)| {
        std::fs::metadata(format!("/proc/self/fd/{number}")).is_ok_and(|file| file.ino().to_string() == inode)
    });
    std::process::exit(if open { ANSWERS[0] } else { ANSWERS[1] })
}

/// Executes this program again and asks whether it has a descriptor open that is this file.
///
/// # Errors
/// Those of fork and exec; a program that does not answer.
pub fn ask(number: i32, inode: u64) -> std::io::Result<bool> {
    let mut command = Command::new("/proc/self/exe");
    command.env(QUESTION, format!("{number}:{inode}")).stdin(Stdio::null()).stdout(Stdio::null());
    match command.status()?.code() {
        Some(code) if code == ANSWERS[0] => Ok(true),
        Some(code) if code == ANSWERS[1] => Ok(false),
        other => Err(std::io::Error::other(format!("it ended with {other:?} in place of an answer"))),
    }
}
