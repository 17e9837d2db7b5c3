//! VFIO: devices that were handed to user space. Reference: `include/uapi/linux/vfio.h`, `drivers/vfio/`.
//!
//! Nothing here binds a device or makes a mediated one: who does decides that nobody else needs it.

use std::rc::Rc;

use document::case::Kind;

use crate::buffer::Device;
use crate::endpoint::Endpoint;
use crate::inventory::Backend;
use crate::system::System;

mod group;
mod mbochs;
mod memory;

/// Mediated devices of mbochs.
pub const BACKEND: Backend = Backend { kind: Kind::Vfio, find, open };

fn find(system: &System) -> Vec<Endpoint> {
    mbochs::find(system)
}

fn open(endpoint: &Endpoint) -> std::io::Result<Rc<dyn Device>> {
    mbochs::open(endpoint)
}
