//! The emulated machine: QEMU, its console, and what is heard there.

pub mod architecture;
pub mod console;
pub mod device_tree;
pub mod emulator;
pub mod follower;
pub mod qemu;
