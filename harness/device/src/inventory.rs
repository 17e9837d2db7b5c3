//! Every endpoint of a board.

use std::rc::Rc;

use crate::backend::Backend;
use crate::buffer::Device;
use crate::endpoint::{Endpoint, number_twins};
use crate::system::System;

/// Every back end. The mock is found only where a test asks for it.
pub const BACKENDS: &[Backend] = &[
    crate::drm::BACKEND,
    crate::v4l2::BACKEND,
    crate::heap::BACKEND,
    crate::udmabuf::BACKEND,
    crate::canary::BACKEND,
    crate::vfio::BACKEND,
    #[cfg(feature = "gbm")]
    crate::gbm::BACKEND,
];

/// Finds every endpoint of a system, in the order of their keys.
pub fn find(system: &System) -> Vec<Endpoint> {
    find_with(BACKENDS, system)
}

/// Finds the endpoints of some back ends.
pub fn find_with(backends: &[Backend], system: &System) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = backends.iter().flat_map(|backend| (backend.find)(system)).collect();
    number_twins(&mut endpoints);
    endpoints
}

/// Opens an endpoint.
///
/// # Errors
/// The errno of opening its node.
pub fn open(endpoint: &Endpoint) -> std::io::Result<Rc<dyn Device>> {
    let backend = BACKENDS.iter().chain([&crate::mock::BACKEND]).find(|backend| backend.kind == endpoint.kind);
    (backend.expect("an endpoint comes from a back end").open)(endpoint)
}
