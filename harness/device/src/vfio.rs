//! VFIO: devices that were handed to user space. Reference: `include/uapi/linux/vfio.h`, `drivers/vfio/`.
//!
//! Nothing here binds a device or makes a mediated one: whoever does decides that no one else needs it.

use std::rc::Rc;

use spec::case::Kind;

use crate::backend::Backend;
use crate::buffer::Device;
use crate::endpoint::Endpoint;
use crate::system::System;

mod group;
mod mbochs;
mod memory;
mod pci;

/// Mediated devices of mbochs, and PCI devices bound to vfio-pci that are known to have memory.
pub const BACKEND: Backend = Backend { kind: Kind::Vfio, find, open };

fn find(system: &System) -> Vec<Endpoint> {
    mbochs::find(system).into_iter().chain(pci::find(system)).collect()
}

fn open(endpoint: &Endpoint) -> std::io::Result<Rc<dyn Device>> {
    if endpoint.driver == pci::DRIVER { pci::open(endpoint) } else { mbochs::open(endpoint) }
}
