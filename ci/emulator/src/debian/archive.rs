//! A private apt root for one suite and architecture: lists and downloads packages, installs nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::{Cache, digest_of, key};
use crate::command;
use crate::debian::apt_sources::Mirrors;
use crate::debian::index::{self, Package};
use crate::error::{Error, Result};

/// One suite of Debian for one architecture.
#[derive(Debug)]
pub struct Archive<'a> {
    cache: &'a Cache,
    folder: PathBuf,
    suite: String,
    architecture: &'static str,
}

impl<'a> Archive<'a> {
    /// Makes the root; nothing is fetched yet.
    ///
    /// # Errors
    /// When the cache's folder cannot be written, or the host's apt sources do not speak of Debian.
    pub fn open(cache: &'a Cache, suite: &str, architecture: &'static str) -> Result<Self> {
        let line = Mirrors::of_host(Path::new("/etc"))?.line(suite);
        let folder = cache.folder().join("apt").join(format!("{suite}-{architecture}"));
        for part in ["lists/partial", "cache/archives/partial"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(Error::file("create", &part))?;
        }
        let sources = folder.join("sources.list");
        // Another run may be reading it.
        if fs::read_to_string(&sources).is_ok_and(|there| there != line) || !sources.exists() {
            fs::write(&sources, line).map_err(Error::file("write", &sources))?;
        }
        Ok(Self { cache, folder, suite: suite.to_owned(), architecture })
    }

