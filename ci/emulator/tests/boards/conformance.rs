//! The target `conformance` on a board, as `cargo test` and nextest start it there.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::host::{Copy, root};

/// The test program, static, as a cross build for a board makes it.
fn program() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).env("RUSTFLAGS", "-C target-feature=+crt-static").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.args(["test", "--no-run", "--release", "-p", "suite", "--test", "conformance", "--message-format", "json"]);
    cargo.args(["--target", "x86_64-unknown-linux-gnu", "--target-dir", "target/static"]);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let mut made = messages.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let test = made.find(|made| made["target"]["name"] == "conformance" && made["executable"].is_string()).unwrap();
    PathBuf::from(test["executable"].as_str().unwrap())
}

#[test]
fn one_trial_a_cell_with_filters_and_reasons() {
    let name = "debian-amd64-7.3";
    let copy = Copy::of(name, str::to_owned);
    fs::create_dir_all(copy.results(name)).unwrap();
    fs::copy(program(), copy.results(name).join("conformance")).unwrap();
    fs::copy(copy.root().join(format!("fixtures/boards/{name}.yaml")), copy.results(name).join(format!("{name}.yaml")))
        .unwrap();
    let said = copy.shell(
        name,
        "c='/results/conformance --color never'\n\
        $c --list | sed -n 's/: test$//p' | sort > /tmp/listed; prime-cts plan | sort > /tmp/planned\n\
        cmp /tmp/listed /tmp/planned && test $(wc -l < /tmp/listed) -gt 1000; echo list $?\n\
        $c --exact mapping.whole.heap-system; echo exact $?\n\
        $c mapping.at-offset; echo filter $?\n\
        PRIME_CTS_BOARD_FILE=/results/debian-amd64-7.3.yaml $c mapping.at-offset; echo known $?\n\
        $c coherence.import-keeps-content.heap-system.; echo refused $?\n",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    let parts = [
        "list 0\n",
        "test mapping.whole.heap-system ... ok\n",
        "exact 0\n",
        "test mapping.at-offset.drm-vgem        ... FAILED\n",
        "byte 8192 of the buffer (byte 0 of the mapping): expected ",
        "filter 101\n",
        "known 0\n",
        "test coherence.import-keeps-content.heap-system.drm-virtio_gpu  ... ignored (refused: DRM_IOCTL_PRIME_FD_TO_HANDLE: ENODEV",
        "refused 0\n",
    ];
    let out = said.out.replace('\r', "");
    for part in parts {
        assert!(out.contains(part), "no {part:?} in:\n{out}");
    }
}
