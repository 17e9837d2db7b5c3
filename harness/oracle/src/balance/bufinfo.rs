//! debugfs `dma_buf/bufinfo`: every buffer of the system, and who is attached to it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::NotAvailable;

/// One buffer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BufinfoEntry {
    /// In bytes.
    pub size: u64,
    /// References to its file.
    pub count: u64,
    /// The exporter's name.
    pub exp_name: String,
    /// The inode, as in fstat and fdinfo.
    pub ino: u64,
    /// The name that DMA_BUF_SET_NAME gave it, if any.
    pub name: Option<String>,
    /// The devices attached, by the names that the kernel's log uses.
    pub devices: Vec<String>,
}

/// Reads the table (`dma_buf_debug_show` of `drivers/dma-buf/dma-buf.c`; the same from 6.1 to 7.3, with an empty name in
/// place of `<none>` before 5.19).
fn parse(text: &str) -> Vec<BufinfoEntry> {
    let mut entries: Vec<BufinfoEntry> = Vec::new();
    let mut in_devices = false;
    for line in text.lines() {
        if let Some(entry) = row(line) {
            entries.push(entry);
            in_devices = false;
        } else if line.trim() == "Attached Devices:" {
            in_devices = true;
        } else if line.starts_with("Total ") {
            in_devices = false;
        } else if let (true, Some(device), Some(entry)) = (in_devices, line.strip_prefix('\t'), entries.last_mut()) {
            entry.devices.push(device.trim().into());
        }
        // What is left are heads, blank lines and the fences, which come before the devices.
    }
    entries
}

/// `SIZE FLAGS MODE COUNT EXPORTER INODE NAME`, with a tab in between; flags and mode are hex, the rest decimal.
fn row(line: &str) -> Option<BufinfoEntry> {
    let fields: Vec<&str> = line.splitn(7, '\t').collect();
    let [size, flags, mode, count, exp_name, ino, rest @ ..] = &fields[..] else { return None };
    let _hex = (u64::from_str_radix(flags.trim(), 16).ok()?, u64::from_str_radix(mode.trim(), 16).ok()?);
    let name = rest.first().map(|name| name.trim()).filter(|name| !name.is_empty() && *name != "<none>");
    Some(BufinfoEntry {
        size: size.trim().parse().ok()?,
        count: count.trim().parse().ok()?,
        exp_name: exp_name.trim().into(),
        ino: ino.trim().parse().ok()?,
        name: name.map(Into::into),
        devices: Vec::new(),
    })
}

/// Counts the devices attached to the buffer with this inode, in what reading the file gave; `None` where the list does
/// not have the buffer.
///
/// # Errors
/// As [`all`].
pub fn attachments(read: std::io::Result<String>, inode: u64) -> Result<Option<usize>, NotAvailable> {
    let entry = listed(read, Path::new("dma_buf/bufinfo"))?.into_iter().find(|entry| entry.ino == inode);
    Ok(entry.map(|entry| entry.devices.len()))
}

/// Lists every buffer of the system, below a mounted debugfs.
///
/// # Errors
/// EACCES without root or under lockdown, ENOENT without debugfs; EINTR where a buffer is locked by its driver; without an
/// errno for a file that is not a list.
pub fn all(debug_root: &Path) -> Result<Vec<BufinfoEntry>, NotAvailable> {
    let path = debug_root.join("dma_buf/bufinfo");
    listed(std::fs::read_to_string(&path), &path)
}

/// The only way to a list: an empty file is not an empty list.
fn listed(read: std::io::Result<String>, path: &Path) -> Result<Vec<BufinfoEntry>, NotAvailable> {
    let remedy = "run as root with `mount -t debugfs nodev /sys/kernel/debug` and CONFIG_DEBUG_FS=y, no lockdown";
    let text = read.map_err(|error| NotAvailable::from_io("read who is attached", path, remedy, &error))?;
    if !text.contains("Dma-buf Objects:") {
        return Err(NotAvailable::because("this is not a list of buffers", path, remedy));
    }
    Ok(parse(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "\nDma-buf Objects:\n\
        size    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n\
        00614400\t00000002\t000a0007\t00000003\tdrm\t00000007\tcell 12\n\
        \tkernel fence:vgem unbound seq 1 unsignalled\n\
        \tAttached Devices:\n\
        \tvivid.0\n\
        \t0000:00:02.0\n\
        Total 2 devices attached\n\n\
        00004096\t00080002\t000a0007\t00000001\tvideobuf2_dma_contig\t00000012\t<none>\n\
        \tAttached Devices:\n\
        Total 0 devices attached\n\n\
        \nTotal 2 objects, 618496 bytes\n";

    const OLD: &str = "\nDma-buf Objects:\n\
        size    \tflags   \tmode    \tcount   \texp_name\tino     \n\
        03784704\t00000000\t00080005\t00000003\tdrm\t00000110\t\n\
        \tread fence:radeon radeon.gfx seq 6580 signalled\n\
        \tAttached Devices:\n\
        Total 0 devices attached\n\n\
        \nTotal 1 objects, 3784704 bytes\n";

    #[test]
    fn buffers_with_their_devices_and_without_their_fences() {
        let entries = parse(NEW);
        assert_eq!(entries.len(), 2);
        let expected = BufinfoEntry {
            size: 614_400,
            count: 3,
            exp_name: "drm".into(),
            ino: 7,
            name: Some("cell 12".into()),
            devices: vec!["vivid.0".into(), "0000:00:02.0".into()],
        };
        assert_eq!(entries[0], expected);
        assert_eq!((entries[1].ino, &entries[1].name, entries[1].devices.len()), (12, &None, 0));
    }

    #[test]
    fn the_table_without_a_column_for_the_name() {
        let [entry] = &parse(OLD)[..] else { panic!("one buffer") };
        assert_eq!((entry.size, entry.count, entry.ino, &entry.name), (3_784_704, 3, 110, &None));
    }

    #[test]
    fn an_attachment_that_stays_behind_shows() {
        let attached = |inode| attachments(Ok(NEW.into()), inode);
        assert_eq!((attached(7), attached(12), attached(99)), (Ok(Some(2)), Ok(Some(0)), Ok(None)));
    }

    #[test]
    fn an_empty_file_is_not_an_empty_list() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("dma_buf")).unwrap();
        std::fs::write(root.path().join("dma_buf/bufinfo"), "").unwrap();
        assert!(all(root.path()).is_err() && attachments(Ok(String::new()), 7).is_err());
        assert!(all(Path::new("/nowhere")).unwrap_err().to_string().contains("debugfs"));
    }
}
