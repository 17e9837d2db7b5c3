//! Why a cell has no stand-alone program.

/// The reason why a cell has no such program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// A device of a kind that needs more than the kernel's own headers.
    #[error("{0} needs more than a program of C and the kernel's headers; run the cell itself")]
    Device(String),
    /// A device that cannot be used here.
    #[error("{0} cannot be used here: {1}")]
    Blocked(String, String),
    /// Something that the program would have to do and that is not written for it.
    #[error("no program is made for {0}; run the cell itself")]
    Step(String),
}
