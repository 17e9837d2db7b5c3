//! Malformed calls on the node of our own module: what is loaded on other people's boards harms no kernel.

use crate::host::Copy;

const NAME: &str = "debian-amd64-kmod";

/// After the calls the module must be as it was: unused, and its buffers right.
const SCRIPT: &str = "
prime-cts fuzz-canary --calls 100000 --seed 7
echo \"fuzz $?\"
prime-cts run access.device-reads.canary-pageless.canary-importer pages.pin.canary --progress none --output /tmp/after
echo \"after $?\"
dmesg | grep -c 'cut here' | sed 's/^/warnings /'
echo import-warns >/sys/module/prime_canary/parameters/fault
prime-cts fuzz-canary --calls 4000 --seed 7 | tail -n 1
prime-cts fuzz-canary --calls 4000 --seed 7 >/dev/null; echo \"planted $?\"
echo >/sys/module/prime_canary/parameters/fault
modprobe -r prime_canary && echo unloaded
";

#[test]
fn malformed_calls_harm_no_kernel() {
    let said = Copy::of(NAME, str::to_owned).shell(NAME, SCRIPT).out.replace('\r', "");
    // A fault that is planted makes the same calls do harm.
    for wanted in [
        "the kernel was harmed",
        "planted 1",
        "the kernel has nothing to complain of",
        "fuzz 0",
        "after 0",
        "unloaded",
        "warnings 0",
    ] {
        assert!(said.contains(&format!("{wanted}\n")), "no '{wanted}' in:\n{said}");
    }
    // Each went behind its first checks, and was refused for every reason that it has.
    let says =
        |word: &str, name: &str| said.lines().any(|line| line.starts_with(word) && line.ends_with(&format!(" {name}")));
    for ioctl in ["ABOUT", "ALLOCATE", "EXPORT", "IMPORT", "CLOSE", "INFO", "TRANSFER", "COUNTS"] {
        assert!(says("allowed", ioctl), "no {ioctl} in:\n{said}");
    }
    for errno in ["EINVAL", "ENOENT", "EFAULT", "ENOTTY", "EBADF", "EPERM"] {
        assert!(says("refused", errno), "no {errno} in:\n{said}");
    }
}
