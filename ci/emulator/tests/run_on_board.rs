//! `ci/run-on-board` with an `ssh` that stays on this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn runner() -> Command {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(root.join("ci/run-on-board"));
    command.env_remove("PRIME_CTS_BOARD").env_remove("PRIME_CTS_SSH");
    command
}

fn run(program: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    // The last argument is the command for the board's shell; the others are written down.
    script(
        &folder.path().join("ssh"),
        "#!/bin/sh\nprintf '%s ' \"$@\" >\"$0.words\"\nfor last; do :; done\nexec sh -c \"$last\"\n",
    );
    let path = folder.path().join("a program");
    script(&path, program);
    let search = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut command = runner();
    command.arg(&path).args(arguments).env("PATH", search).env("PRIME_CTS_BOARD", "root@board");
    command.env("PRIME_CTS_SSH", "-p 22").env("PRIME_CTS_X", "it's $HOME").env("NEXTEST", "1").env("OTHER", "no");
    let output = command.output().unwrap();
    let words = fs::read_to_string(folder.path().join("ssh.words")).unwrap();
    assert!(words.starts_with("-o BatchMode=yes -p 22 root@board "), "{words}");
    output
}

#[test]
fn arguments_variables_and_the_exit_code_pass() {
    let output = run(
        "#!/bin/sh\necho \"$PRIME_CTS_X $NEXTEST\"; printf '<%s>' \"$@\"; exit 37\n",
        &["a b", "it's", "$HOME", ""],
    );
    assert_eq!(output.status.code(), Some(37));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "it's $HOME 1\n<a b><it's><$HOME><>");
}

#[test]
fn nothing_is_left_on_the_board() {
    let output = run("#!/bin/sh\ntouch left\npwd\n", &[]);
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(folder.starts_with("/tmp/prime-cts."), "{folder}");
    assert!(!Path::new(&folder).exists());
}

#[test]
fn without_a_board_or_a_program_it_says_so() {
    let output = runner().arg("x").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("PRIME_CTS_BOARD is not set"));
    let output = runner().arg("/no/such").env("PRIME_CTS_BOARD", "b").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no program /no/such"));
}
