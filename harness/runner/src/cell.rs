//! What happens inside a cell's process: [`execute`] opens the devices and does the steps one by one; the first finding
//! that is worse than a property ends it.

mod access;
mod balance;
mod counts;
mod descriptors;
mod devices;
pub mod documented;
mod execute;
mod fences;
mod framebuffer;
mod memory;
pub mod message;
mod misuse;
mod names;
mod planes;
mod processes;
mod refusal;
mod requirements;
mod rounds;
mod steps;
mod stop;
mod stream;
mod world;
mod zero;

pub use execute::{deadline, execute};
pub use misuse::word;
pub(crate) use stream::{BEFORE, INPUT, filled, own_input, steady};