    /// The suite that this one adds to, with what its packages depend on: `trixie` of `trixie-backports`.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn base(&self) -> Result<Self> {
        Self::open(self.cache, base(&self.suite), self.architecture)
    }

    /// Which suite it is.
    pub fn suite(&self) -> &str {
        &self.suite
    }

    /// Debian's name of the architecture.
    pub fn architecture(&self) -> &str {
        self.architecture
    }

    /// Fetches the suite's lists.
    ///
    /// # Errors
    /// apt's own, with its words.
    pub fn update(&self) -> Result<()> {
        // Without this option apt counts a mirror that cannot be reached as a warning.
        let strict = "APT::Update::Error-Mode=any";
        let _lock = self.lock()?;
        let purpose = format!("fetch the package lists of {}", self.suite);
        command::output(self.apt("apt-get").args(["-q", "-o", strict, "update"]), &purpose, "apt").map(drop)
    }

    /// The text of the suite's `Packages` files.
    ///
    /// # Errors
    /// apt's own, with its words.
    pub fn index(&self) -> Result<String> {
        let _lock = self.lock()?;
        let purpose = format!("read the package lists of {}", self.suite);
        let targets = ["indextargets", "--format", "$(FILENAME)", "Created-By: Packages"];
        let files = command::output(self.apt("apt-get").args(targets), &purpose, "apt")?;
        let files = String::from_utf8_lossy(&files);
        let mut cat = self.apt("/usr/lib/apt/apt-helper");
        cat.arg("cat-file").args(files.lines());
        command::output(&mut cat, &purpose, "apt").map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    /// Returns the packages that apt would install for these on an empty system.
    ///
    /// # Errors
    /// apt's own, with its words.
    pub fn with_dependencies(&self, names: &[String]) -> Result<Vec<Package>> {
        let purpose = format!("find {} and what they depend on in {}", names.join(", "), self.suite);
        let mut apt = self.apt("apt-get");
        // Nothing is installed, so nothing needs dpkg's lock, which is root's.
        apt.args(["-qq", "--print-uris", "-y", "--no-install-recommends", "-o", "Debug::NoLocking=1", "install"]);
        let lines = command::output(apt.args(names), &purpose, "apt")?;
        let wanted = index::printed(&String::from_utf8_lossy(&lines));
        let all = index::packages(&self.index()?, |name| wanted.iter().any(|(wanted, _)| wanted == name));
        let find = |(name, version): &(String, String)| {
            let found = all.iter().find(|package| package.name == *name && package.version == *version).cloned();
            found.ok_or_else(|| Error::Archive {
                what: format!("apt would take {name} {version}, which the package lists of {} do not have", self.suite),
                remedy: "try again with --refresh",
            })
        };
        wanted.iter().map(find).collect()
    }

    /// The content of packages, unpacked over one another, from the cache or the archive.
    /// `finish` may add what is derived from it.
    ///
    /// # Errors
    /// As [`Archive::unpacked_as`].
    pub fn unpacked(
        &self,
        packages: &[Package],
        tell: &dyn Fn(&str),
        finish: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        self.unpacked_as("packages", &content_key(packages), packages, tell, finish)
    }

    /// The same as an entry of its own in the cache, for content that `finish` changes.
    ///
    /// # Errors
    /// [`Error::Gone`] for what cannot be downloaded, [`Error::Download`] for a file that is not what the lists
    /// promise, and those of unpacking.
    pub fn unpacked_as(
        &self,
        kind: &str,
        name: &str,
        packages: &[Package],
        tell: &dyn Fn(&str),
        finish: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        self.cache.entry(kind, name, |content| {
            let size: u64 = packages.iter().map(|package| package.size).sum();
            let first = packages.first().map_or("nothing", |package| &package.name);
            let more = if packages.len() > 1 { " and others" } else { "" };
            tell(&format!("downloading {first}{more} ({} MB)", size.div_ceil(1_000_000)));
            let scratch = self.cache.scratch()?;
            for file in self.download(packages, scratch.path())? {
                unpack(&file, content)?;
            }
            finish(content)
        })
    }

    fn download(&self, packages: &[Package], into: &Path) -> Result<Vec<PathBuf>> {
        let what = packages.iter().map(|package| format!("{}={}", package.name, package.version));
        let purpose = format!("download packages from {}", self.suite);
        let _lock = self.lock()?;
        let mut apt = self.apt("apt-get");
        command::output(apt.args(["-q", "download"]).args(what).current_dir(into), &purpose, "apt")
            .map_err(|error| Error::Gone(Box::new(error)))?;
        packages.iter().map(|package| checked(package, into)).collect()
    }

    /// Two of apt's programs at once would trip over each other's files.
    fn lock(&self) -> Result<impl Drop> {
        self.cache.one_at_a_time(&format!("locks/apt-{}-{}", self.suite, self.architecture))
    }

    /// Returns an apt program that sees only this root, and not the host's.
    fn apt(&self, program: &str) -> Command {
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

fn base(suite: &str) -> &str {
    ["-backports", "-security", "-updates"].iter().find_map(|part| suite.strip_suffix(part)).unwrap_or(suite)
}

/// The name that the content of packages has in the cache.
pub fn content_key(packages: &[Package]) -> String {
    match packages {
        [package] => package.sha256.clone(),
        _ => key(packages.iter().map(|package| &package.sha256)),
    }
}

fn unpack(package: &Path, into: &Path) -> Result<()> {
    let purpose = format!("unpack {}", package.display());
    command::output(Command::new("dpkg-deb").arg("-x").arg(package).arg(into), &purpose, "dpkg").map(drop)
}

/// The file of a package in a folder, if it is what the lists promise.
fn checked(package: &Package, folder: &Path) -> Result<PathBuf> {
    let refuse = |path: &Path, what: String| Err(Error::Download { path: path.to_owned(), what });
    let entries = fs::read_dir(folder).map_err(Error::file("read", folder))?.flatten().map(|entry| entry.path());
    let start = format!("{}_", package.name);
    let mut files =
        entries.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&start)));
    let Some(file) = files.next() else {
        return refuse(&folder.join(&package.name), "apt wrote no such file".to_owned());
    };
    let size = file.metadata().map_err(Error::file("read", &file))?.len();
    if size != package.size {
        return refuse(&file, format!("{size} bytes long where the package lists say {}", package.size));
    }
    match digest_of(&file)? {
        digest if digest == package.sha256 => Ok(file),
        digest => refuse(&file, format!("its SHA-256 is {digest} where the package lists say {}", package.sha256)),
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
        checked(&package, folder.path()).map(drop)
    }

    #[test]
    fn suites_that_add_to_another_have_it_as_their_base() {
        assert_eq!(["trixie-backports", "bookworm-security", "sid"].map(base), ["trixie", "bookworm", "sid"]);
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
