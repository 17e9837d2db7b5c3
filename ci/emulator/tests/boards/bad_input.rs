//! Input that cannot be used: each has its own words and a code.

use std::fs;

use crate::host::{Copy, Said, board, root};

const NAME: &str = "debian-amd64-7.3";

#[test]
fn an_unknown_board() {
    let said = Said::by(&mut board(&root(), &["run", "debian-amd46"]));
    said.fails(2, &["there is no board 'debian-amd46'", "known: ", "debian-amd64"]);
}

#[test]
fn a_board_file_that_is_broken() {
    let copy = Copy::of(NAME, |text| text.replace("processors: 2", "processors: two"));
    let said = Said::by(&mut copy.run(NAME, &[]));
    said.fails(2, &["fixtures/boards/debian-amd64-7.3.yaml:9:", "9 |     processors: two", "^"]);
}

#[test]
fn a_kernel_that_does_not_exist() {
    let copy = Copy::of(NAME, str::to_owned);
    Said::by(&mut copy.run(NAME, &["--kernel", "no/vmlinuz"])).fails(2, &["no/vmlinuz"]);
    let other = Copy::of(NAME, |text| text.replace("release: \"7.3.4\"", "release: \"7.99.1\""));
    Said::by(&mut other.run(NAME, &[])).fails(4, &["trixie-backports has no kernel 7.99.1"]);
}

#[test]
fn a_kernel_that_does_not_boot() {
    let copy = Copy::of(NAME, |text| {
        text.replace("    console: ttyS0\n", "    console: ttyS0\n    append: rdinit=/nowhere\n")
    });
    let said = Said::by(&mut copy.run(NAME, &[]));
    said.fails(4, &["died: Kernel panic - not syncing: VFS: Unable to mount root fs", "    | ", "console.log"]);
    let kernel = copy.root().join("kernel");
    fs::write(&kernel, "no kernel").unwrap();
    let said = Said::by(&mut copy.run(NAME, &["--kernel", "kernel"]));
    said.fails(2, &["kernel is not a kernel", "bzImage"]);
}

#[test]
fn a_device_tree_that_cannot_be_made() {
    let name = "debian-armhf";
    let overlay = |name: &str| format!("    console: ttyAMA0\n    overlay: {name}\n");
    let named = |text: &str, name: &str| {
        text.replace("    overlay: debian-armhf\n", "").replace("    console: ttyAMA0\n", &overlay(name))
    };
    let copy = Copy::of(name, |text| named(text, "nowhere"));
    Said::by(&mut copy.run(name, &[])).fails(4, &["nowhere.dtso"]);
    let copy = Copy::of(name, |text| named(text, "broken"));
    fs::create_dir_all(copy.root().join("fixtures/kernels")).unwrap();
    fs::write(copy.root().join("fixtures/kernels/broken.dtso"), "/dts-v1/; /plugin/; &{/} { bench {").unwrap();
    Said::by(&mut copy.run(name, &[])).fails(4, &["compile the device tree's overlay", "broken.dtso:1"]);
}

#[test]
fn arguments_that_prime_cts_does_not_take() {
    let copy = Copy::of(NAME, str::to_owned);
    let said = Said::by(&mut copy.run(NAME, &["--", "--exact", "mapping.hole.drm-vgem"]));
    said.fails(2, &["no cell is called 'mapping.hole.drm-vgem'", "is the nearest"]);
}

#[test]
fn a_board_that_the_user_may_not_open_or_trace() {
    let copy = Copy::of(NAME, str::to_owned);
    let words = "chmod 700 /dev/dri /dev/dma_heap; chmod 600 /dev/video* /dev/udmabuf; umount /sys/kernel/tracing\n\
        prime-cts list; echo as root $?\n\
        echo user:x:1000:1000::/tmp:/bin/sh >>/etc/passwd; mkdir /tmp/mine; chown 1000:1000 /tmp/mine; cd /tmp/mine\n\
        su user -c 'prime-cts run fd.size --progress none'; echo as user $?\n";
    let said = copy.shell(NAME, words);
    for part in ["mount -t tracefs", "as root 0", "Permission denied", "as user 3"] {
        assert!(said.out.contains(part), "no {part:?} in:\n{}", said.out);
    }
}
