//! What was not released: open files, references to a buffer, devices that are still attached to it.

pub mod bounce;
mod bufinfo;
mod fdinfo;
pub mod memory;

pub use bufinfo::{BufinfoEntry, all as buffers, attachments};
pub use fdinfo::FdInfo;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::NotAvailable;

/// One open file of this process.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OpenFile {
    /// Its descriptor.
    pub fd: i32,
    /// The file: a path, or for a buffer `/dmabuf:NAME`.
    pub target: String,
}

/// Returns the number of files that this process has open.
///
/// # Errors
/// Where `/proc` is not mounted.
pub fn open_files(proc_root: &Path) -> Result<usize, NotAvailable> {
    open_file_list(proc_root).map(|files| files.len())
}

/// The files that this process has open, by descriptor: `self/fd` below `/proc`, without the folder that is read to
/// learn it.
///
/// # Errors
/// Where `/proc` is not mounted.
pub fn open_file_list(proc_root: &Path) -> Result<Vec<OpenFile>, NotAvailable> {
    let path = proc_root.join("self/fd");
    let refused = |error| NotAvailable::from_io("list the open files", &path, "mount -t proc proc /proc", &error);
    let entries = std::fs::read_dir(&path).map_err(refused)?;
    let links: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    // The folder's own descriptor is closed now, so its link is dead.
    let mut files: Vec<OpenFile> = links.map_err(refused)?.iter().filter_map(|link| open_file(link)).collect();
    files.sort();
    Ok(files)
}

fn open_file(link: &Path) -> Option<OpenFile> {
    let fd = link.file_name()?.to_str()?.parse().ok()?;
    let target = std::fs::read_link(link).ok()?.to_string_lossy().into_owned();
    Some(OpenFile { fd, target })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_leaked_descriptor_shows_and_the_folder_s_own_does_not() {
        let root = tempfile::tempdir().unwrap();
        let fd = root.path().join("self/fd");
        std::fs::create_dir_all(&fd).unwrap();
        symlink("/dev/null", fd.join("0")).unwrap();
        assert_eq!(open_files(root.path()), Ok(1));
        symlink("/dmabuf:", fd.join("5")).unwrap();
        let leaked = OpenFile { fd: 5, target: "/dmabuf:".into() };
        assert_eq!(open_file_list(root.path()).unwrap()[1], leaked);
    }

    #[test]
    fn on_the_real_proc_a_file_of_ours_is_listed_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let listed = open_file_list(Path::new("/proc")).unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(listed.iter().filter(|open| open.target == path).count(), 1);
        assert!(!listed.iter().any(|open| open.target.ends_with(&format!("{}/fd", std::process::id()))), "{listed:?}");
    }

    #[test]
    fn without_proc_there_is_no_count() {
        assert!(open_files(Path::new("/nowhere")).unwrap_err().to_string().contains("mount -t proc"));
    }
}
