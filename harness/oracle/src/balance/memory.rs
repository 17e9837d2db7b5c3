//! The memory that the kernel has left, and the objects that its caches hold: what thousands of rounds have not released
//! shows there, whatever it is.

use std::collections::BTreeMap;
use std::path::Path;

use crate::NotAvailable;

/// The values of `/proc/meminfo`, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// The memory of the machine.
    pub total: u64,
    /// The memory that programs could still have, caches counted as free.
    pub available: u64,
    /// The memory that the kernel's slab caches hold and cannot be asked to release.
    pub unreclaimable: u64,
    /// Free memory of the contiguous memory allocator; nothing on a kernel without one.
    pub contiguous: Option<u64>,
    /// The address space that the kernel has for mappings of its own; small on machines of 32 bits.
    pub vmalloc_total: Option<u64>,
    /// The part of it that is used; 0 for all of it before 5.3.
    pub vmalloc_used: Option<u64>,
}

/// Reads `meminfo` below `/proc` (`Documentation/filesystems/proc.rst`).
///
/// # Errors
/// Where `/proc` is not mounted, or says no such thing.
pub fn memory(proc_root: &Path) -> Result<Memory, NotAvailable> {
    let (path, remedy) = (proc_root.join("meminfo"), "mount -t proc proc /proc");
    let what = "read how much memory there is";
    let text = std::fs::read_to_string(&path).map_err(|error| NotAvailable::from_io(what, &path, remedy, &error))?;
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
    };
    let wanted = |key: &str| value(key).ok_or_else(|| NotAvailable::because(what, &path, remedy));
    Ok(Memory {
        total: wanted("MemTotal")?,
        available: wanted("MemAvailable")?,
        unreclaimable: wanted("SUnreclaim")?,
        contiguous: value("CmaFree"),
        vmalloc_total: value("VmallocTotal"),
        vmalloc_used: value("VmallocUsed"),
    })
}

/// Slab caches that the kernel empties when it needs memory: what they hold is not a leak.
const RECLAIMED: &[&str] = &["dentry", "inode", "buffer_head", "radix_tree_node", "xfs_", "ext4_", "9p", "proc_"];

/// Returns the number of objects of each slab cache that the kernel does not empty by itself: `slabinfo` below `/proc`. Objects
/// that are free but kept by a processor count as held, so that a few hundred say nothing.
///
/// # Errors
/// EACCES without root, ENOENT on a kernel without CONFIG_SLUB_DEBUG.
pub fn slab_objects(proc_root: &Path) -> Result<BTreeMap<String, u64>, NotAvailable> {
    let (path, remedy) = (proc_root.join("slabinfo"), "run as root, on a kernel with CONFIG_SLUB_DEBUG=y");
    let what = "read what the slab caches hold";
    let text = std::fs::read_to_string(&path).map_err(|error| NotAvailable::from_io(what, &path, remedy, &error))?;
    // `NAME ACTIVE_OBJECTS OBJECTS SIZE ...` under two lines of heading.
    let row = |line: &str| {
        let mut fields = line.split_whitespace();
        Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
    };
    let rows: BTreeMap<String, u64> = text.lines().filter_map(row).collect();
    if rows.is_empty() {
        return Err(NotAvailable::because(what, &path, remedy));
    }
    let kept = |name: &String| !RECLAIMED.iter().any(|part| name.contains(part));
    Ok(rows.into_iter().filter(|(name, _)| kept(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_count_are_read_in_bytes() {
        let root = tempfile::tempdir().unwrap();
        let text = "MemTotal:        1000 kB\nMemFree:  5 kB\nMemAvailable:     800 kB\nSUnreclaim:        20 kB\n";
        std::fs::write(root.path().join("meminfo"), text).unwrap();
        let expected = Memory { total: 1_024_000, available: 819_200, unreclaimable: 20480, ..Memory::default() };
        assert_eq!(memory(root.path()), Ok(expected));
        std::fs::write(root.path().join("meminfo"), format!("{text}CmaFree: 4 kB\n")).unwrap();
        assert_eq!(memory(root.path()).unwrap().contiguous, Some(4096));
        std::fs::write(root.path().join("meminfo"), format!("{text}VmallocUsed: 8 kB\n")).unwrap();
        assert_eq!(memory(root.path()).unwrap().vmalloc_used, Some(8192));
        std::fs::write(root.path().join("meminfo"), "").unwrap();
        assert!(memory(root.path()).unwrap_err().to_string().contains("mount -t proc"));
    }

    #[test]
    fn caches_that_the_kernel_empties_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        let text = "slabinfo - version: 2.1\n# name <active_objs> <num_objs>\n\
            kmalloc-128         1234   2000    128   32    1 : tunables 0 0 0\n\
            dentry             99999  99999    192   21    1 : tunables 0 0 0\n\
            inode_cache          500    500    600   13    2 : tunables 0 0 0\n";
        std::fs::write(root.path().join("slabinfo"), text).unwrap();
        assert_eq!(slab_objects(root.path()).unwrap(), BTreeMap::from([("kmalloc-128".to_owned(), 1234)]));
        std::fs::write(root.path().join("slabinfo"), "slabinfo - version: 2.1\n").unwrap();
        assert!(slab_objects(root.path()).is_err());
        assert!(slab_objects(Path::new("/nowhere")).unwrap_err().to_string().contains("CONFIG_SLUB_DEBUG"));
    }
}
