//! What a device says no with.

use uapi::{CallError, Errno};

/// A device said no, or could not even be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The kernel refused a call.
    #[error("{call}: {errno}")]
    Kernel {
        /// By its kernel name.
        call: &'static str,
        /// With what.
        errno: Errno,
    },
    /// The interface has no way to ask for it: no call was made.
    #[error("{0}")]
    NotAsked(&'static str),
}

impl Refusal {
    /// Names the call that an error came from. What did not reach the kernel is not its refusal.
    pub fn of<E: Into<CallError>>(call: &'static str) -> impl Fn(E) -> Self {
        move |error| match error.into() {
            CallError::Kernel(errno) => Self::Kernel { call, errno },
            CallError::NotAsked(why) => Self::NotAsked(why),
        }
    }

    /// The kernel's errno, if a call was made.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Kernel { errno, .. } => Some(*errno),
            Self::NotAsked(_) => None,
        }
    }
}

/// A device without a call that could be made wrongly in the way asked for.
pub const NO_SUCH_CALL: Refusal = Refusal::NotAsked("the device has no such call");
/// A device whose fences no program signals.
pub const NO_FENCES: Refusal = Refusal::NotAsked("the device makes no fences that a program can signal");
