//! Who can be to blame: each endpoint, and whatever several of them share.

use std::collections::{BTreeMap, BTreeSet};

use event::EndpointFound;
use event::cause::{Role, Sharer, Suspect};
use spec::registry::{Registry, Version};

use crate::matrix::{Matrix, Seen};

/// An endpoint, or what several share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The kind of thing.
    pub kind: Sharer,
    /// Its name.
    pub name: String,
    /// The keys of the endpoints, sorted.
    pub keys: Vec<String>,
    /// The modules that a trace would name.
    pub modules: Vec<String>,
    /// What else these endpoints alone share.
    pub also: Vec<String>,
}

/// All groups of a board.
#[derive(Debug, Clone, Default)]
pub struct Suspects {
    /// The groups.
    pub groups: Vec<Group>,
    /// The endpoints that can be used.
    pub endpoints: Vec<Usable>,
    /// The modules of all drivers, and those that these share for their buffers.
    pub modules: Vec<String>,
}

/// An endpoint that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usable {
    /// Its key.
    pub key: String,
    /// The kind of device.
    pub kind: String,
    /// True if it exports.
    pub exports: bool,
    /// True if it imports.
    pub imports: bool,
}

/// A group by the numbers that its endpoints have in a matrix.
#[derive(Debug)]
pub struct Members(Vec<bool>);

impl Members {
    /// Finds the members of a group.
    pub fn of(group: &Group, matrix: &Matrix) -> Self {
        let mut is = vec![false; matrix.endpoints.len()];
        group.keys.iter().filter_map(|key| matrix.number_of(key)).for_each(|number| is[usize::from(number)] = true);
        Self(is)
    }

    /// Returns whether an endpoint belongs to it.
    pub fn has(&self, endpoint: u16) -> bool {
        self.0.get(usize::from(endpoint)).copied().unwrap_or(false)
    }

    /// Returns whether one of them has a role in a cell.
    pub fn take_part(&self, cell: &Seen, role: Role) -> bool {
        cell.in_role(role).any(|endpoint| self.has(endpoint))
    }

    /// Returns whether some of them take part in a cell, and no one else.
    pub fn are_alone(&self, cell: &Seen) -> bool {
        cell.endpoints().next().is_some() && cell.endpoints().all(|endpoint| self.has(endpoint))
    }
}

/// The names of what stands behind the DRM core and videobuf2, for a reader; others have that of their function.
const NAMES: &[(&str, &str)] = &[
    ("drm_gem_shmem_object_get_sg_table", "the GEM helper for shared memory (drm_gem_shmem_helper)"),
    ("drm_gem_dma_object_get_sg_table", "the GEM helper for DMA memory (drm_gem_dma_helper)"),
    ("drm_gem_vram_object_funcs", "the GEM helper for video memory (drm_gem_vram_helper)"),
    ("vb2_vmalloc_dmabuf_ops_map", "videobuf2's allocator vmalloc (videobuf2-vmalloc)"),
    ("vb2_dc_dmabuf_ops_map", "videobuf2's allocator dma-contig (videobuf2-dma-contig)"),
    ("vb2_dma_sg_dmabuf_ops_map", "videobuf2's allocator dma-sg (videobuf2-dma-sg)"),
];

fn name_of(symbol: &str) -> String {
    let known = NAMES.iter().find(|(known, _)| *known == symbol);
    known.map_or_else(|| format!("the code behind {symbol}"), |(_, name)| (*name).to_owned())
}

fn subsystem(endpoint: &EndpointFound) -> Option<&'static str> {
    match endpoint.kind.as_str() {
        "drm" | "gbm" => Some("the DRM core's PRIME (drm_prime)"),
        "v4l2" => Some("videobuf2 (videobuf2-core, videobuf2-v4l2)"),
        "heap" => Some("the dma-buf heaps (dma-heap)"),
        _ => None,
    }
}

/// Modules that drivers share and that make, map or import their buffers; a trailing `*` stands for any end. Others that drivers
/// happen to share, such as those of buses, bridges and panels, have nothing to do with what a buffer shows. The DRM core is a
/// suspect as a subsystem, and videobuf2's allocators are known by each endpoint's first export.
const LIBRARIES: &[&str] = &[
    "drm_buddy",
    "drm_dma_helper",
    "drm_exec",
    "drm_gem_*",
    "drm_gpusvm*",
    "drm_gpuvm",
    "drm_shmem_helper",
    "drm_suballoc_helper",
    "drm_ttm_helper",
    "drm_vram_helper",
    "prime_common",
    "ttm",
    "v4l2_mem2mem",
    "virtio_dma_buf",
];

