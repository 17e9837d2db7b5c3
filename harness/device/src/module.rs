//! The kernel module that a device's driver is in: its name is often another than the driver's, and a trace of the kernel
//! names modules.

use std::path::Path;

/// Finds the module of a driver: the one of its name; else by the link of the device at `topology` (below `/sys/devices`,
/// without what follows `#`), which for virtio is that of the transport; else by the beginning of its name. Nothing for a
/// driver that is built in.
///
/// Reference: `Documentation/ABI/stable/sysfs-module`, and `module_add_driver` of `kernel/module/sysfs.c`.
pub fn of(sys: &Path, topology: &str, driver: &str) -> Option<String> {
    let exact = driver.replace('-', "_");
    if sys.join("module").join(&exact).join("refcnt").exists() {
        return Some(exact);
    }
    let device = topology.split('#').next().filter(|path| !path.is_empty());
    let by_device = device.and_then(|path| {
        let module = std::fs::read_link(sys.join("devices").join(path).join("driver/module")).ok()?;
        Some(module.file_name()?.to_str()?.to_owned())
    });
    // A platform device without a driver of its own has the name that its module gave it: `vimc.0`.
    let named = device.and_then(|path| path.rsplit('/').next()?.split('.').next());
    by_device.or_else(|| by_name(sys, driver)).or_else(|| by_name(sys, named?))
}

/// The modules that a module uses, and those that these use, sorted: each has the module among its holders.
///
/// Reference: `mod_sysfs_setup` and `add_usage_links` of `kernel/module/sysfs.c`.
pub fn used_by(sys: &Path, module: &str) -> Vec<String> {
    let modules = sys.join("module");
    let names = std::fs::read_dir(&modules).into_iter().flatten().flatten();
    let names: Vec<String> = names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let mut used: Vec<String> = Vec::new();
    let mut users = vec![module.to_owned()];
    while let Some(user) = users.pop() {
        for name in &names {
            let holds = std::fs::symlink_metadata(modules.join(name).join("holders").join(&user)).is_ok();
            if holds && !used.contains(name) {
                used.push(name.clone());
                users.push(name.clone());
            }
        }
    }
    used.sort();
    used
}

/// `bochs-drm` is in the module `bochs`, `cirrus-qemu` in `cirrus_qemu`.
fn by_name(sys: &Path, driver: &str) -> Option<String> {
    let driver = driver.replace('-', "_");
    let mut names = driver.match_indices('_').map(|(end, _)| &driver[..end]).chain([driver.as_str()]);
    // The longest says most.
    names.rfind(|name| sys.join("module").join(name).join("refcnt").exists()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_counts_first_and_the_link_of_the_device_before_a_part_of_the_name() {
        let root = tempfile::tempdir().unwrap();
        let sys = root.path();
        let device = sys.join("devices/platform/tegra-drm.0/driver");
        std::fs::create_dir_all(&device).unwrap();
        std::os::unix::fs::symlink("../../../../module/tegra_drm", device.join("module")).unwrap();
        for module in ["tegra", "virtio_gpu"] {
            std::fs::create_dir_all(sys.join("module").join(module)).unwrap();
            std::fs::write(sys.join("module").join(module).join("refcnt"), "1").unwrap();
        }
        assert_eq!(of(sys, "platform/tegra-drm.0#0", "tegra-dc").as_deref(), Some("tegra_drm"));
        assert_eq!(of(sys, "platform/other", "tegra-dc").as_deref(), Some("tegra"));
        // A device of virtio is bound to the transport's driver.
        assert_eq!(of(sys, "platform/tegra-drm.0", "virtio_gpu").as_deref(), Some("virtio_gpu"));
    }

    #[test]
    fn what_a_module_uses_is_found_by_its_holders_and_through_others() {
        let root = tempfile::tempdir().unwrap();
        for (module, holder) in [("helper", "vgem"), ("drm", "helper"), ("drm", "vgem"), ("other", "vivid")] {
            let holders = root.path().join("module").join(module).join("holders");
            std::fs::create_dir_all(&holders).unwrap();
            std::os::unix::fs::symlink(format!("../../{holder}"), holders.join(holder)).unwrap();
        }
        assert_eq!(used_by(root.path(), "vgem"), ["drm", "helper"]);
        assert_eq!(used_by(root.path(), "drm"), Vec::<String>::new());
    }

    #[test]
    fn a_name_is_found_by_its_beginning_and_a_driver_that_is_built_in_has_no_module() {
        let root = tempfile::tempdir().unwrap();
        for name in ["bochs", "cirrus_qemu"] {
            std::fs::create_dir_all(root.path().join("module").join(name)).unwrap();
            std::fs::write(root.path().join("module").join(name).join("refcnt"), "1").unwrap();
        }
        // One that is built in has a folder for its parameters, and no count of references.
        std::fs::create_dir_all(root.path().join("module/vgem")).unwrap();
        let of = |driver: &str| of(root.path(), "", driver);
        assert_eq!(of("bochs-drm").as_deref(), Some("bochs"));
        assert_eq!(of("cirrus-qemu").as_deref(), Some("cirrus_qemu"));
        assert_eq!(of("vgem"), None);
        let by_device = super::of(root.path(), "platform/cirrus_qemu.1#0", "another");
        assert_eq!(by_device.as_deref(), Some("cirrus_qemu"));
    }
}
