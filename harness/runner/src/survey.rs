//! Facts that only a first export shows of an endpoint, for the cases that choose by them.

use device::Endpoint;
use event::EndpointFound;

use crate::memory_sort::MemorySorts;

/// Returns an endpoint with what its first export showed.
pub fn known(endpoint: &Endpoint, found: &EndpointFound, sorts: &MemorySorts) -> Endpoint {
    let map_dma_buf = found.map_dma_buf.as_ref().and_then(|through| through.symbol.clone());
    let (module, memory) = (found.module.clone(), endpoint.memory.or_else(|| sorts.of_endpoint(found)));
    Endpoint { module, map_dma_buf, memory, ..endpoint.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::MapDmaBuf;
    use spec::case::{Kind, Memory};
    use std::path::PathBuf;

    #[test]
    fn what_an_endpoint_says_of_its_memory_counts_before_what_its_export_shows() {
        let sorts = MemorySorts::of("6.12.117");
        let endpoint = Endpoint::new(Kind::Drm, "drm-vgem", "vgem", PathBuf::from("/dev/x"));
        let found = MapDmaBuf { symbol: Some("drm_gem_map_dma_buf".into()), exp_name: "drm".into(), observed: true };
        let found = EndpointFound { driver: "vgem".into(), map_dma_buf: Some(found), ..EndpointFound::default() };
        let seen = known(&endpoint, &found, &sorts);
        assert_eq!((seen.memory, seen.map_dma_buf.as_deref()), (Some(Memory::Scattered), Some("drm_gem_map_dma_buf")));
        let known_before = Endpoint { memory: Some(Memory::Pageless), ..endpoint.clone() };
        assert_eq!(known(&known_before, &found, &sorts).memory, Some(Memory::Pageless));
        assert_eq!(known(&endpoint, &EndpointFound::default(), &sorts).map_dma_buf, None);
    }
}