/// Returns whether a module that drivers share can be at fault for their buffers.
fn may_share_buffers(module: &str) -> bool {
    LIBRARIES.iter().any(|library| match library.strip_suffix('*') {
        Some(beginning) => module.starts_with(beginning),
        None => module == *library,
    })
}

/// The driver as it is known to a reader: the module where there is one, since a module can have several drivers.
fn driver(endpoint: &EndpointFound) -> String {
    // The driver's name of a heap is the heap's; each mock is one of its own.
    if ["heap", "mock"].contains(&endpoint.kind.as_str()) {
        return endpoint.key.clone();
    }
    endpoint.module.clone().unwrap_or_else(|| endpoint.driver.clone())
}

impl Suspects {
    /// The groups of these endpoints, under a kernel of this release.
    pub fn of(endpoints: &[EndpointFound], registry: Option<&Registry>, release: &str) -> Self {
        let kernel = Version::of_release(release).ok();
        let allocator = |endpoint: &EndpointFound| -> Option<String> {
            let symbol = endpoint.map_dma_buf.as_ref().and_then(|through| through.symbol.clone());
            if ["drm", "gbm"].contains(&endpoint.kind.as_str()) {
                let row = registry.zip(kernel.as_ref());
                return row
                    .and_then(|(rows, kernel)| rows.back_end(&endpoint.driver, kernel))
                    .map(|row| row.symbol.clone());
            }
            symbol.filter(|_| endpoint.kind == "v4l2")
        };
        let mut groups: Vec<Group> = Vec::new();
        let mut add = |kind: Sharer, name: String, of: Vec<&EndpointFound>| {
            let mut keys: Vec<String> = of.iter().map(|endpoint| endpoint.key.clone()).collect();
            keys.sort();
            keys.dedup();
            let mut modules: Vec<String> = of.iter().map(|endpoint| driver(endpoint)).collect();
            modules.sort();
            modules.dedup();
            // Of two that have the same endpoints no run can tell which it is: the nearer one is named first.
            match groups.iter_mut().find(|group| group.keys == keys) {
                Some(same) if kind == Sharer::Allocator => same.also.push(name),
                // No run tells two modules that the same drivers use.
                Some(same) if (kind, same.kind) == (Sharer::Library, Sharer::Library) => same.also.push(name),
                Some(_) => {}
                None if keys.is_empty() => {}
                None => groups.push(Group { kind, name, keys, modules, also: Vec::new() }),
            }
        };
        let by = |key: &dyn Fn(&EndpointFound) -> Option<String>| {
            let mut sorted: BTreeMap<String, Vec<&EndpointFound>> = BTreeMap::new();
            for endpoint in endpoints {
                if let Some(key) = key(endpoint) {
                    sorted.entry(key).or_default().push(endpoint);
                }
            }
            sorted
        };
        // One endpoint of a driver that has no other is that driver.
        for (name, of) in by(&|endpoint| Some(driver(endpoint))) {
            let lone = of.iter().all(|endpoint| ["heap", "mock"].contains(&endpoint.kind.as_str()));
            add(if lone { Sharer::Endpoint } else { Sharer::Driver }, name, of);
        }
        endpoints.iter().for_each(|endpoint| add(Sharer::Endpoint, endpoint.key.clone(), vec![endpoint]));
        let drivers = by(&|endpoint| Some(endpoint.driver.clone()).filter(|_| endpoint.kind != "mock"));
        drivers.into_iter().for_each(|(name, of)| add(Sharer::Driver, name, of));
        by(&allocator).into_iter().for_each(|(symbol, of)| add(Sharer::Allocator, name_of(&symbol), of));
        by(&|endpoint| subsystem(endpoint).map(str::to_owned))
            .into_iter()
            .for_each(|(name, of)| add(Sharer::Subsystem, name, of));
        let libraries: BTreeSet<&String> = endpoints.iter().flat_map(|endpoint| &endpoint.uses).collect();
        for library in libraries.into_iter().filter(|name| may_share_buffers(name)) {
            add(Sharer::Library, library.clone(), endpoints.iter().filter(|one| one.uses.contains(library)).collect());
        }
        add(Sharer::DmaBuf, "dma-buf".into(), endpoints.iter().collect());
        let usable = endpoints.iter().filter(|endpoint| endpoint.blocked.is_none()).map(|endpoint| Usable {
            key: endpoint.key.clone(),
            kind: endpoint.kind.clone(),
            exports: endpoint.exports,
            imports: endpoint.imports,
        });
        let modules = endpoints.iter().map(driver);
        // Where a trace comes through one of these first, the driver behind has only called it.
        let shared =
            endpoints.iter().flat_map(|endpoint| &endpoint.uses).filter(|name| may_share_buffers(name)).cloned();
        let modules = modules.chain(shared).collect();
        Self { endpoints: usable.collect(), groups, modules }
    }
}

