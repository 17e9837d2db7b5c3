//! The inventory of captured trees: their /dev holds ordinary files, so that every device is found and none answers.

mod tree;

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;

use device::{Endpoint, System, inventory};

/// Each key with its device and node.
fn by_key(system: &System, number: &dyn Fn(&str) -> String) -> BTreeMap<String, (String, String)> {
    let named = |endpoint: Endpoint| {
        let node = endpoint.node.file_name().unwrap().to_str().unwrap().to_owned();
        (endpoint.key, (endpoint.topology, number(&node)))
    };
    inventory::find(system).into_iter().map(named).collect()
}

fn keys(found: &[Endpoint]) -> Vec<&str> {
    let own = found.iter().map(|endpoint| endpoint.key.as_str());
    own.filter(|key| !key.starts_with("gbm-")).collect()
}

#[test]
fn every_device_of_a_captured_tree_is_found() {
    let found = inventory::find(&System::at(tree::captured("debian-amd64-7.3")));
    let expected = [
        "drm-bochs-drm",
        "drm-cirrus-qemu",
        "drm-vgem",
        "drm-virtio_gpu",
        "heap-system",
        "udmabuf",
        "v4l2-vivid-queue0",
        "v4l2-vivid-queue1",
    ];
    assert_eq!(keys(&found), expected);
}

#[test]
fn a_node_that_is_no_device_node_is_blocked_and_says_what_to_do() {
    for name in tree::NAMES {
        for endpoint in inventory::find(&System::at(tree::captured(name))) {
            let why = endpoint.blocked.unwrap_or_else(|| panic!("{name}: {} is not blocked", endpoint.key));
            assert!(why.contains("not a node of such a device; mount devtmpfs"), "{name}: {why}");
            assert!(!endpoint.exports && !endpoint.imports, "{name}: {}", endpoint.key);
        }
    }
}

#[test]
fn a_node_of_some_other_device_is_blocked() {
    let copy = tree::Copy::exchanged("debian-amd64-7.3", &[]);
    for node in ["dri/card1", "video0", "dma_heap/system", "udmabuf"] {
        let node = copy.root().join("dev").join(node);
        std::fs::remove_file(&node).unwrap();
        symlink("/dev/null", node).unwrap();
    }
    let found = inventory::find(&copy.system());
    assert_eq!(keys(&found).len(), 8);
    assert!(found.iter().all(|endpoint| endpoint.blocked.is_some()), "{found:?}");
}

#[test]
fn a_device_without_its_node_is_blocked_and_says_what_to_do() {
    let copy = tree::Copy::exchanged("debian-amd64", &[]);
    let before = inventory::find(&copy.system());
    std::fs::remove_dir_all(copy.root().join("dev")).unwrap();
    let after = inventory::find(&copy.system());
    assert_eq!(keys(&before), keys(&after));
    for endpoint in after {
        let why = endpoint.blocked.unwrap_or_else(|| panic!("{} is not blocked", endpoint.key));
        assert!(why.contains("no such node; mount devtmpfs on /dev or start udev"), "{why}");
    }
}

#[test]
fn keys_stay_with_their_devices_when_nodes_are_numbered_otherwise() {
    for name in tree::NAMES {
        let pairs = [("card0", "card1"), ("card2", "card3"), ("video0", "video1"), ("video2", "video10")];
        let copy = tree::Copy::exchanged(name, &pairs);
        let back = |node: &str| {
            let other = pairs.iter().find_map(|&(a, b)| (node == a).then_some(b).or((node == b).then_some(a)));
            other.unwrap_or(node).to_owned()
        };
        let before = by_key(&System::at(tree::captured(name)), &str::to_owned);
        assert_eq!(before, by_key(&copy.system(), &back), "{name}");
    }
}

#[test]
fn twins_are_numbered_in_the_order_of_their_topology() {
    let copy = tree::Copy::rebound("debian-amd64-7.3", "bochs-drm", "cirrus-qemu");
    let found = by_key(&copy.system(), &str::to_owned);
    assert_eq!(found["drm-cirrus-qemu-0"].0, "pci0000:00/0000:00:02.0");
    assert_eq!(found["drm-cirrus-qemu-1"].0, "pci0000:00/0000:00:03.0");
    assert!(found.contains_key("drm-vgem"), "one of its kind has no number");
}

#[test]
fn keys_are_unique_and_fit_into_a_cell_id() {
    for name in tree::NAMES {
        let found = inventory::find(&System::at(tree::captured(name)));
        for pair in found.windows(2) {
            assert!(pair[0].key < pair[1].key, "{name}: {} {}", pair[0].key, pair[1].key);
        }
        for endpoint in found {
            assert_eq!(endpoint.key, device::endpoint::segment(&endpoint.key));
        }
    }
}

#[test]
fn a_tree_without_devices_has_an_empty_inventory() {
    let copy = tree::Copy::empty();
    assert!(inventory::find(&copy.system()).is_empty());
    for folder in ["sys/class/drm", "sys/class/video4linux", "sys/class/dma_heap", "sys/class/misc", "dev/dri"] {
        std::fs::create_dir_all(copy.root().join(folder)).unwrap();
    }
    std::fs::write(copy.root().join("sys/class/drm/version"), "drm 1.1.0 20060810\n").unwrap();
    assert!(inventory::find(&copy.system()).is_empty());
}
