//! What a back end is.

use std::rc::Rc;

use crate::buffer::Device;
use crate::endpoint::Endpoint;
use crate::system::System;

/// Finds and opens one kind of endpoint.
pub struct Backend {
    /// Whose endpoints it opens.
    pub kind: spec::case::Kind,
    /// Finds its endpoints. One that cannot be opened is found too, and says why it is blocked.
    pub find: fn(&System) -> Vec<Endpoint>,
    /// Opens one of them.
    pub open: fn(&Endpoint) -> std::io::Result<Rc<dyn Device>>,
}
