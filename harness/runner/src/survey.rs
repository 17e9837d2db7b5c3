//! What only a first export tells of an endpoint, for the cases that choose by it.

use device::Endpoint;
use spec::case::Memory;

use event::EndpointFound;

/// An endpoint with what its first export told.
pub fn known(endpoint: &Endpoint, found: &EndpointFound) -> Endpoint {
    let map_dma_buf = found.map_dma_buf.as_ref().and_then(|through| through.symbol.clone());
    Endpoint { map_dma_buf, memory: endpoint.memory.or_else(|| memory_of(found)), ..endpoint.clone() }
}

/// What the buffers of an endpoint are made of, as far as its first export told.
pub fn memory_of(found: &EndpointFound) -> Option<Memory> {
    memory(found.map_dma_buf.as_ref()?.symbol.as_deref()?, &found.driver)
}

/// What the buffers behind a map_dma_buf are made of. `drm_gem_map_dma_buf` serves every kind of memory: there the
/// driver tells, by the helpers that it is written with.
fn memory(symbol: &str, driver: &str) -> Option<Memory> {
    const SHMEM: &[&str] = &["vgem", "vkms", "cirrus", "cirrus-qemu", "gud", "udl", "simpledrm", "prime_drm_shmem"];
    const GEM_DMA: &[&str] =
        &["pl111", "stm", "hdlcd", "mali-dp", "tilcdc", "mxsfb-drm", "zynqmp-dpsub", "tve200", "prime_drm_coherent"];
    match symbol {
        "system_heap_map_dma_buf" | "map_udmabuf" | "vb2_vmalloc_dmabuf_ops_map" | "vb2_dma_sg_dmabuf_ops_map" => {
            Some(Memory::Scattered)
        }
        "cma_heap_map_dma_buf" => Some(Memory::Contiguous),
        "vb2_dc_dmabuf_ops_map" => Some(Memory::Coherent),
        "drm_gem_map_dma_buf" if SHMEM.contains(&driver) => Some(Memory::Scattered),
        "drm_gem_map_dma_buf" if GEM_DMA.contains(&driver) => Some(Memory::Coherent),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::MapDmaBuf;
    use spec::case::Kind;
    use std::path::PathBuf;

    #[test]
    fn the_memory_is_told_by_the_symbol_and_where_that_serves_many_by_the_driver() {
        let endpoint = Endpoint::new(Kind::Drm, "drm-vgem", "vgem", PathBuf::from("/dev/x"));
        let through = |driver: &str, symbol: &str| {
            let found = MapDmaBuf { symbol: Some(symbol.into()), exp_name: "drm".into(), observed: true };
            EndpointFound { driver: driver.into(), map_dma_buf: Some(found), ..EndpointFound::default() }
        };
        let seen = known(&endpoint, &through("vgem", "drm_gem_map_dma_buf"));
        assert_eq!((seen.memory, seen.map_dma_buf.as_deref()), (Some(Memory::Scattered), Some("drm_gem_map_dma_buf")));
        assert_eq!(known(&endpoint, &through("vivid", "vb2_dc_dmabuf_ops_map")).memory, Some(Memory::Coherent));
        let unknown = Endpoint { driver: "amdgpu".into(), ..endpoint };
        assert_eq!(known(&unknown, &through("amdgpu", "drm_gem_map_dma_buf")).memory, None);
        let told = Endpoint { memory: Some(Memory::Pageless), ..unknown.clone() };
        assert_eq!(known(&told, &through("x", "canary_map")).memory, Some(Memory::Pageless));
        assert_eq!(known(&unknown, &EndpointFound::default()).map_dma_buf, None);
    }
}
