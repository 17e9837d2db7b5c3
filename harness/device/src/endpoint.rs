//! One thing of a board that exports or imports, described without being open.

use std::path::PathBuf;

use serde::Serialize;
use spec::case::{Ability, EndpointFacts, Kind, Memory, Pixels};
use uapi::Errno;
use uapi::v4l2::{Format, QueueType};

use crate::holders;

/// An endpoint of a board.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Endpoint {
    /// Stable: made of driver and topology, never of node numbers.
    pub key: String,
    /// Its back end.
    pub kind: Kind,
    /// The kernel driver's name; a heap's name.
    pub driver: String,
    /// The kernel module that has the driver; nothing where it is built in, or not known yet.
    #[serde(skip)]
    pub module: Option<String>,
    /// Where the device sits: its path in sysfs.
    pub topology: String,
    /// The device node, under the system's root.
    pub node: PathBuf,
    /// A V4L2 node's queue.
    #[serde(skip)]
    pub queue: Option<QueueType>,
    /// The frames that a V4L2 queue offers, of one buffer each.
    #[serde(skip)]
    pub frames: Vec<Format>,
    /// The format that the other queue of a mem2mem node must have for these frames.
    #[serde(skip)]
    pub beside: Option<(QueueType, Format)>,
    /// True if it allocates buffers and exports them.
    pub exports: bool,
    /// True if it imports buffers.
    pub imports: bool,
    /// True if it reads imported buffers when it is asked to.
    pub reads: bool,
    /// True if it writes imported buffers when it is asked to.
    pub writes: bool,
    /// The work that it does with frames.
    #[serde(skip)]
    pub work: Vec<Ability>,
    /// The sorts of pixels that its frames can have.
    #[serde(skip)]
    pub pixels: Vec<Pixels>,
    /// True if no one has to do without it while it works.
    #[serde(skip)]
    pub spare: bool,
    /// Names what it gets frames of together with others: while one of them streams or has buffers, the others have to
    /// have formats that go with its.
    #[serde(skip)]
    pub shares: Option<String>,
    /// The smallest buffer that it can use, in bytes.
    pub smallest: u64,
    /// The reason why it cannot be used now, with the remedy.
    pub blocked: Option<String>,
    /// The map_dma_buf of its own buffers, once one has been exported.
    #[serde(skip)]
    pub map_dma_buf: Option<String>,
    /// The memory of its own buffers, once one has been exported.
    #[serde(skip)]
    pub memory: Option<Memory>,
}

impl Endpoint {
    /// Creates an endpoint with no capabilities filled in.
    pub fn new(kind: Kind, key: impl Into<String>, driver: impl Into<String>, node: PathBuf) -> Self {
        Self {
            key: segment(&key.into()),
            kind,
            driver: driver.into(),
            module: None,
            topology: String::new(),
            node,
            queue: None,
            frames: Vec::new(),
            beside: None,
            exports: false,
            imports: false,
            reads: false,
            writes: false,
            work: Vec::new(),
            pixels: Vec::new(),
            spare: false,
            shares: None,
            smallest: 1,
            blocked: None,
            map_dma_buf: None,
            memory: None,
        }
    }

    /// The things that it shares with other endpoints and that one program can use at a time: who holds all of them disturbs
    /// no one. Its key, its node, its device, and what it gets frames of.
    pub fn locks(&self) -> impl Iterator<Item = String> {
        // The nodes of a V4L2 device differ after the '#'. A mock's node is the log that all mocks write.
        let mock = self.kind == Kind::Mock;
        let device = self.topology.split('#').next().filter(|device| !device.is_empty() && !mock);
        let node = (!mock).then(|| format!("node {}", self.node.display()));
        let device = device.map(|device| format!("device {device}"));
        let shares = self.shares.as_ref().map(|shares| format!("shares {shares}"));
        [Some(format!("key {}", self.key)), node, device, shares].into_iter().flatten()
    }

    /// The facts that a selector looks at.
    pub fn seen(&self) -> EndpointFacts<'_> {
        EndpointFacts {
            kind: self.kind,
            key: &self.key,
            driver: &self.driver,
            exports: self.exports,
            imports: self.imports,
            reads: self.reads,
            writes: self.writes,
            work: &self.work,
            pixels: &self.pixels,
            memory: self.memory,
            map_dma_buf: self.map_dma_buf.as_deref(),
        }
    }

    /// The same endpoint, unusable for the reason that opening its node or a first question to it gave.
    pub fn blocked_by(mut self, error: &std::io::Error) -> Self {
        let node = self.node.display();
        self.blocked = Some(match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                format!("{node}: permission denied; run as root or join the group that owns the node (video, render)")
            }
            std::io::ErrorKind::NotFound => format!("{node}: no such node; mount devtmpfs on /dev or start udev"),
            std::io::ErrorKind::ResourceBusy => match holders::of(&self.node).join(", ") {
                no_one if no_one.is_empty() => format!("{node}: busy; stop the program that holds the device"),
                holders => format!("{node}: busy; stop the program that holds the device: {holders}"),
            },
            _ => match uapi::kernel_errno(error) {
                Some(Errno::ENOTTY) => {
                    format!("{node}: not a node of such a device; mount devtmpfs on /dev or start udev")
                }
                Some(Errno::ENODEV | Errno::ENXIO) => format!("{node}: the node has no device; bind its driver"),
                _ => format!("{node}: {error}; see the kernel log"),
            },
        });
        self
    }
}

