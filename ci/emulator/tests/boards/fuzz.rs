//! Malformed calls on the node of our own module: what is loaded on other people's boards harms no kernel.

use crate::host::Copy;

const NAME: &str = "debian-amd64-kmod";

/// After the calls the module must be as it was: unused, and its buffers right.
const SCRIPT: &str = "
prime-cts fuzz-canary --calls 100000 --seed 7
echo \"fuzz $?\"
prime-cts run access.device-reads.canary-pageless.canary-importer pages.pin.canary --progress none --output /tmp/after
echo \"after $?\"
modprobe -r prime_canary && echo unloaded
dmesg | grep -c 'cut here' | sed 's/^/warnings /'
";

#[test]
fn malformed_calls_harm_no_kernel() {
    let said = Copy::of(NAME, str::to_owned).shell(NAME, SCRIPT).out.replace('\r', "");
    for wanted in ["the kernel has nothing to complain of", "fuzz 0", "after 0", "unloaded", "warnings 0"] {
        assert!(said.contains(&format!("{wanted}\n")), "no '{wanted}' in:\n{said}");
    }
    // Calls that went behind the first check: some were allowed, and refused for more than one reason.
    let allowed = said.lines().find_map(|line| line.split_once("seed 7: ")?.1.strip_suffix(" allowed")?.parse().ok());
    assert!(allowed.is_some_and(|allowed: u32| allowed > 5000), "{said}");
    for errno in ["EINVAL", "ENOENT", "EFAULT", "ENOTTY", "EBADF", "EPERM"] {
        assert!(said.lines().any(|line| line.ends_with(&format!(" {errno}"))), "no {errno} in:\n{said}");
    }
}
