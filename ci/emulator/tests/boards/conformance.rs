//! The target `conformance` on a board, as `cargo test` and nextest start it there.

use std::fs;

use crate::host::{Copy, built, root};

#[test]
fn one_trial_a_cell_with_filters_and_reasons() {
    let name = "debian-amd64-7.3";
    let copy = Copy::of(name, str::to_owned);
    fs::create_dir_all(copy.results(name)).unwrap();
    let program = built(&["test", "--no-run", "-p", "prime-cts", "--test", "conformance"], "conformance");
    fs::copy(program, copy.results(name).join("conformance")).unwrap();
    fs::copy(copy.root().join(format!("fixtures/boards/{name}.yaml")), copy.results(name).join(format!("{name}.yaml")))
        .unwrap();
    // What is known of this kernel, but for the fault of mapping.at-offset.
    let findings = copy.results(name).join("findings");
    fs::create_dir(&findings).unwrap();
    fs::copy(root().join("fixtures/findings/heap-call-letter.md"), findings.join("heap-call-letter.md")).unwrap();
    let said = copy.shell(
        name,
        "c='/results/conformance --color never'\n\
        $c --list | sed -n 's/: test$//p' | sort > /tmp/listed; prime-cts plan | sed 's/  .*//' | sort > /tmp/planned\n\
        cmp /tmp/listed /tmp/planned && test $(wc -l < /tmp/listed) -gt 1000; echo list $?\n\
        $c --exact mapping.whole.heap-system; echo exact $?\n\
        $c mapping.at-offset; echo filter $?\n\
        PRIME_CTS_FINDINGS=/results/findings $c mapping.at-offset; echo new $?\n\
        PRIME_CTS_BOARD_FILE=/results/debian-amd64-7.3.yaml $c mapping.at-offset; echo known $?\n\
        $c coherence.import-keeps-content.heap-system.; echo refused $?\n",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    let parts = [
        "list 0\n",
        "test mapping.whole.heap-system ... ok\n",
        "exact 0\n",
        "test mapping.at-offset.drm-vgem        ... ignored (fail: known fault mapping-at-offset (kernels since 5.10): ",
        "filter 0\n",
        "test mapping.at-offset.drm-vgem        ... FAILED\n",
        "byte 8192 of the buffer (byte 0 of the mapping): expected ",
        "new 101\n",
        "known 0\n",
        "test coherence.import-keeps-content.heap-system.drm-virtio_gpu  ... ignored (refused: DRM_IOCTL_PRIME_FD_TO_HANDLE: ENODEV",
        "refused 0\n",
    ];
    let out = said.out.replace('\r', "");
    for part in parts {
        assert!(out.contains(part), "no {part:?} in:\n{out}");
    }
}
