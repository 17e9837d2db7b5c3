//! A device of a cell, and what names it.

use kernel_log::faulting_device;

use super::frame::Frame;

/// A device of a cell, by the names that a trace can have of it.
#[derive(Debug, Clone, Default)]
pub struct Party {
    /// The driver's name, as the device tells it.
    pub driver: String,
    /// The module that has it; nothing where it is built in, or not known.
    pub module: Option<String>,
    /// Where the device sits, as a path in sysfs.
    pub topology: String,
}

impl Party {
    /// Returns whether a function is of its driver.
    pub(super) fn has(&self, frame: Frame<'_>) -> bool {
        let plain = |name: &str| name.replace('-', "_");
        match (&self.module, frame.module) {
            // What is built in has its driver's name before its functions' by custom.
            (None, "") => plain_stems(&self.driver)
                .iter()
                .any(|stem| frame.function.strip_prefix(stem.as_str()).is_some_and(|rest| rest.starts_with('_'))),
            (_, "") => false,
            (Some(module), named) => plain(module) == plain(named),
            (None, named) => belongs(named, &self.driver),
        }
    }

    /// Returns whether a line begins as one of `dev_err` of the device does: `vkms 0000:00:02.0: `, `platform vgem: `; or is an
    /// IOMMU's about the device, which Intel's names without the PCI domain: `02:00.0`.
    pub(super) fn is_named_in(&self, line: &str) -> bool {
        let mut path = self.topology.split('#').next().unwrap_or_default().rsplit('/');
        let device = path.next().unwrap_or_default();
        if device.is_empty() {
            return false;
        }
        if let Some(faulting) = faulting_device(line) {
            // What does the DMA of a virtio device is what it is on.
            let device = if device.starts_with("virtio") { path.next().unwrap_or(device) } else { device };
            return faulting == device || device.strip_prefix("0000:") == Some(faulting);
        }
        // Of CONFIG_DMA_API_DEBUG, `err_printk` of `kernel/dma/debug.c`.
        let line = line.strip_prefix("DMA-API: ").unwrap_or(line);
        let Some((before, _)) = line.split_once(": ") else { return false };
        let mut words = before.rsplit(' ');
        words.next() == Some(device) && words.next().is_some()
    }
}

/// `bochs-drm` calls its functions `bochs_`, `vgem` calls them `vgem_`. Less than four letters say nothing.
fn plain_stems(driver: &str) -> Vec<String> {
    let plain = driver.replace('-', "_");
    let short = plain.strip_suffix("_drm").map(str::to_owned);
    std::iter::once(plain).chain(short).filter(|stem| stem.len() >= 4).collect()
}

/// Returns whether a module is a driver's. `bochs-drm` is in the module `bochs`, `cirrus-qemu` in `cirrus_qemu`.
fn belongs(module: &str, driver: &str) -> bool {
    let (module, driver) = (module.replace('-', "_"), driver.replace('-', "_"));
    driver == module || driver.strip_prefix(&module).is_some_and(|rest| rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtio_device_is_known_by_what_it_is_on() {
        let on = |topology: &str| Party { topology: topology.into(), ..Party::default() };
        let fault = "DMAR: [DMA Read NO_PASID] Request device [00:05.0] fault addr 0x1 [fault reason 0x06] x";
        assert!(on("pci0000:00/0000:00:05.0/virtio3").is_named_in(fault));
        assert!(on("pci0000:00/0000:00:05.0").is_named_in(fault));
        assert!(!on("pci0000:00/0000:00:05.0/0000:01:00.0").is_named_in(fault), "it is behind a bridge");
        assert!(!on("").is_named_in(fault));
    }
}
