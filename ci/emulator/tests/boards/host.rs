//! `ci/board` as a user starts it, and a repository of its own for boards that the real one has not.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use tempfile::TempDir;

use crate::recorded::Recorded;

/// The repository.
pub fn root() -> PathBuf {
    fs::canonicalize(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

/// `ci/board` in a repository.
pub fn board(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_board"));
    command.env("PRIME_CTS_ROOT", root).current_dir(root).args(words).stdin(Stdio::null());
    command
}

/// What a program said, and its exit code.
#[derive(Debug)]
pub struct Said {
    /// The exit code, if it was no signal.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Said {
    /// Runs a command to its end.
    pub fn by(command: &mut Command) -> Self {
        command.output().unwrap().into()
    }

    /// Holds the exit code and parts of the standard error against what is expected.
    #[track_caller]
    pub fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in:\n{}", self.err);
        }
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// A board of the repository for one test alone, which has its results to itself meanwhile.
pub fn alone(name: &str) -> MutexGuard<'static, ()> {
    static BOARDS: Mutex<BTreeMap<String, &'static Mutex<()>>> = Mutex::new(BTreeMap::new());
    let mut boards = BOARDS.lock().unwrap();
    let board = *boards.entry(name.to_owned()).or_insert_with(|| Box::leak(Box::default()));
    drop(boards);
    // A test that failed leaves nothing that the next one does not make again.
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a board of the repository whole, and passes on what it says.
pub fn run(name: &str) -> Said {
    run_with(name, &[])
}

/// Runs a board of the repository whole, which must be as its board file expects.
#[track_caller]
pub fn run_as_expected(name: &str) -> Recorded {
    as_expected(name, &run(name))
}

/// The journal of a run that was as the board file expects. What was not is in the message: of a long log, CI keeps the end.
#[track_caller]
pub fn as_expected(name: &str, said: &Said) -> Recorded {
    let unexpected = match said.code {
        Some(0) => return Recorded::of(name),
        Some(1) => Recorded::of(name).unexpected(),
        _ => said.err.clone(),
    };
    panic!("{name}: exit code {:?}\n{unexpected}\n{}", said.code, last_lines(&said.out))
}

/// The totals of a run, and what is missing.
fn last_lines(out: &str) -> String {
    let lines: Vec<&str> = out.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

/// A run with arguments for prime-cts.
pub fn run_with(name: &str, words: &[&str]) -> Said {
    let said = Said::by(&mut board(&root(), &[&["run", name, "--"], words].concat()));
    println!("{}{}", said.out, said.err);
    said
}

/// What a shell on a board of the repository says to a script.
pub fn shell(name: &str, script: &str) -> Said {
    let results = root().join("target/boards").join(name);
    said_by_shell(&mut board(&root(), &["shell", name]), &results, script, PATIENCE)
}

/// A board on which nothing gets on any more is not waited for longer. The longest script of a test takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(900);

fn said_by_shell(command: &mut Command, results: &Path, script: &str, patience: Duration) -> Said {
    fs::create_dir_all(results).unwrap();
    fs::write(results.join("script"), script).unwrap();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().unwrap();
    let group = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let (ended, end) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        let hangs = end.recv_timeout(patience) == Err(RecvTimeoutError::Timeout);
        // The emulator with it.
        hangs.then(|| killpg(group, Signal::SIGKILL).unwrap());
        hangs
    });
    let (mut said, mut block) = (Vec::new(), [0; 4096]);
    // What is typed before the prompt is there is lost.
    while !String::from_utf8_lossy(&said).contains("/tmp # ") {
        let count = child.stdout.as_mut().unwrap().read(&mut block).unwrap();
        if count == 0 {
            let mut why = String::new();
            let _ = child.stderr.as_mut().unwrap().read_to_string(&mut why);
            panic!("no prompt: {}{why}", String::from_utf8_lossy(&said));
        }
        said.extend_from_slice(&block[..count]);
    }
    child.stdin.as_mut().unwrap().write_all(b"NO_COLOR=1 sh /results/script; exit\n").unwrap();
    let said: Said = child.wait_with_output().unwrap().into();
    drop(ended);
    assert!(!watch.join().unwrap(), "the board hangs: {}", said.out);
    said
}

/// As ci/board builds a static program.
const FLAGS: &str = "-C target-feature=+crt-static -C relocation-model=static";

/// A static program of the workspace, as a cross build for a board makes it: the one of this name that `words` make
/// cargo build.
pub fn built(words: &[&str], name: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).env("RUSTFLAGS", FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.args(words).args(["--release", "--message-format", "json"]);
    cargo.args(["--target", "x86_64-unknown-linux-gnu", "--target-dir", "target/static"]);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let mut made = messages.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let program = made.find(|made| made["target"]["name"] == name && made["executable"].is_string()).unwrap();
    PathBuf::from(program["executable"].as_str().unwrap())
}

/// A repository with one board, made of a board of the real one, whose program is the real one's too.
pub struct Copy {
    folder: TempDir,
    program: PathBuf,
}

impl Copy {
    /// A board, its file changed by `change`.
    pub fn of(name: &str, change: impl Fn(&str) -> String) -> Self {
        let real = root();
        let program = real.join("target/static/x86_64-unknown-linux-gnu/release/prime-cts");
        // One that is there may be of another day.
        static BUILT: Once = Once::new();
        BUILT.call_once(|| {
            let built = Said::by(&mut board(&real, &["program", "x86_64"]));
            assert_eq!(built.code, Some(0), "{built:?}");
        });
        let folder = TempDir::new().unwrap();
        let boards = folder.path().join("fixtures/boards");
        fs::create_dir_all(&boards).unwrap();
        let file = format!("{name}.yaml");
        let text = fs::read_to_string(real.join("fixtures/boards").join(&file)).unwrap();
        fs::write(boards.join(file), change(&text)).unwrap();
        symlink(real.join("fixtures/kmod"), folder.path().join("fixtures/kmod")).unwrap();
        Self { folder, program }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The real program, which also runs on this machine.
    pub fn program(&self) -> Command {
        Command::new(&self.program)
    }

    /// `ci/board run` there.
    pub fn run(&self, name: &str, words: &[&str]) -> Command {
        let mut command = board(self.root(), &["run", name, "--binary"]);
        command.arg(&self.program).args(words);
        command
    }

    /// What a shell on the board there says to a script.
    pub fn shell(&self, name: &str, script: &str) -> Said {
        self.shell_within(name, script, PATIENCE)
    }

    /// The same for a script that takes its time.
    pub fn shell_within(&self, name: &str, script: &str, patience: Duration) -> Said {
        let mut command = board(self.root(), &["shell", name, "--binary"]);
        said_by_shell(command.arg(&self.program), &self.results(name), script, patience)
    }

    /// Where the results are.
    pub fn results(&self, name: &str) -> PathBuf {
        self.root().join("target/boards").join(name)
    }
}

/// The processes that a process has started.
pub fn children(of: &Child) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{0}/task/{0}/children", of.id())).unwrap_or_default();
    list.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}
