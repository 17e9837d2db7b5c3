//! A private apt root for one suite and architecture: lists and downloads packages, installs nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::{Cache, digest_of};
use crate::command;
use crate::error::{Error, Result};
use crate::index::Package;

/// One suite of Debian for one architecture.
#[derive(Debug)]
pub struct Archive {
    folder: PathBuf,
    suite: String,
    architecture: &'static str,
}

impl Archive {
    /// Makes the root; nothing is fetched yet. `lines` are apt's lines for the suite.
    ///
    /// # Errors
    /// When the cache's folder cannot be written.
    pub fn open(cache: &Cache, suite: &str, architecture: &'static str, lines: &str) -> Result<Self> {
        let folder = cache.folder().join("apt").join(format!("{suite}-{architecture}"));
        for part in ["lists/partial", "cache/archives/partial"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(Error::file("create", &part))?;
        }
        let sources = folder.join("sources.list");
        fs::write(&sources, lines).map_err(Error::file("write", &sources))?;
        Ok(Self { folder, suite: suite.to_owned(), architecture })
    }

    /// Fetches the suite's lists.
    ///
    /// # Errors
    /// apt's own, with its words.
    pub fn update(&self) -> Result<()> {
        // Without this option apt counts a mirror that cannot be reached as a warning.
        let strict = "APT::Update::Error-Mode=any";
        let purpose = format!("fetch the package lists of {}", self.suite);
        command::output(self.apt("apt-get").args(["-q", "-o", strict, "update"]), &purpose, "apt").map(drop)
    }

    /// The text of the suite's `Packages` files.
    ///
    /// # Errors
    /// apt's own, with its words.
    pub fn index(&self) -> Result<String> {
        let purpose = format!("read the package lists of {}", self.suite);
        let targets = ["indextargets", "--format", "$(FILENAME)", "Created-By: Packages"];
        let files = command::output(self.apt("apt-get").args(targets), &purpose, "apt")?;
        let files = String::from_utf8_lossy(&files);
        let mut cat = self.apt("/usr/lib/apt/apt-helper");
        cat.arg("cat-file").args(files.lines());
        command::output(&mut cat, &purpose, "apt").map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    /// Downloads a package into a folder and checks it.
    ///
    /// # Errors
    /// apt's own, with its words, and [`Error::Download`] for a file that is not what the lists promise.
    pub fn download(&self, package: &Package, into: &Path) -> Result<PathBuf> {
        let what = format!("{}={}", package.name, package.version);
        let purpose = format!("download {what} from {}", self.suite);
        let mut apt = self.apt("apt-get");
        command::output(apt.args(["-q", "download", &what]).current_dir(into), &purpose, "apt")?;
        let is_package = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "deb");
        let mut files = fs::read_dir(into).map_err(Error::file("read", into))?.flatten().map(|entry| entry.path());
        let file = files.find(is_package).ok_or_else(|| Error::Download {
            path: into.join(&package.name),
            what: "apt wrote no such file".to_owned(),
        })?;
        verify(&file, package)?;
        Ok(file)
    }

    /// An apt program that sees this root alone, and not the host's.
    pub fn apt(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let folder = self.folder.display();
        for option in [
            format!("Dir::State::Lists={folder}/lists"),
            format!("Dir::Cache={folder}/cache"),
            format!("Dir::Etc::SourceList={folder}/sources.list"),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            "Dir::Etc::Preferences=/dev/null".to_owned(),
            "Dir::Etc::PreferencesParts=/dev/null".to_owned(),
            "Dir::State::status=/dev/null".to_owned(),
            format!("APT::Architecture={}", self.architecture),
            format!("APT::Architectures={}", self.architecture),
            "Acquire::Languages=none".to_owned(),
            // The folder is the user's own: apt's user may not be able to write there.
            "APT::Sandbox::User=root".to_owned(),
        ] {
            command.arg("-o").arg(option);
        }
        command
    }
}

/// Unpacks a package.
///
/// # Errors
/// dpkg's own, with its words.
pub fn unpack(package: &Path, into: &Path) -> Result<()> {
    let purpose = format!("unpack {}", package.display());
    command::output(Command::new("dpkg-deb").arg("-x").arg(package).arg(into), &purpose, "dpkg").map(drop)
}

fn verify(file: &Path, package: &Package) -> Result<()> {
    let size = file.metadata().map_err(Error::file("read", file))?.len();
    let refuse = |what| Err(Error::Download { path: file.to_owned(), what });
    if size != package.size {
        return refuse(format!("{size} bytes long where the package lists say {}", package.size));
    }
    match digest_of(file)? {
        digest if digest == package.sha256 => Ok(()),
        digest => refuse(format!("its SHA-256 is {digest} where the package lists say {}", package.sha256)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::digest;

    fn check(content: &[u8]) -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("linux-image_1_amd64.deb");
        fs::write(&file, content).unwrap();
        let promised = b"a whole package";
        let package = Package {
            name: "linux-image".into(),
            version: "1".into(),
            size: promised.len() as u64,
            sha256: digest(promised),
            depends: String::new(),
        };
        verify(&file, &package)
    }

    #[test]
    fn a_whole_download_is_taken() {
        check(b"a whole package").unwrap();
    }

    #[test]
    fn a_half_download_is_refused_by_name() {
        let error = check(b"a whole").unwrap_err().to_string();
        assert!(error.contains("linux-image_1_amd64.deb: 7 bytes long") && error.contains("15"), "{error}");
    }

    #[test]
    fn a_changed_download_is_refused() {
        let error = check(b"a whole packagf").unwrap_err().to_string();
        assert!(error.contains("SHA-256"), "{error}");
    }
}
