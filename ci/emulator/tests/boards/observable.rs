//! What cannot be seen is not a pass: one board, from which one thing after the other is taken that is needed to see whether
//! an importer touches struct pages.

use crate::host::Copy;

const NAME: &str = "debian-amd64-kmod";

/// Each under its heading: the board as it is, without root, without tracefs, without the module, under lockdown. Lockdown
/// is never taken back, and comes last; it would not let the module be loaded.
const SCRIPT: &str = "
run() {
	echo \"== $1\"
	shift
	\"$@\" prime-cts run --exact pages.untouched.canary-decoy.drm-vgem --exact pages.untouched.canary-decoy.drm-prime_drm_shmem \\
		--progress none --output \"/tmp/$RANDOM\"
	echo \"exit $?\"
}
echo 'root:x:0:0::/:/bin/sh' >/etc/passwd
echo 'nobody:x:65534:65534::/tmp:/bin/sh' >>/etc/passwd
chmod 666 /dev/dri/* /dev/video* /dev/udmabuf /dev/dma_heap/*
chmod 777 /tmp
mount -t securityfs securityfs /sys/kernel/security
as_nobody() { su -s /bin/sh nobody -c \"PATH=$PATH $*\"; }
run whole
run 'without root' as_nobody
umount /sys/kernel/tracing
run 'without tracefs'
mount -t tracefs tracefs /sys/kernel/tracing
modprobe -r prime_canary
run 'without the module'
modprobe prime_canary
run 'the module again'
echo confidentiality >/sys/kernel/security/lockdown
run 'under lockdown'
echo == end
";

/// What was said under a heading.
fn under<'a>(said: &'a str, heading: &str) -> &'a str {
    let start = said.find(&format!("== {heading}\n")).unwrap_or_else(|| panic!("no '{heading}' in:\n{said}"));
    let rest = &said[start + 3..];
    &rest[..rest.find("== ").unwrap_or(rest.len())]
}

#[test]
fn what_cannot_be_seen_is_not_observable_and_never_a_pass() {
    let copy = Copy::of(NAME, str::to_owned);
    let said = copy.shell(NAME, SCRIPT).out.replace('\r', "");
    for seen in ["whole", "the module again"] {
        let text = under(&said, seen);
        assert!(text.contains("2 of 2 cells: 2 pass\n") && text.contains("exit 0"), "{text}");
    }
    let missing = [
        ("without root", "canary-decoy cannot be used: "),
        ("without tracefs", "struct-pages: "),
        ("without the module", "canary-decoy is not here: load the module of fixtures/kmod/prime_canary"),
        ("under lockdown", "struct-pages: "),
    ];
    for (heading, why) in missing {
        let text = under(&said, heading);
        assert!(text.contains("2 of 2 cells: 2 not-observable\n"), "{text}");
        assert!(text.contains("exit 3"), "nothing was verified: {text}");
        assert!(text.contains(why), "{text}");
    }
}
