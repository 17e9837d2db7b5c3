//! The files of a kernel's source that may hold code: of a folder, or of a `linux-source-*.tar.xz`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A source that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program that unpacks.
    #[error("cannot start 'xz' to unpack {path}: {source}; apt-get install xz-utils")]
    NoXz {
        /// What was to be unpacked.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A damaged archive.
    #[error("{path} cannot be unpacked: xz ended with {status}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// How.
        status: std::process::ExitStatus,
    },
    /// Something else.
    #[error(
        "{path} is not a kernel source: its top has no Makefile with a version; give the folder, or a linux-source-*.tar.xz"
    )]
    NoKernel {
        /// Which.
        path: PathBuf,
    },
}

/// Reports each file: its path from the top of the source, and its text.
///
/// # Errors
/// For what cannot be read or unpacked.
pub fn visit(source: &Path, tell: &mut dyn FnMut(&str, &str)) -> Result<(), SourceError> {
    if source.is_dir() { folder(source, source, tell) } else { archive(source, tell) }
}

/// Files that can hold code, and the one with the version.
fn wanted(path: &str) -> bool {
    path == "Makefile" || [".c", ".h", ".rs"].iter().any(|end| path.ends_with(end))
}

fn folder(top: &Path, here: &Path, tell: &mut dyn FnMut(&str, &str)) -> Result<(), SourceError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| SourceError::Unreadable { path, source }
    };
    for entry in fs::read_dir(here).map_err(unreadable(here))? {
        let entry = entry.map_err(unreadable(here))?;
        let path = entry.path();
        // A link leads to what is here already, or out of the source.
        let kind = entry.file_type().map_err(unreadable(&path))?;
        if kind.is_dir() {
            folder(top, &path, tell)?;
            continue;
        }
        let shown = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().into_owned();
        if kind.is_file() && wanted(&shown) {
            let bytes = fs::read(&path).map_err(unreadable(&path))?;
            tell(&shown, &String::from_utf8_lossy(&bytes));
        }
    }
    Ok(())
}

fn archive(path: &Path, tell: &mut dyn FnMut(&str, &str)) -> Result<(), SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut xz = Xz::of(file).map_err(|source| SourceError::NoXz { path: path.to_owned(), source })?;
    let entries = entries(&mut xz.pipe, tell);
    // The rest, such as the padding behind the archive's end: xz would wait forever for someone to read it.
    let _ = io::copy(&mut xz.pipe, &mut io::sink());
    let status = xz.child.wait().map_err(unreadable)?;
    if !status.success() {
        // It tells more than where the archive ended.
        return Err(SourceError::Damaged { path: path.to_owned(), status });
    }
    entries.map_err(unreadable)
}

fn entries(pipe: &mut ChildStdout, tell: &mut dyn FnMut(&str, &str)) -> io::Result<()> {
    for entry in tar::Archive::new(&mut *pipe).entries()? {
        let mut entry = entry?;
        let inside = entry.path()?.components().skip(1).collect::<PathBuf>().to_string_lossy().into_owned();
        if entry.header().entry_type().is_file() && wanted(&inside) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            tell(&inside, &String::from_utf8_lossy(&bytes));
        }
    }
    Ok(())
}

/// `xz -dc`, which does not outlive its reader.
struct Xz {
    child: Child,
    pipe: ChildStdout,
}

impl Xz {
    fn of(file: fs::File) -> io::Result<Self> {
        let mut command = Command::new("xz");
        command.args(["-dc", "-q"]).stdin(file).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let pipe = child.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
        Ok(Self { child, pipe })
    }
}

impl Drop for Xz {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
