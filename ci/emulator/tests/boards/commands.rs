//! What `ci/board` and `ci/cross` do beside running a board.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::host::{self, Said, board, root};

#[test]
fn the_boards_are_listed() {
    let said = Said::by(&mut board(&root(), &["list"]));
    assert_eq!(said.code, Some(0), "{said:?}");
    let files = fs::read_dir(root().join("fixtures/boards")).unwrap().map(|file| file.unwrap().path());
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "yaml")) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(said.out.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}: {}", said.out);
    }
}

#[test]
fn all_boards_are_told_in_one_table() {
    let names = ["debian-amd64-7.3", "debian-amd64-6.1"];
    let _boards = names.map(host::alone);
    let words = ["run", names[0], names[1], "--", "fd.size.drm-vgem"];
    let said = Said::by(&mut board(&root(), &words));
    assert_eq!(said.code, Some(0), "{said:?}");
    for (name, kernel) in names.iter().zip(["7.3.", "6.1."]) {
        let row = said.out.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{said:?}"));
        assert!(row.contains(kernel) && row.ends_with("1 pass"), "{row}");
    }
    Said::by(&mut board(&root(), &["run", names[0], "nowhere"])).fails(2, &["nowhere"]);
}

/// Debian's own kernel, as if it had just been built.
#[test]
fn a_kernel_that_was_just_built() {
    let name = "debian-amd64-7.3";
    let _board = host::alone(name);
    assert_eq!(Said::by(&mut board(&root(), &["fetch", name])).code, Some(0));
    let cache = std::env::var_os("PRIME_CTS_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let caches = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        caches.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache")).join("prime-cts")
    });
    let trees = fs::read_dir(cache.join("packages")).unwrap().map(|tree| tree.unwrap().path().join("usr/lib/modules"));
    let releases = trees.filter_map(|tree| fs::read_dir(tree).ok()).flatten().map(|release| release.unwrap().path());
    let modules = releases.into_iter().find(|release| release.join("vmlinuz").is_file() && of_7_3(release)).unwrap();
    let (kernel, modules) = (modules.join("vmlinuz"), modules.to_str().unwrap().to_owned());
    let words = ["run", name, "--kernel", kernel.to_str().unwrap(), "--modules", &modules, "--", "fd.size.drm-vgem"];
    let said = Said::by(&mut board(&root(), &words));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("on Linux 7.3.") && said.out.contains("1 of 1 cells: 1 pass"), "{said:?}");
    // What a step of `git bisect run` asks of it.
    let bisect = [&words[..6], &["--bisect", "--", "mapping.at-offset.drm-bochs-drm"]].concat();
    let said = Said::by(&mut board(&root(), &bisect));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("bisect: bad: mapping.at-offset.drm-bochs-drm fail: "), "{said:?}");
}

fn of_7_3(release: &std::path::Path) -> bool {
    release.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        name.starts_with("7.3.") && name.ends_with("-amd64")
    })
}

#[test]
fn a_static_program_for_another_architecture() {
    let output = Command::new(root().join("ci/cross")).arg("aarch64").output().unwrap();
    let said: Said = output.into();
    assert_eq!(said.code, Some(0), "{said:?}");
    let program = fs::read(said.out.trim()).unwrap();
    // EI_CLASS and e_machine of the ELF header: 64 bits, EM_AARCH64.
    assert_eq!((&program[..5], program[18]), (&b"\x7fELF\x02"[..], 183), "{said:?}");
}
