//! The parts of a system that say which devices there are: sysfs and /dev, below a root that tests choose.

use std::fs;
use std::path::{Path, PathBuf};

/// A system, live or captured.
#[derive(Debug, Clone)]
pub struct System {
    root: PathBuf,
}

/// A device node as sysfs shows it, before anyone opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The device that it belongs to, as a path below `/sys/devices`; for ordering and keys.
    pub topology: String,
    /// The number among the nodes of that device (V4L2's `index`), 0 where there is none.
    pub index: u32,
    /// The driver's name for it (V4L2's `name`): only this distinguishes the instances of vivid.
    pub title: String,
    /// The node's name in sysfs, `card0`, `video3`.
    pub name: String,
    /// The driver bound to the device or to the virtio device below it, or the device's own name without its instance.
    pub driver: String,
    /// The node in /dev.
    pub path: PathBuf,
}

impl Default for System {
    fn default() -> Self {
        Self::at("/")
    }
}

impl System {
    /// The system whose `sys` and `dev` lie below `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// A path of the system, given without a leading slash.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.join(below)
    }

    /// The names in a folder, sorted; none if it cannot be read.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The nodes of a class in `sys/class` whose names begin with `prefix` and continue with a number, in the order of
    /// their topology.
    pub fn nodes(&self, class: &str, prefix: &str, folder_in_dev: &str) -> Vec<Node> {
        let numbered = |name: &String| {
            name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
        };
        let names = self.names(&format!("sys/class/{class}")).into_iter().filter(numbered);
        let mut nodes: Vec<Node> = names.map(|name| self.node(class, name, folder_in_dev)).collect();
        // A node's number comes last, where nothing else distinguishes two nodes of a device.
        nodes.sort_by_cached_key(|node| {
            (node.topology.clone(), node.index, node.title.clone(), node.name.len(), node.name.clone())
        });
        nodes
    }

    fn node(&self, class: &str, name: String, folder_in_dev: &str) -> Node {
        let folder = self.path(format!("sys/class/{class}/{name}"));
        let device = fs::canonicalize(folder.join("device")).unwrap_or_default();
        let devices = fs::canonicalize(self.path("sys/devices")).unwrap_or_default();
        let topology = device.strip_prefix(&devices).unwrap_or(&device).to_string_lossy().into_owned();
        let own = Path::new(&topology).file_name().unwrap_or_default().to_string_lossy();
        let own = own.split('.').next().unwrap_or_default().to_owned();
        let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default().trim().to_owned();
        Node {
            index: text("index").parse().unwrap_or(0),
            title: text("name"),
            driver: driver(&device).filter(|driver| driver != "faux_driver").unwrap_or(own),
            path: self.path("dev").join(folder_in_dev).join(&name),
            topology,
            name,
        }
    }
}

/// The driver bound to a device. A GPU on virtio hangs on the PCI or MMIO device that its virtio device came over: the
/// driver is the virtio device's.
fn driver(device: &Path) -> Option<String> {
    let bound = |device: &Path| {
        let link = fs::read_link(device.join("driver")).ok()?;
        Some(link.file_name()?.to_string_lossy().into_owned())
    };
    let below = || {
        let children = fs::read_dir(device).ok()?.flatten();
        let mut virtio = children.filter(|child| child.file_name().to_string_lossy().starts_with("virtio"));
        virtio.find_map(|child| bound(&child.path()))
    };
    let own = bound(device);
    if own.as_deref().is_some_and(|driver| driver.starts_with("virtio-")) { below().or(own) } else { own }
}
