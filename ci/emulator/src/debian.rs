//! From Debian's packages: kernels, their modules and headers, compilers.

pub mod apt_sources;
pub mod archive;
pub mod cross;
pub mod custom;
pub mod drivers;
pub mod index;
pub mod kernel;
pub mod kernel_source;
pub mod modules;
pub mod qemu;
pub mod toolchain;
