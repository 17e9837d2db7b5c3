//! Which change of a kernel brought a fault: `ci/board run --bisect` and `ci/board bisect`.

pub mod debian;
pub mod judge;
pub mod offered;
pub mod search;
