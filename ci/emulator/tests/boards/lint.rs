//! `ci/board lint`: the kernel modules keep to the kernel's rules, and one that does not is found.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::host::{Said, board, root};

const BOARD: &str = "debian-amd64-kmod";

#[test]
fn the_modules_keep_to_the_kernel_s_rules() {
    // The oldest and the newest kernel have other headers, and the newest has more rules.
    for name in [BOARD, "debian-amd64-kmod-6.1", "debian-amd64-kmod-7.3"] {
        let said = Said::by(&mut board(&root(), &["lint", name]));
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains("nothing to say"), "{said:?}");
    }
}

#[test]
fn a_board_without_modules_of_ours_is_not_checked() {
    let said = Said::by(&mut board(&root(), &["lint", "debian-amd64"]));
    said.fails(2, &["does not build modules of this repository", "ci/board lint debian-amd64-kmod"]);
}

/// A repository with one board and the modules; in one file of theirs, `right` is replaced by `wrong`.
fn with_fault(file: &str, right: &str, wrong: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let boards = folder.path().join("fixtures/boards");
    fs::create_dir_all(&boards).unwrap();
    let name = format!("{BOARD}.yaml");
    fs::copy(root().join("fixtures/boards").join(&name), boards.join(&name)).unwrap();
    let modules = folder.path().join("fixtures/kmod");
    assert!(Command::new("cp").arg("-r").arg(root().join("fixtures/kmod")).arg(&modules).status().unwrap().success());
    let file = modules.join(file);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(right), "{}", file.display());
    fs::write(&file, text.replacen(right, wrong, 1)).unwrap();
    folder
}

#[track_caller]
fn is_found(file: &str, right: &str, wrong: &str, parts: &[&str]) {
    let repository = with_fault(file, right, wrong);
    Said::by(&mut board(repository.path(), &["lint", BOARD])).fails(4, parts);
}

#[test]
fn a_fault_of_style_is_found() {
    let (file, right) = ("prime_drm/import.c", "	if (IS_ERR(obj))\n");
    is_found(file, right, "	if(IS_ERR(obj))\n", &["checkpatch.pl", "prime_drm/import.c:", "ERROR:SPACING"]);
    let long = format!("	if (IS_ERR(obj)) /* {} */\n", "x".repeat(80));
    is_found(file, right, &long, &["prime_drm/import.c:", "LONG_LINE_COMMENT"]);
}

#[test]
fn only_one_file_may_compare_versions() {
    let (right, wrong) = ("#endif\n", "#if LINUX_VERSION_CODE > 0\n#endif\n#endif\n");
    is_found("include/prime_walk.h", right, wrong, &["include/prime_walk.h:", "LINUX_VERSION_CODE"]);
    // What that one is allowed is nothing else.
    let (right, wrong) = ("	vma->vm_flags |= flags;\n", "        vma->vm_flags |= flags;\n");
    is_found("include/prime_compat.h", right, wrong, &["include/prime_compat.h:", "CODE_INDENT"]);
}

#[test]
fn a_pointer_of_the_program_s_that_is_used_as_the_kernel_s_is_found() {
    let (right, wrong) = ("	void __user *user = (void __user *)argument;\n", "	void *user = (void *)argument;\n");
    let parts = ["prime_canary/ioctl.c:", "different address spaces"];
    is_found("prime_canary/ioctl.c", right, wrong, &parts);
}
