//! Why a call did not succeed: the kernel refused it, or it never reached the kernel.

use std::io;

use nix::errno::Errno;

/// A call that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallError {
    /// The kernel refused it, with this errno.
    Kernel(Errno),
    /// It did not reach the kernel, for this reason: nothing is known of what the kernel would say.
    NotAsked(&'static str),
}

impl CallError {
    /// The errno that the kernel returned, or UnknownErrno where it was not asked: no rule allows that one.
    pub fn errno(self) -> Errno {
        match self {
            Self::Kernel(errno) => errno,
            Self::NotAsked(_) => Errno::UnknownErrno,
        }
    }
}

/// The errno that the kernel returned; nothing for an error that a library made itself.
pub fn kernel_errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw)
}

/// The errno of an error that a system call returned, or UnknownErrno.
pub fn errno_of(error: &io::Error) -> Errno {
    CallError::from(error).errno()
}

impl From<Errno> for CallError {
    fn from(errno: Errno) -> Self {
        Self::Kernel(errno)
    }
}

impl From<io::Error> for CallError {
    fn from(error: io::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&io::Error> for CallError {
    fn from(error: &io::Error) -> Self {
        let refused = Self::NotAsked("a library refused the call before it reached the kernel");
        kernel_errno(error).map_or(refused, Self::Kernel)
    }
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kernel(errno) => errno.fmt(f),
            Self::NotAsked(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for CallError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_of_the_kernel_stays_what_it_is() {
        let error = io::Error::from_raw_os_error(Errno::EBADF as i32);
        assert_eq!((errno_of(&error), CallError::from(error)), (Errno::EBADF, CallError::Kernel(Errno::EBADF)));
    }

    #[test]
    fn what_a_library_refuses_has_no_errno() {
        let error = io::Error::new(io::ErrorKind::InvalidData, "too long");
        assert_eq!((kernel_errno(&error), errno_of(&error)), (None, Errno::UnknownErrno));
        assert!(matches!(CallError::from(error), CallError::NotAsked(_)));
    }
}
