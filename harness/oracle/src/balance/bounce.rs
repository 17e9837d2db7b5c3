//! How much memory is mapped for devices through bounce buffers: where the kernel bounces every mapping
//! (`swiotlb=force` on its command line), a mapping that is never undone is seen in their number.

use std::path::Path;

/// Slots of 2 KiB in use: debugfs's `swiotlb/io_tlb_used` (kernel/dma/swiotlb.c). Nothing where not every mapping is
/// bounced: what few are say nothing of a cell.
pub fn slots(proc_root: &Path, debugfs: &Path) -> Option<u64> {
    let words = std::fs::read_to_string(proc_root.join("cmdline")).ok()?;
    let forced = words.split_whitespace().any(|word| {
        word.strip_prefix("swiotlb=").is_some_and(|values| values.split(',').any(|value| value == "force"))
    });
    let used = std::fs::read_to_string(debugfs.join("swiotlb/io_tlb_used")).ok().filter(|_| forced)?;
    used.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_counted_where_every_mapping_has_some() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("swiotlb")).unwrap();
        std::fs::write(root.path().join("swiotlb/io_tlb_used"), "48\n").unwrap();
        let with = |words: &str| {
            std::fs::write(root.path().join("cmdline"), words).unwrap();
            slots(root.path(), root.path())
        };
        assert_eq!(with("root=/dev/sda swiotlb=65536,force quiet\n"), Some(48));
        assert_eq!(with("swiotlb=force\n"), Some(48));
        assert_eq!(with("swiotlb=65536\n"), None);
        assert_eq!(slots(root.path(), Path::new("/nowhere")), None);
    }
}
