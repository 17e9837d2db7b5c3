//! Fences of devices, as a program sees them.

use crate::refusal::Refusal;

/// Something that a device has yet to do. Dropping it does not signal it; the device's file does, when it is closed.
pub trait Fence {
    /// The device has done it.
    ///
    /// # Errors
    /// ETIMEDOUT for a fence that had expired, ENOENT for one that was signalled.
    fn signal(&self) -> Result<(), Refusal>;
}
