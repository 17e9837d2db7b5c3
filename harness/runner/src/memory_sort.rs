//! What an endpoint's buffers are to devices, by the function that its first export went through and by its driver: the
//! registry of implementations knows.

use spec::case::Memory;
use spec::registry::{Registry, Version};

use catalogue::registry;
use event::EndpointFound;

/// The sorts of memory that drivers have in one kernel.
pub struct MemorySorts {
    registry: Option<Registry>,
    kernel: Option<Version>,
}

impl MemorySorts {
    /// Returns the sorts of the running kernel.
    pub fn of_this_kernel() -> Self {
        Self::of(&uapi::process::kernel().map(|(release, _)| release).unwrap_or_default())
    }

    /// Returns the sorts of a kernel, by its release.
    pub fn of(release: &str) -> Self {
        Self { registry: registry::embedded().ok(), kernel: Version::of_release(release).ok() }
    }

    /// Returns the memory of an endpoint's buffers, as far as its first export showed.
    pub fn of_endpoint(&self, found: &EndpointFound) -> Option<Memory> {
        let through = found.map_dma_buf.as_ref()?;
        let symbol = through.symbol.as_deref()?;
        self.registry.as_ref()?.memory(symbol, &through.exp_name, &found.driver, self.kernel.as_ref()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::MapDmaBuf;

    #[test]
    fn the_function_tells_it_and_where_that_serves_many_the_driver_in_this_kernel() {
        let sort = |release: &str, driver: &str, symbol: &str, exp_name: &str| {
            let through = MapDmaBuf { symbol: Some(symbol.into()), exp_name: exp_name.into(), observed: true };
            let found = EndpointFound { driver: driver.into(), map_dma_buf: Some(through), ..EndpointFound::default() };
            MemorySorts::of(release).of_endpoint(&found)
        };
        let drm = |release: &str, driver: &str| sort(release, driver, "drm_gem_map_dma_buf", "drm");
        assert_eq!(drm("6.12.117+deb13-amd64", "vgem"), Some(Memory::Scattered));
        assert_eq!((drm("7.2.12", "bochs-drm"), drm("6.12.117", "bochs-drm")), (Some(Memory::Scattered), None));
        assert_eq!(
            (drm("6.12.117", "pl111"), drm("6.12.117", "exynos")),
            (Some(Memory::Coherent), Some(Memory::Coherent))
        );
        assert_eq!((drm("6.12.117", "rockchip"), drm("6.12.117", "unheard")), (None, None));
        let panfrost = sort("7.3.4", "panfrost", "panfrost_gem_prime_map_dma_buf", "panfrost");
        assert_eq!(panfrost, Some(Memory::Scattered));
        let contiguous = sort("6.12.117", "vivid", "vb2_dc_dmabuf_ops_map", "videobuf2_dma_contig");
        assert_eq!(contiguous, Some(Memory::Coherent));
        let heap = sort("6.12.117", "heap", "cma_heap_map_dma_buf", "reserved");
        assert_eq!(heap, Some(Memory::Contiguous));
        assert_eq!(sort("6.12.117", "canary", "canary_map", "prime_canary"), None);
    }
}
