//! A device's work on imported buffers, compared with its work on its own.
//!
//! Nothing needs to be known of what a device does with a frame: with the same input it does the same to every buffer. It
//! works on its own buffers twice, filled beforehand with bytes and then with their complements, so that each byte is one
//! that it wrote, one that it left alone, or one that differs from run to run. A display also works on other bytes, which
//! has to show; if it does, and the imported buffers agree with its own, that is enough.

mod judge;
mod reference;
mod step;
mod tested;
mod view;
mod waiting;
mod work;
mod work_error;
mod work_order;

pub(crate) use judge::filled;
pub(crate) use reference::steady;
pub use step::stream;
pub(crate) use work_order::{BEFORE, INPUT, own_input};
