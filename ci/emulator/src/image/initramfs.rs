//! The board's file system in memory: a cpio archive in the kernel's `newc` format.
//!
//! It is not compressed: under software emulation the kernel spends longer on unpacking than QEMU
//! does on reading a few megabytes more.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cpio::newc::{Builder, ModeFileType, trailer};

use crate::error::{Error, Result};

/// The files of an initramfs, by path without the leading slash.
#[derive(Debug, Default)]
pub struct Initramfs {
    nodes: BTreeMap<String, Node>,
}

#[derive(Debug)]
enum Node {
    Folder,
    File { mode: u32, content: Vec<u8> },
    Link { target: String },
    Character { major: u32, minor: u32 },
}

impl Initramfs {
    /// Adds a folder and those above it.
    pub fn folder(&mut self, path: &str) {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            self.nodes.entry(path[..end].to_owned()).or_insert(Node::Folder);
        }
    }

    /// Adds a file.
    pub fn file(&mut self, path: &str, mode: u32, content: impl Into<Vec<u8>>) {
        self.add(path, Node::File { mode, content: content.into() });
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.add(path, Node::Link { target: target.to_owned() });
    }

    /// Adds a character device.
    pub fn character(&mut self, path: &str, major: u32, minor: u32) {
        self.add(path, Node::Character { major, minor });
    }

    /// Adds a file of the host under another name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn copy(&mut self, path: &str, mode: u32, from: &Path) -> Result<()> {
        self.file(path, mode, fs::read(from).map_err(Error::file("read", from))?);
        Ok(())
    }

    /// Adds all that is below a folder of the host.
    ///
    /// # Errors
    /// When something in it cannot be read.
    pub fn tree(&mut self, path: &str, from: &Path) -> Result<()> {
        for entry in fs::read_dir(from).map_err(Error::file("read", from))? {
            let entry = entry.map_err(Error::file("read", from))?;
            let (name, file) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
            let name = if path.is_empty() { name } else { format!("{path}/{name}") };
            let about = fs::symlink_metadata(&file).map_err(Error::file("read", &file))?;
            if about.is_dir() {
                self.folder(&name);
                self.tree(&name, &file)?;
            } else if about.is_symlink() {
                let target = fs::read_link(&file).map_err(Error::file("read", &file))?;
                self.link(&name, &target.to_string_lossy());
            } else if about.is_file() {
                self.copy(&name, about.permissions().mode() & 0o7777, &file)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &str, node: Node) {
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.folder(folder);
        }
        self.nodes.insert(path.to_owned(), node);
    }

    /// Writes the archive.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        // Paths sort after the folders that they are in, as the kernel needs them.
        for (inode, (path, node)) in (1u32..).zip(&self.nodes) {
            let builder = Builder::new(path).ino(inode).nlink(1);
            let (builder, content): (Builder, &[u8]) = match node {
                Node::Folder => (builder.mode(0o755).set_mode_file_type(ModeFileType::Directory), &[]),
                Node::File { mode, content } => {
                    (builder.mode(*mode).set_mode_file_type(ModeFileType::Regular), content)
                }
                Node::Link { target } => {
                    (builder.mode(0o777).set_mode_file_type(ModeFileType::Symlink), target.as_bytes())
                }
                Node::Character { major, minor } => {
                    let builder = builder.mode(0o600).set_mode_file_type(ModeFileType::Char);
                    (builder.rdev_major(*major).rdev_minor(*minor), &[])
                }
            };
            let size = u32::try_from(content.len()).map_err(|_| io::Error::other(format!("{path} is over 4 GB")))?;
            let mut writer = builder.write(&mut to, size);
            writer.write_all(content)?;
            writer.finish()?;
        }
        trailer(&mut to)?;
        to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn read_back(archive: &[u8]) -> BTreeMap<String, (u32, u32, Vec<u8>)> {
        let mut rest = archive;
        let mut all = BTreeMap::new();
        loop {
            let mut reader = cpio::newc::Reader::new(rest).unwrap();
            if reader.entry().is_trailer() {
                return all;
            }
            let (name, mode, minor) =
                (reader.entry().name().to_owned(), reader.entry().mode(), reader.entry().rdev_minor());
            let mut content = Vec::new();
            reader.read_to_end(&mut content).unwrap();
            assert_eq!(all.insert(name, (mode, minor, content)), None);
            rest = reader.finish().unwrap();
        }
    }

    #[test]
    fn what_goes_in_comes_out() {
        let host = tempfile::tempdir().unwrap();
        fs::create_dir_all(host.path().join("modules/x")).unwrap();
        fs::write(host.path().join("modules/x/a.ko"), "module").unwrap();
        std::os::unix::fs::symlink("a.ko", host.path().join("modules/x/b.ko")).unwrap();
        let mut initramfs = Initramfs::default();
        initramfs.tree("lib", host.path()).unwrap();
        initramfs.file("init", 0o755, "#!/bin/sh\n");
        initramfs.character("dev/console", 5, 1);
        let mut archive = Vec::new();
        initramfs.write(&mut archive).unwrap();
        let all = read_back(&archive);
        assert_eq!(all["init"], (0o100_755, 0, b"#!/bin/sh\n".to_vec()));
        assert_eq!(all["dev"].0, 0o040_755);
        assert_eq!((all["dev/console"].0, all["dev/console"].1), (0o020_600, 1));
        assert_eq!(all["lib/modules/x/a.ko"].2, b"module");
        assert_eq!((all["lib/modules/x/b.ko"].0, all["lib/modules/x/b.ko"].2.as_slice()), (0o120_777, &b"a.ko"[..]));
        let names: Vec<_> = all.keys().collect();
        assert_eq!(
            names,
            [
                "dev",
                "dev/console",
                "init",
                "lib",
                "lib/modules",
                "lib/modules/x",
                "lib/modules/x/a.ko",
                "lib/modules/x/b.ko"
            ]
        );
    }

    #[test]
    fn the_same_content_makes_the_same_bytes() {
        let make = || {
            let mut initramfs = Initramfs::default();
            initramfs.file("a/b", 0o644, "1");
            let mut archive = Vec::new();
            initramfs.write(&mut archive).unwrap();
            archive
        };
        assert_eq!(make(), make());
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Initramfs::default().copy("a", 0o644, Path::new("/no/such/file")).unwrap_err();
        assert!(error.to_string().contains("/no/such/file"), "{error}");
    }
}
