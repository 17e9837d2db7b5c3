//! The functions that an exporter's name stands for, for kernels that cannot be traced.

use super::{Evidence, Exported};
use crate::balance::FdInfo;

/// Names that belong to only one `map_dma_buf`. Not here: `drm`, the name of every driver that exports through the core,
/// amdgpu and xe with functions of their own among them; `amdxdna`, which has three.
const FUNCTIONS: &[(&str, &str)] = &[
    ("system", "system_heap_map_dma_buf"),
    ("system_cc_shared", "system_heap_map_dma_buf"),
    // The CMA heap is named after its area; these are the default one's names.
    ("default_cma_region", "cma_heap_map_dma_buf"),
    ("reserved", "cma_heap_map_dma_buf"),
    ("linux,cma", "cma_heap_map_dma_buf"),
    ("udmabuf", "map_udmabuf"),
    ("virtio_gpu", "virtgpu_gem_map_dma_buf"),
    ("videobuf2_dma_contig", "vb2_dc_dmabuf_ops_map"),
    ("videobuf2_dma_sg", "vb2_dma_sg_dmabuf_ops_map"),
    ("videobuf2_vmalloc", "vb2_vmalloc_dmabuf_ops_map"),
    ("prime_canary", "canary_map"),
    ("msm", "drm_gem_map_dma_buf"),
    ("i915", "i915_gem_map_dma_buf"),
    ("armada", "armada_gem_prime_map_dma_buf"),
    ("omapdrm", "omap_gem_map_dma_buf"),
    ("tegra_drm", "tegra_gem_prime_map_dma_buf"),
    ("panfrost", "panfrost_gem_prime_map_dma_buf"),
    ("panthor", "panthor_gem_prime_map_dma_buf"),
    // The second name is of kernels in which the function's caller was a part of TTM.
    ("vmwgfx", "vmw_prime_map_dma_buf"),
    ("ttm", "vmw_prime_map_dma_buf"),
    ("tee", "tee_heap_map_dma_buf"),
    ("habanalabs", "hl_map_dmabuf"),
    ("ivpu_userptr_dmabuf", "ivpu_gem_userptr_dmabuf_map"),
    ("fastrpc", "fastrpc_map_dma_buf"),
    ("vfio_pci_core", "vfio_pci_dma_buf_map"),
    ("ib_uverbs", "uverbs_dmabuf_map"),
    ("iommufd", "iommufd_test_dma_buf_map"),
    ("xen_gntdev", "dmabuf_exp_ops_map_dma_buf"),
    ("mbochs", "mbochs_map_dmabuf"),
    ("snd_soc_fsl_asrc", "fsl_asrc_m2m_map_dma_buf"),
];

/// Drivers that let the core export and then put their own `dma_buf_ops` in place (`amdgpu_gem_prime_export`,
/// `xe_gem_prime_export`): neither the name nor a probe on `dma_buf_export` shows it.
const REPLACED: &[(&str, &str)] = &[("amdgpu", "amdgpu_dma_buf_map"), ("xe", "xe_dma_buf_map")];

/// Reads `/proc/PID/fdinfo/FD` of a dma-buf, which needs no rights; `None` for a file that is not a dma-buf. The function
/// is left out where the name does not determine it.
pub fn from_fdinfo(fdinfo: &str) -> Option<Exported> {
    let FdInfo { exp_name, size, .. } = FdInfo::parse(fdinfo)?;
    let function = FUNCTIONS.iter().find(|(name, _)| *name == exp_name);
    Some(Exported {
        map_dma_buf: function.map(|(_, function)| (*function).into()),
        exp_name,
        module: None,
        size: Some(size),
        pid: None,
        evidence: Evidence::Inferred,
    })
}

impl Exported {
    /// The same, with what is known of the DRM driver that exported it.
    pub fn of_driver(self, driver: &str) -> Self {
        let replaced = REPLACED.iter().find(|(name, _)| *name == driver && self.exp_name == "drm");
        match replaced {
            Some((module, function)) => Self {
                map_dma_buf: Some((*function).into()),
                module: Some((*module).into()),
                evidence: Evidence::Inferred,
                ..self
            },
            None => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(exp_name: &str) -> Option<String> {
        from_fdinfo(&format!("size:\t4096\ncount:\t1\nexp_name:\t{exp_name}\n")).unwrap().map_dma_buf
    }

    #[test]
    fn a_name_of_one_exporter_tells_its_function() {
        assert_eq!(function("videobuf2_dma_contig").as_deref(), Some("vb2_dc_dmabuf_ops_map"));
        assert_eq!(function("udmabuf").as_deref(), Some("map_udmabuf"));
    }

    #[test]
    fn a_name_of_many_tells_nothing() {
        for name in ["drm", "amdxdna", "a-driver-of-tomorrow"] {
            assert_eq!(function(name), None, "{name}");
        }
        assert_eq!(from_fdinfo("pos:\t0\n"), None);
    }

    #[test]
    fn functions_that_were_replaced_after_the_export() {
        let exported = from_fdinfo("size:\t4096\ncount:\t1\nexp_name:\tdrm\n").unwrap();
        let traced =
            Exported { map_dma_buf: Some("drm_gem_map_dma_buf".into()), evidence: Evidence::Traced, ..exported };
        assert_eq!(traced.clone().of_driver("vgem"), traced);
        let corrected = traced.of_driver("amdgpu");
        assert_eq!(corrected.map_dma_buf.as_deref(), Some("amdgpu_dma_buf_map"));
        assert_eq!(corrected.evidence, Evidence::Inferred);
    }

    #[test]
    fn no_name_stands_twice() {
        let mut names: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FUNCTIONS.len());
    }
}
