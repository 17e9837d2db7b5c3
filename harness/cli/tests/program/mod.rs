//! Running `prime-cts` in a folder of its own, on a mock, and looking at what it says.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder to run in, and a file in place of the kernel log.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.file("kernel-log", "");
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// The program with arguments separated by spaces, in this folder.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prime-cts"));
        command.current_dir(self.0.path()).args(arguments.split_whitespace());
        command
    }

    /// Runs it.
    pub fn run(&self, arguments: &str) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs `prime-cts run` on a mock; the results are in the folder `out`.
    pub fn mock(&self, fault: &str, arguments: &str) -> Said {
        self.run(&format!("run --mock {fault} --kernel-log kernel-log --output out {arguments}"))
    }
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    /// It ended with a code, and its errors hold every one of these texts; nothing panicked.
    #[track_caller]
    pub fn fails(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.err.starts_with("prime-cts: "), "{self:?}");
        for text in texts {
            assert!(self.err.contains(text), "'{text}' is not in {self:?}");
        }
        assert!(!self.err.contains("panicked"), "{self:?}");
    }
}
