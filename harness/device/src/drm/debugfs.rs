//! What debugfs reports of a card: `dri/N`. Reference: `drivers/gpu/drm/drm_debugfs.c`.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where debugfs is mounted.
const DEBUGFS: &str = "/sys/kernel/debug";

/// Longer than the kernel needs to put a job away, and than any frame lasts.
pub const PATIENCE: Duration = Duration::from_millis(300);

/// The time between two looks. It is the kernel's own worker that is waited for: it needs the processor.
const PAUSE: Duration = Duration::from_micros(300);

/// The folder of a card, by its node.
pub fn folder(node: &Path) -> Option<PathBuf> {
    let device = std::fs::metadata(node).ok()?.rdev();
    Some(PathBuf::from(format!("{DEBUGFS}/dri/{}", nix::sys::stat::minor(device))))
}

/// Waits until no job writes into a framebuffer any more. A job holds it until everything of the job was put away, which is
/// after its fence was signalled (`drm_writeback_signal_completion`). Where nothing is reported, nothing is waited for.
pub fn put_away(node: &Path, framebuffer: u32) {
    let end = Instant::now() + PATIENCE;
    let folder = folder(node);
    let users = || references(&std::fs::read_to_string(folder.as_ref()?.join("framebuffer")).ok()?, framebuffer);
    while users().is_some_and(|users| users > 1) && Instant::now() < end {
        std::thread::sleep(PAUSE);
    }
}

/// The number of references to a framebuffer: its file has one.
fn references(told: &str, framebuffer: u32) -> Option<u32> {
    let head = format!("framebuffer[{framebuffer}]:");
    let lines = told.lines().skip_while(|line| *line != head).skip(1);
    let mut own = lines.take_while(|line| line.starts_with([' ', '\t']));
    own.find_map(|line| line.trim().strip_prefix("refcount=")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "framebuffer[41]:\n\tallocated by = one\n\trefcount=1\n\tformat=XR24 little-endian (0x34325258)\n\
                        framebuffer[4]:\n\tallocated by = two\n\trefcount=3\n\tlayers:\n\t\tsize[0]=64x40\n\
                        framebuffer[5]:\n\tallocated by = three\n";

    #[test]
    fn each_framebuffer_has_references_of_its_own() {
        assert_eq!([41, 4, 5, 6].map(|number| references(TOLD, number)), [Some(1), Some(3), None, None]);
        assert_eq!(references("", 4), None);
    }

    #[test]
    fn what_is_not_told_is_not_waited_for() {
        put_away(Path::new("/dev/null"), 1);
        put_away(Path::new("/dev/no-such-node"), 1);
    }
}
