//! An oracle that this kernel, or these rights, do not allow.

use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

/// The reason why an oracle cannot look, with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {}{}; {remedy}", .path.display(), Reason(.errno))]
pub struct NotAvailable {
    /// The operation, in words.
    pub what: String,
    /// The file or folder that refused.
    pub path: PathBuf,
    /// The remedy.
    pub remedy: String,
    /// The kernel's errno, if there was one.
    #[source]
    pub errno: Option<Errno>,
}

struct Reason<'a>(&'a Option<Errno>);

impl std::fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |errno| write!(f, ": {errno}"))
    }
}

impl NotAvailable {
    /// From a failed access to a file.
    pub(crate) fn from_io(what: &str, path: &Path, remedy: &str, error: &io::Error) -> Self {
        let errno = uapi::kernel_errno(error);
        Self { what: what.into(), path: path.into(), remedy: remedy.into(), errno }
    }

    /// Where the kernel answered, but not with what was looked for.
    pub(crate) fn because(what: &str, path: &Path, remedy: &str) -> Self {
        Self { what: what.into(), path: path.into(), remedy: remedy.into(), errno: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    #[test]
    fn it_says_what_where_why_and_what_to_do() {
        let error = io::Error::from_raw_os_error(Errno::EACCES as i32);
        let refused = NotAvailable::from_io("read the kernel's log", Path::new("/dev/kmsg"), "run as root", &error);
        assert_eq!(refused.to_string(), "read the kernel's log: /dev/kmsg: EACCES: Permission denied; run as root");
        assert_eq!(refused.source().unwrap().to_string(), "EACCES: Permission denied");
    }

    #[test]
    fn without_an_errno_it_is_still_a_sentence() {
        let absent = NotAvailable::because("find the buffer", Path::new("bufinfo"), "mount debugfs");
        assert_eq!(absent.to_string(), "find the buffer: bufinfo; mount debugfs");
    }
}
