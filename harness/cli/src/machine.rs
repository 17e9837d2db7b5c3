//! The machine that a command works on: its own devices, or mocks.

use std::rc::Rc;

use runner::run::{Inventory, Sources, inventory};

use crate::error::CommandError;
use crate::options::Machine;

/// The endpoints, before any of them has exported.
pub fn endpoints(machine: &Machine) -> Result<Vec<Rc<device::Endpoint>>, CommandError> {
    match &machine.mock {
        None => Ok(inventory::endpoints()),
        Some(words) => {
            let endpoints = device::mock::endpoints(words, &machine.kernel_log).map_err(CommandError::Mock)?;
            Ok(endpoints.into_iter().map(Rc::new).collect())
        }
    }
}

/// Looks at the machine: starts the oracles and exports one buffer of each endpoint.
pub fn look(machine: &Machine) -> Result<Inventory, CommandError> {
    Ok(Inventory::take(&sources(machine), &endpoints(machine)?))
}

/// Where the oracles look.
pub fn sources(machine: &Machine) -> Sources {
    let tracefs = machine.mock.is_none().then(|| machine.tracefs.clone());
    Sources { kernel_log: machine.kernel_log.clone(), tracefs, ..Sources::default() }
}