/// A text as a segment of a cell id: lower case, everything strange becomes '-'.
pub fn segment(text: &str) -> String {
    let strange = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    text.to_ascii_lowercase().replace(strange, "-")
}

/// Gives endpoints that would share a key a number each, in the order of their topology.
pub fn number_twins(endpoints: &mut [Endpoint]) {
    endpoints.sort_by(|a, b| (&a.key, &a.topology).cmp(&(&b.key, &b.topology)));
    let keys: Vec<String> = endpoints.iter().map(|endpoint| endpoint.key.clone()).collect();
    let mut number = 0;
    for (at, endpoint) in endpoints.iter_mut().enumerate() {
        let twin_before = at > 0 && keys[at - 1] == keys[at];
        let twin_after = keys.get(at + 1) == Some(&keys[at]);
        number = if twin_before { number + 1 } else { 0 };
        if twin_before || twin_after {
            endpoint.key = format!("{}-{number}", keys[at]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(key: &str, topology: &str) -> Endpoint {
        let endpoint = Endpoint::new(Kind::Drm, key, "d", PathBuf::from("/dev/x"));
        Endpoint { topology: topology.into(), ..endpoint }
    }

    #[test]
    fn a_key_holds_only_what_a_cell_id_may() {
        assert_eq!(at("drm-Some Driver.2", "").key, "drm-some-driver-2");
    }

    #[test]
    fn twins_are_numbered_by_topology_and_others_are_not() {
        let mut endpoints = vec![at("drm-x", "pci/2"), at("drm-vgem", "vgem"), at("drm-x", "pci/1")];
        number_twins(&mut endpoints);
        let keys: Vec<_> = endpoints.iter().map(|e| (e.key.as_str(), e.topology.as_str())).collect();
        assert_eq!(keys, [("drm-vgem", "vgem"), ("drm-x-0", "pci/1"), ("drm-x-1", "pci/2")]);
    }

    #[test]
    fn endpoints_of_a_node_or_a_device_share_a_lock_and_others_do_not() {
        let of = |key: &str, node: &str, topology: &str| Endpoint { node: node.into(), ..at(key, topology) };
        let share = |one: &Endpoint, other: &Endpoint| one.locks().any(|lock| other.locks().any(|own| own == lock));
        let (capture, output) = (of("v4l2-x-cap0", "/dev/video0", "x#0"), of("v4l2-x-out0", "/dev/video1", "x#1"));
        assert!(share(&capture, &output), "one device");
        assert!(share(&of("gbm-y", "/dev/dri/renderD128", "y"), &of("drm-y", "/dev/dri/renderD128", "z")), "one node");
        assert!(!share(&capture, &of("drm-vgem", "/dev/dri/card0", "vgem")));
        assert!(!share(&of("udmabuf", "/dev/udmabuf", ""), &of("heap-system", "/dev/dma_heap/system", "")));
        let with = |endpoint: Endpoint| Endpoint { shares: Some("sensor".into()), ..endpoint };
        assert!(share(&with(capture), &with(of("v4l2-z-cap0", "/dev/video5", "z"))), "one source of frames");
    }

    #[test]
    fn a_node_without_permission_says_what_to_do() {
        let error = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        assert!(at("drm-x", "").blocked_by(&error).blocked.unwrap().contains("run as root"));
    }

    #[test]
    fn a_busy_node_says_who_holds_it() {
        let node = std::path::PathBuf::from("/dev/full");
        let held = std::fs::File::open(&node).unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").stdin(held).spawn().unwrap();
        let error = std::io::Error::from(std::io::ErrorKind::ResourceBusy);
        let why = Endpoint::new(Kind::Vfio, "vfio-x", "x", node).blocked_by(&error).blocked.unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(why.contains("busy; stop the program") && why.contains("(pid "), "{why}");
        let why = at("drm-x", "").blocked_by(&error).blocked.unwrap();
        assert!(why.ends_with("the program that holds the device"), "{why}");
    }
}
