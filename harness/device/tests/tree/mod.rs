//! Captured trees (fixtures/trees), as they are or copied with names changed.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use device::System;

/// Every captured tree.
pub const NAMES: &[&str] = &["debian-amd64", "debian-amd64-7.3"];

/// The folder of a captured tree.
pub fn captured(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/trees").join(name);
    fs::canonicalize(folder).expect("the captured trees are in fixtures/trees")
}

/// A copy of a tree, removed with its folder.
pub struct Copy(tempfile::TempDir);

impl Copy {
    /// A tree with nothing in it.
    pub fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A captured tree with each pair of names exchanged, wherever they stand in a path or a link.
    pub fn exchanged(name: &str, pairs: &[(&str, &str)]) -> Self {
        let copy = Self::empty();
        let swap = |part: &str| {
            let other = pairs.iter().find_map(|&(a, b)| match part {
                _ if part == a => Some(b),
                _ if part == b => Some(a),
                _ => None,
            });
            other.unwrap_or(part).to_owned()
        };
        copy_folder(&captured(name), copy.root(), &swap);
        copy
    }

    /// A captured tree with every link to a driver of one name led to another's.
    pub fn rebound(name: &str, from: &str, to: &str) -> Self {
        let copy = Self::empty();
        copy_folder(&captured(name), copy.root(), &|part| if part == from { to } else { part }.to_owned());
        copy
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn system(&self) -> System {
        System::at(self.root())
    }
}

fn copy_folder(from: &Path, to: &Path, name: &dyn Fn(&str) -> String) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(name(entry.file_name().to_str().unwrap()));
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            let link = fs::read_link(entry.path()).unwrap();
            let link: PathBuf = link.iter().map(|part| name(part.to_str().unwrap())).collect();
            symlink(link, target).unwrap();
        } else if kind.is_dir() {
            fs::create_dir(&target).unwrap();
            copy_folder(&entry.path(), &target, name);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
