//! A device of VFIO, opened through its IOMMU group. One program at a time can have a group.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{Error, Result};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use spec::case::Kind;
use uapi::{Errno, vfio};

use crate::endpoint::Endpoint;
use crate::refusal::Refusal;
use crate::system::System;

/// A device, and what has to stay open with it.
pub(super) struct Opened {
    pub(super) device: File,
    _group: File,
    _container: File,
}

/// An endpoint for a device in `folder` of sysfs that `driver` is bound to; nothing for one that has no group: VFIO has
/// not taken it.
pub(super) fn endpoint(system: &System, folder: &Path, driver: &str) -> Option<Endpoint> {
    let device = fs::canonicalize(system.path(folder)).ok()?;
    let link = |name: &str| Some(fs::read_link(device.join(name)).ok()?.file_name()?.to_string_lossy().into_owned());
    if link("driver")? != driver {
        return None;
    }
    let node: PathBuf = system.path("dev/vfio").join(link("iommu_group")?);
    let devices = fs::canonicalize(system.path("sys/devices")).unwrap_or_default();
    let topology = device.strip_prefix(&devices).unwrap_or(&device).to_string_lossy().into_owned();
    let key = format!("vfio-{}", driver.trim_start_matches("vfio-"));
    Some(Endpoint { topology, ..Endpoint::new(Kind::Vfio, key, driver, node) })
}

/// Opens an endpoint's device.
///
/// # Errors
/// EBUSY while someone has the group; EACCES; ENOENT; what else VFIO says, with the call.
pub(super) fn open(endpoint: &Endpoint) -> Result<Opened> {
    let node = |path: &Path| File::options().read(true).write(true).open(path);
    let group = node(&endpoint.node)?;
    let container = node(&endpoint.node.with_file_name("vfio"))?;
    let name = Path::new(&endpoint.topology).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = CString::new(name).map_err(Error::other)?;
    vfio::set_container(group.as_fd(), container.as_fd()).map_err(|errno| match errno {
        Errno::ENOTTY => errno.into(),
        Errno::EPERM => remark("VFIO_GROUP_SET_CONTAINER", errno, "bind the group's other devices to vfio-pci too"),
        _ => remark("VFIO_GROUP_SET_CONTAINER", errno, "see the kernel log"),
    })?;
    vfio::set_iommu(container.as_fd()).map_err(|errno| match errno {
        Errno::ENODEV => remark("VFIO_SET_IOMMU", errno, "load the module vfio_iommu_type1"),
        _ => remark("VFIO_SET_IOMMU", errno, "the machine must have an IOMMU that remaps interrupts"),
    })?;
    let device = vfio::device(group.as_fd(), &name);
    let device = device.map_err(|errno| remark("VFIO_GROUP_GET_DEVICE_FD", errno, "see the kernel log"))?;
    Ok(Opened { device: device.into(), _group: group, _container: container })
}

/// A refusal of the kernel, and what a person can do about it.
#[derive(Debug, thiserror::Error)]
#[error("{call}: {errno}; {remedy}")]
struct Remark {
    call: &'static str,
    errno: Errno,
    remedy: &'static str,
}

fn remark(call: &'static str, errno: Errno, remedy: &'static str) -> Error {
    Error::other(Remark { call, errno, remedy })
}

/// The refusal that an error of [`open`] stands for, with the call that the kernel refused.
pub(super) fn refusal(error: Error) -> Refusal {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Remark>()) {
        Some(&Remark { call, errno, .. }) => Refusal::Kernel { call, errno },
        None => Refusal::of("open of the VFIO device")(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A tree with one device on a bus, bound to a driver, in group 7.
    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let device = root.path().join("sys/devices/parent/a-device");
        fs::create_dir_all(&device).unwrap();
        fs::create_dir_all(root.path().join("sys/bus/x/devices")).unwrap();
        symlink("../../../devices/parent/a-device", root.path().join("sys/bus/x/devices/a-device")).unwrap();
        symlink("../../../kernel/iommu_groups/7", device.join("iommu_group")).unwrap();
        symlink("../../../bus/x/drivers/vfio-x", device.join("driver")).unwrap();
        root
    }

    const DEVICE: &str = "sys/bus/x/devices/a-device";

    #[test]
    fn a_device_is_called_after_its_driver_and_opened_by_its_group() {
        let root = tree();
        let found = endpoint(&System::at(root.path()), Path::new(DEVICE), "vfio-x").unwrap();
        assert_eq!((found.key.as_str(), found.topology.as_str()), ("vfio-x", "parent/a-device"));
        assert_eq!(found.node, root.path().join("dev/vfio/7"));
        assert_eq!(open(&found).err().unwrap().kind(), std::io::ErrorKind::NotFound);
    }

    #[test]
    fn a_device_of_another_driver_or_without_a_group_is_none() {
        let root = tree();
        let system = System::at(root.path());
        assert!(endpoint(&system, Path::new(DEVICE), "vfio-y").is_none());
        fs::remove_file(root.path().join("sys/devices/parent/a-device/iommu_group")).unwrap();
        assert!(endpoint(&system, Path::new(DEVICE), "vfio-x").is_none());
    }

    #[test]
    fn a_refusal_with_a_remedy_keeps_its_call_and_its_errno() {
        let refused = refusal(remark("VFIO_SET_IOMMU", Errno::ENODEV, "load the module"));
        assert_eq!(refused, Refusal::Kernel { call: "VFIO_SET_IOMMU", errno: Errno::ENODEV });
        assert_eq!(refusal(Error::other("no such BAR")).errno(), None);
    }

    #[test]
    fn nodes_that_are_none_of_vfio_s_are_refused() {
        let root = tree();
        fs::create_dir_all(root.path().join("dev/vfio")).unwrap();
        for name in ["7", "vfio"] {
            fs::write(root.path().join("dev/vfio").join(name), "").unwrap();
        }
        let found = endpoint(&System::at(root.path()), Path::new(DEVICE), "vfio-x").unwrap();
        let error = open(&found).err().unwrap();
        assert_eq!(uapi::kernel_errno(&error), Some(Errno::ENOTTY));
        assert!(found.blocked_by(&error).blocked.unwrap().contains("not a node of such a device"));
    }
}
