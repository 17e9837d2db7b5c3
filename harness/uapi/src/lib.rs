//! The kernel's interfaces as safe functions: ioctls that no crate offers, and every `unsafe`
//! block of the harness. No policy: a function here makes one call and returns what the kernel
//! said.
//!
//! | module | what |
//! |---|---|
//! | [`canary`] | our own module, which watches who shares its buffers |
//! | [`dma_buf`] | what every dma-buf file can do |
//! | [`heap`], [`udmabuf`] | exporters without a device |
//! | [`drm`] | DRM calls that the `drm` crate leaves out |
//! | [`fragment`] | free memory in single pages |
//! | `gbm` (cargo feature) | GEM handles of buffer objects |
//! | [`v4l2`] | buffer queues of V4L2 devices |
//! | [`media`] | what a frame goes through before a V4L2 node |
//! | [`vfio`] | devices handed to user space |
//! | [`sync_file`] | readiness and fences |
//! | [`malformed`] | ioctls of whatever numbers and bytes |
//! | [`misuse`] | calls with bad arguments, which must be refused |
//! | [`memory`] | mappings that a device may write: raw pointers, volatile access |
//! | [`pin`] | get_user_pages, asked from user space |
//! | [`process`] | child processes that may crash or hang |
//! | [`shared_log`] | what a child process said, in memory that outlives it |
//! | [`socket`] | files passed between processes |
//! | [`limit`] | limits of this process that hold for a while |

#![allow(
    clippy::unnecessary_cast,
    clippy::useless_conversion,
    reason = "the C library's types differ between 32 and 64 bit"
)]

mod call_error;
pub mod canary;
pub mod dma_buf;
pub mod drm;
pub mod fragment;
#[cfg(feature = "gbm")]
pub mod gbm;
pub mod heap;
pub mod limit;
pub mod malformed;
pub mod media;
pub mod memory;
pub mod misuse;
pub mod pin;
pub mod process;
pub mod render;
pub mod retry;
pub mod shared_log;
pub mod socket;
pub mod sync_file;
pub mod udmabuf;
pub mod v4l2;
pub mod vfio;
pub mod watchdog;

pub use call_error::{CallError, errno_of, kernel_errno};
pub use nix::errno::Errno;