impl Group {
    /// As the event has it.
    pub fn suspect(&self, role: Role) -> Suspect {
        let (name, endpoints, also) = (self.name.clone(), self.keys.clone(), self.also.clone());
        Suspect { role, kind: self.kind, name, endpoints, also }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::MapDmaBuf;

    fn endpoint(key: &str, kind: &str, driver: &str, symbol: &str) -> EndpointFound {
        let through = MapDmaBuf { symbol: Some(symbol.into()), exp_name: "x".into(), observed: true };
        EndpointFound {
            key: key.into(),
            kind: kind.into(),
            driver: driver.into(),
            map_dma_buf: Some(through),
            ..EndpointFound::default()
        }
    }

    #[test]
    fn what_endpoints_share_is_found_from_the_driver_to_the_core() {
        let registry = catalogue::registry::embedded().unwrap();
        let drm = |driver: &str| endpoint(&format!("drm-{driver}"), "drm", driver, "drm_gem_map_dma_buf");
        let v4l2 = |key: &str, symbol: &str| endpoint(key, "v4l2", "vivid", symbol);
        let found = [
            drm("vgem"),
            drm("vkms"),
            drm("bochs-drm"),
            v4l2("v4l2-vivid-cap0", "vb2_vmalloc_dmabuf_ops_map"),
            v4l2("v4l2-vivid-cap1", "vb2_dc_dmabuf_ops_map"),
            endpoint("udmabuf", "udmabuf", "udmabuf", "map_udmabuf"),
        ];
        let suspects = Suspects::of(&found, Some(&registry), "6.12.117");
        let of = |kind: Sharer| -> Vec<String> {
            suspects.groups.iter().filter(|group| group.kind == kind).map(|group| group.keys.join(" ")).collect()
        };
        assert!(of(Sharer::Driver).contains(&"v4l2-vivid-cap0 v4l2-vivid-cap1".to_owned()));
        assert!(of(Sharer::Driver).contains(&"drm-vgem".to_owned()), "the only endpoint of a driver is the driver");
        assert_eq!(of(Sharer::Endpoint), ["v4l2-vivid-cap0", "v4l2-vivid-cap1"]);
        assert_eq!(of(Sharer::Allocator), ["drm-vgem drm-vkms"]);
        assert_eq!(of(Sharer::Subsystem), ["drm-bochs-drm drm-vgem drm-vkms"]);
        let bochs = suspects.groups.iter().find(|group| group.keys == ["drm-bochs-drm"]).unwrap();
        assert!(bochs.also[0].contains("drm_gem_vram_helper"), "{bochs:?}");
        assert_eq!(suspects.groups.last().map(|group| group.keys.len()), Some(6));
    }

    #[test]
    fn a_module_that_some_drivers_use_is_a_suspect_unless_it_has_no_buffers() {
        let of = |driver: &str, uses: &[&str]| {
            let uses = uses.iter().map(|&module| module.to_owned()).collect();
            EndpointFound { uses, module: Some(driver.into()), ..endpoint(driver, "v4l2", driver, driver) }
        };
        let suspects = Suspects::of(
            &[
                of("vim2m", &["analogix_dp", "ttm", "v4l2_mem2mem", "videobuf2_vmalloc", "videodev"]),
                of("vicodec", &["analogix_dp", "ttm", "v4l2_mem2mem", "videobuf2_vmalloc", "v4l2_tpg", "videodev"]),
                of("vimc", &["v4l2_tpg", "videobuf2_vmalloc", "videodev"]),
                of("vivid", &["videodev"]),
            ],
            None,
            "6.12",
        );
        let libraries = suspects.groups.iter().filter(|group| group.kind == Sharer::Library);
        let libraries: Vec<_> =
            libraries.map(|group| (&*group.name, group.keys.join(" "), group.also.join(" "))).collect();
        assert_eq!(libraries, [("ttm", "vicodec vim2m".to_owned(), "v4l2_mem2mem".to_owned())]);
    }

    #[test]
    fn drivers_of_one_module_are_one() {
        let of = |driver: &str| EndpointFound { module: Some("m".into()), ..endpoint(driver, "drm", driver, "x") };
        let suspects = Suspects::of(&[of("m_one"), of("m_two"), endpoint("z", "heap", "z", "y")], None, "6.12");
        let module = suspects.groups.iter().find(|group| group.name == "m").unwrap();
        assert_eq!((module.kind, module.keys.len()), (Sharer::Driver, 2));
    }
}
