//! What a board boots: the initramfs and what is in it.

pub mod busybox;
pub mod initramfs;
pub mod parts;
pub mod program;
pub mod userland;
