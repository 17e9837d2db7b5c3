//! What `ci/board run --bisect` says to `git bisect run`, and `ci/board bisect` of Debian's kernels.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::host::{Copy, Said, alone, board, root};

const PLANTED: &str = "shmem-fault-page";

fn judged(words: &[&str], cell: &str) -> Said {
    let said = Said::by(&mut board(&root(), &[&["run", "debian-amd64", "--bisect"], words, &["--", cell]].concat()));
    println!("{}{}", said.out, said.err);
    said
}

#[track_caller]
fn says(said: &Said, code: i32, line: &str) {
    assert_eq!(said.code, Some(code), "{}{}", said.out, said.err);
    assert!(said.out.lines().any(|found| found.starts_with(line)), "no {line:?} in:\n{}", said.out);
}

#[test]
fn a_kernel_is_judged_for_git_bisect() {
    let _board = alone("debian-amd64");
    let cell = "mapping.whole.drm-vgem";
    says(&judged(&[], cell), 0, "bisect: good: mapping.whole.drm-vgem passes");
    says(&judged(&["--change", PLANTED], cell), 1, "bisect: bad: mapping.whole.drm-vgem fail: ");
    says(&judged(&[], "mapping.whole.drm-nowhere"), 125, "bisect: cannot tell: ");
    // A fault that is known came in somewhere, too.
    says(&judged(&[], "mapping.at-offset.drm-vgem"), 1, "bisect: bad: mapping.at-offset.drm-vgem fail: ");
}

/// Commits that stand for kernels: from the fourth of six on, one has the fault.
#[test]
fn git_finds_the_commit_that_brought_a_fault() {
    let _board = alone("debian-amd64");
    let folder = tempfile::tempdir().unwrap();
    let git = |words: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(folder.path()).args(["-c", "user.name=n", "-c", "user.email=e@example.org"]).args(words);
        let said = Said::by(&mut git);
        assert_eq!(said.code, Some(0), "git {words:?}: {said:?}");
        said.out
    };
    git(&["init", "--quiet"]);
    for commit in 1..=6 {
        let words = if commit >= 4 { format!("--change {PLANTED}") } else { String::new() };
        fs::write(folder.path().join("words"), format!("{words}\n{commit}\n")).unwrap();
        git(&["add", "words"]);
        git(&["commit", "--quiet", "-m", &format!("kernel {commit}")]);
    }
    let step = folder.path().join("step");
    let program = env!("CARGO_BIN_EXE_board");
    let run = format!(
        "#!/bin/sh\nPRIME_CTS_ROOT={} exec {program} run debian-amd64 $(head -n1 words) --bisect -- mapping.whole.drm-vgem\n",
        root().display()
    );
    fs::write(&step, run).unwrap();
    fs::set_permissions(&step, fs::Permissions::from_mode(0o755)).unwrap();
    git(&["bisect", "start", "HEAD", "HEAD~5"]);
    let said = git(&["bisect", "run", "./step"]);
    println!("{said}");
    assert!(said.contains("is the first bad commit") && said.contains("kernel 4"), "{said}");
}

#[test]
fn a_kernel_that_goes_down_in_a_cell_is_bad_and_one_that_does_not_boot_cannot_tell() {
    let name = "debian-amd64-kmod";
    let words = ["--bisect", "--", "leaks.import.heap-system.drm-prime_drm_shmem"];
    let wreck = |text: &str| text.replace("memory=coherent,shmem\"", "memory=coherent,shmem wreck=panic after=0\"");
    says(&Said::by(&mut Copy::of(name, wreck).run(name, &words)), 1, "bisect: bad: leaks.import.");
    let append = "    console: ttyS0\n    append: rdinit=/nowhere\n";
    let copy = Copy::of("debian-amd64-7.3", |text| text.replace("    console: ttyS0\n", append));
    let said = Said::by(&mut copy.run("debian-amd64-7.3", &["--bisect", "--", "fd.size.drm-vgem"]));
    says(&said, 125, "bisect: cannot tell: the board died: Kernel panic - not syncing: VFS");
}

#[test]
fn what_is_no_kernels_fault_stops_a_bisection() {
    let launcher = |words: &[&str]| Said::from(Command::new(root().join("ci/board")).args(words).output().unwrap());
    launcher(&["run", "nowhere", "--bisect", "--", "fd."]).fails(128, &["there is no board 'nowhere'"]);
    let no_kernel = ["run", "debian-amd64", "--bisect", "--kernel", "no/vmlinuz", "--", "fd."];
    launcher(&no_kernel).fails(128, &["no/vmlinuz"]);
    for words in [
        &["run", "debian-amd64", "--bisect"][..],
        &["run", "--bisect", "--nonsense"],
        &["run", "all", "--bisect", "--", "fd."],
    ] {
        assert_eq!(launcher(words).code, Some(128), "{words:?}");
    }
    // `cargo` is not there to build it.
    let mut command = Command::new(root().join("ci/board"));
    let said = Said::by(command.env("CARGO", PathBuf::from("/nowhere/cargo")).env("HOME", "/nowhere").args(no_kernel));
    assert_eq!(said.code, Some(128), "{said:?}");
}

#[test]
fn debian_s_kernels_are_searched() {
    let _board = alone("debian-amd64-7.3");
    let said =
        Said::by(&mut board(&root(), &["bisect", "debian-amd64-7.3", "--boards", "mapping.at-offset.drm-bochs-drm"]));
    println!("{}{}", said.out, said.err);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let line = said.out.lines().last().unwrap_or_default();
    assert!(
        line.starts_with("the first that has it is 7.3.4") && line.contains("; 6.12.") && line.ends_with(" is good"),
        "{line}"
    );
}
