//! Who can export and who can import dma-bufs.
//!
//! A back end is one file that finds its endpoints on a [`System`] and opens them as a [`Device`]. To add one: write the
//! file, with a [`Backend`] constant in it, and name the constant in [`inventory::BACKENDS`].
//!
//! | back end | exports | imports |
//! |---|---|---|
//! | [`canary`] | every form of memory, pageless too (a module of our own) | by DMA addresses only |
//! | [`drm`] | dumb buffers by PRIME | PRIME |
//! | [`v4l2`] | queue buffers by EXPBUF | queues of memory DMABUF |
//! | [`heap`] | allocations | – |
//! | [`udmabuf`] | memfds | – |
//! | [`vfio`] | frames of mediated displays, BARs of PCI devices | – |
//! | `gbm` (cargo feature) | buffer objects | buffer objects |
//! | [`mock`] | memfds that misbehave on demand, for tests of the suite | the same |

pub mod backend;
pub mod buffer;
pub mod canary;
pub mod drm;
pub mod endpoint;
pub mod fence;
pub mod files;
pub mod flow;
#[cfg(feature = "gbm")]
pub mod gbm;
pub mod heap;
pub mod holders;
pub mod inventory;
pub mod mock;
pub mod module;
pub mod refusal;
pub mod system;
pub mod udmabuf;
pub mod v4l2;
pub mod vfio;
pub mod work;

pub use backend::Backend;
pub use buffer::{Buffer, Decoys, Device, ExportFlags, ImagePlane, ImagePlanes, ImportSize};
pub use endpoint::Endpoint;
pub use fence::Fence;
pub use files::Files;
pub use flow::Feed;
pub use refusal::Refusal;
pub use system::System;
pub use work::{Buffers, Plane, Wait, Work, WorkError, WorkResult};
