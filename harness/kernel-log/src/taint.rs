//! The kernel's taint: what happened since it booted, one bit a thing.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Letter and meaning of each bit: `taint_flags` of `kernel/panic.c`, `Documentation/admin-guide/tainted-kernels.rst`.
const NAMES: [&str; 20] = [
    "P: proprietary module",
    "F: module loaded by force",
    "S: system out of specification",
    "R: module unloaded by force",
    "M: machine check",
    "B: bad page",
    "U: asked for by user space",
    "D: oops or BUG",
    "A: ACPI table overridden",
    "W: warning",
    "C: staging driver",
    "I: firmware bug worked around",
    "O: module built out of tree",
    "E: unsigned module",
    "L: soft lockup",
    "K: live patch",
    "X: auxiliary, for distributions",
    "T: randomised structures",
    "N: in-kernel test",
    "J: firmware changed by user space",
];

/// The bits that say something broke: M, B, D, W and L. A module from out of tree or without a signature is not a defect.
pub const TAINT_TROUBLE: u64 = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14;

/// The bits after which the kernel's memory and locks are not to be trusted: M, B and D. What is seen later may come of it.
pub const TAINT_DAMAGE: u64 = 1 << 4 | 1 << 5 | 1 << 7;

/// The taint, from `sys/kernel/tainted` below `/proc`; `None` where that cannot be read.
pub fn taint(proc_root: &Path) -> Option<u64> {
    std::fs::read_to_string(proc_root.join("sys/kernel/tainted")).ok()?.trim().parse().ok()
}

/// The taint, read again and again.
#[derive(Debug)]
pub struct TaintFile(Option<File>);

impl TaintFile {
    /// Opens `sys/kernel/tainted` below `/proc`.
    pub fn open(proc_root: &Path) -> Self {
        Self(File::open(proc_root.join("sys/kernel/tainted")).ok())
    }

    /// The taint now; `None` where it cannot be read.
    pub fn read(&self) -> Option<u64> {
        // 20 digits of 64 bits, and the end of the line.
        let mut text = [0; 32];
        let length = self.0.as_ref()?.read_at(&mut text, 0).ok()?;
        std::str::from_utf8(&text[..length]).ok()?.trim().parse().ok()
    }
}

/// Letter and meaning of each bit that is set.
pub fn taint_names(bits: u64) -> Vec<&'static str> {
    let name = |bit: usize| NAMES.get(bit).copied().unwrap_or("?: unknown to this suite");
    (0..64).filter(|bit| bits & (1 << bit) != 0).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_and_a_module_from_out_of_tree() {
        let bits = (1 << 9) | (1 << 12) | (1 << 13);
        let names = ["W: warning", "O: module built out of tree", "E: unsigned module"];
        assert_eq!(taint_names(bits), names);
        assert_eq!(taint_names(bits & TAINT_TROUBLE), ["W: warning"]);
    }

    #[test]
    fn the_taint_is_read_anew_each_time() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(TaintFile::open(root.path()).read(), None);
        std::fs::create_dir_all(root.path().join("sys/kernel")).unwrap();
        let path = root.path().join("sys/kernel/tainted");
        std::fs::write(&path, "4096\n").unwrap();
        let taint = TaintFile::open(root.path());
        assert_eq!(taint.read(), Some(4096));
        std::fs::write(&path, "12288\n").unwrap();
        assert_eq!(taint.read(), Some(12288));
    }

    #[test]
    fn trouble_is_what_broke() {
        let letters: String = taint_names(TAINT_TROUBLE).iter().filter_map(|name| name.chars().next()).collect();
        assert_eq!(letters, "MBDWL");
    }

    #[test]
    fn it_is_read_below_the_root_given() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(taint(root.path()), None);
        std::fs::create_dir_all(root.path().join("sys/kernel")).unwrap();
        std::fs::write(root.path().join("sys/kernel/tainted"), "4608\n").unwrap();
        assert_eq!(taint(root.path()), Some(4608));
    }

    #[test]
    fn a_bit_of_a_later_kernel_is_not_hidden() {
        assert_eq!(taint_names(1 << 40), ["?: unknown to this suite"]);
    }
}
