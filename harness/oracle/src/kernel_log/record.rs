//! One record of the kernel's log, as `/dev/kmsg` gives it.

use serde::{Deserialize, Serialize};

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// From 0, an emergency, to 7, debugging (`include/linux/kern_levels.h`).
    pub level: u8,
    /// Who wrote it: 0 is the kernel; user space cannot write as 0.
    pub facility: u8,
    /// Microseconds since boot.
    pub time_us: u64,
    /// What it says; more than one line is possible.
    pub text: String,
}
