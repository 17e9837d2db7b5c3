//! Two runs side by side, kernel against kernel or board against board: what has changed from one to the other.
//!
//! Cells are held together by their ids and by nothing else: a device of another name is another device.

mod causes;
mod compare;
mod model;
mod text;

pub use causes::{CauseChange, How};
pub use compare::between;
pub use model::{Change, Diff, Endpoint, Side};
pub use text::text;

#[cfg(test)]
mod tests;
