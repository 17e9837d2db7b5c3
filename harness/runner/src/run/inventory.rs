//! The board as one look at it shows it: its endpoints, and what only a first export of each shows.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use device::{Endpoint, System};
use event::{EndpointFound, MapDmaBuf};
use spec::case::{Kind, Memory};

use super::child;
use super::exported::of_steps;
use super::runner::Runner;
use super::watch::{Sources, Watch};
use crate::cell::message::Message;
use crate::memory_sort::MemorySorts;
use crate::survey;

/// The endpoints of this machine, before any of them has exported.
pub fn endpoints() -> Vec<Rc<Endpoint>> {
    device::inventory::find(&System::default()).into_iter().map(Rc::new).collect()
}

/// A board that was looked at.
pub struct Inventory {
    /// The runner of cells; its oracles have started.
    pub runner: Runner,
    /// The endpoints, with the memory and the map_dma_buf of their buffers as far as these are known.
    pub endpoints: Vec<Rc<Endpoint>>,
    /// The same as events.
    pub found: Vec<EndpointFound>,
}

impl Inventory {
    /// Starts the oracles and exports one small buffer of each endpoint.
    pub fn take(sources: &Sources, endpoints: &[Rc<Endpoint>]) -> Self {
        let mut watch = Watch::start(sources);
        let found: Vec<EndpointFound> = endpoints.iter().map(|endpoint| look_at(&mut watch, endpoint)).collect();
        let sorts = MemorySorts::of_this_kernel();
        let contiguous =
            |found: &&EndpointFound| matches!(sorts.of_endpoint(found), Some(Memory::Coherent | Memory::Contiguous));
        let contiguous = found.iter().filter(contiguous).map(|endpoint| endpoint.key.clone()).collect();
        let known =
            |(endpoint, found): (&Rc<Endpoint>, &EndpointFound)| Rc::new(survey::known(endpoint, found, &sorts));
        let endpoints = endpoints.iter().zip(&found).map(known).collect();
        Self { runner: Runner::new(watch, contiguous), endpoints, found }
    }
}

/// Returns what is known of an endpoint, after a first export of it in a process of its own.
fn look_at(watch: &mut Watch, endpoint: &Endpoint) -> EndpointFound {
    let sys = Path::new("/sys");
    let module = match endpoint.kind {
        Kind::Mock => None,
        _ => device::module::of(sys, &endpoint.topology, &endpoint.driver),
    };
    let uses = module.as_ref().map(|module| device::module::used_by(sys, module)).unwrap_or_default();
    let kind = serde_json::to_value(endpoint.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
    EndpointFound {
        key: endpoint.key.clone(),
        kind: kind.unwrap_or_default(),
        driver: endpoint.driver.clone(),
        module,
        uses,
        node: endpoint.node.display().to_string(),
        topology: endpoint.topology.clone(),
        exports: endpoint.exports,
        imports: endpoint.imports,
        smallest: endpoint.smallest,
        blocked: endpoint.blocked.clone(),
        map_dma_buf: first_export(watch, endpoint),
    }
}

fn first_export(watch: &mut Watch, endpoint: &Endpoint) -> Option<MapDmaBuf> {
    if endpoint.blocked.is_some() || !endpoint.exports {
        return None;
    }
    watch.begin();
    let ran = child::run(Duration::from_secs(20), |say| {
        let exported = device::inventory::open(endpoint).ok().and_then(|device| {
            let buffer = device.allocate(endpoint.smallest.max(4096)).ok()?;
            let file = buffer.export(device::ExportFlags { writable: true, close_on_exec: true }).ok()?;
            oracle::provenance::from_fdinfo(&device.files().fdinfo(std::os::fd::AsFd::as_fd(&file)).ok()?)
        });
        if let Some(found) = exported.map(|found| found.of_driver(&endpoint.driver)) {
            let found = MapDmaBuf { symbol: found.map_dma_buf, exp_name: found.exp_name, observed: false };
            say(&Message::Exported(found));
        }
    });
    let seen = watch.end(ran.pid, &endpoint.driver);
    of_steps(seen.exported, ran.exported()).into_iter().next()
}
